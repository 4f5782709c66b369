//! A part of a screen that waits for its own turn of the browser's event loop. Building a whole screen at once takes
//! longer than the page may be deaf to its user: code that runs for the first time is compiled on the way.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

#[component]
pub fn Later(children: ChildrenFn) -> impl IntoView {
    let shown = RwSignal::new(false);
    let timer = StoredValue::new_local(Some(Timeout::new(0, move || shown.set(true))));
    on_cleanup(move || timer.set_value(None));
    move || shown.get().then(&*children)
}
