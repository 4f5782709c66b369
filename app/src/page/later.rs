//! A part of a screen that waits for its own turn of the browser's event loop. Building a whole screen at once takes
//! longer than the page may be deaf to its user: code that runs for the first time is compiled on the way.

use gloo::timers::callback::Timeout;
use gloo::timers::future::TimeoutFuture;
use leptos::prelude::*;

/// Waits for the next turn of the event loop, between two pieces of work that would hold up the page as one.
pub async fn turn() {
    TimeoutFuture::new(0).await;
}

#[component]
pub fn Later(
    /// Milliseconds until its turn: parts that the browser would lay out in the same frame get one each.
    #[prop(optional)]
    wait: u32,
    children: ChildrenFn,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let timer = StoredValue::new_local(Some(Timeout::new(wait, move || shown.set(true))));
    on_cleanup(move || timer.set_value(None));
    move || shown.get().then(&*children)
}
