//! A link to exactly what is shown.

use leptos::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::address;
use super::app::App;

#[component]
pub fn ShareView() -> impl IntoView {
    let app = expect_context::<App>();
    let link = RwSignal::new(None::<String>);
    let copied = RwSignal::new(false);
    let share = move |_| {
        let text = format!("{}{}", address::whole(), app.place().hash());
        link.set(Some(text.clone()));
        copied.set(false);
        // There is no clipboard on plain http; the link can be selected where it stands.
        if window().is_secure_context() {
            let written = window().navigator().clipboard().write_text(&text);
            spawn_local(async move { copied.set(JsFuture::from(written).await.is_ok()) });
        }
    };
    let all = |event: leptos::ev::MouseEvent| event_target::<web_sys::HtmlInputElement>(&event).select();
    view! {
        <button type="button" class="small" data-testid="share" on:click=share>
            "Copy link to this view"
        </button>
        <Show when=move || link.with(Option::is_some)>
            <div class="link">
                <input
                    type="text"
                    readonly
                    aria-label="Link to this view"
                    data-testid="share-link"
                    prop:value=move || link.get().unwrap_or_default()
                    on:click=all
                />
                <span role="status">{move || if copied.get() { "copied" } else { "select and copy" }}</span>
                <button type="button" class="small" aria-label="Close the link" on:click=move |_| link.set(None)>
                    "\u{d7}"
                </button>
            </div>
        </Show>
    }
}
