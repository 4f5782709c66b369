//! Large type for a projector.

use leptos::prelude::*;

use super::app::App;

#[component]
pub fn LargeMode() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <button
            type="button"
            class="small"
            data-testid="large"
            title="Large type for a projector (key P)"
            aria-pressed=move || app.large.get().to_string()
            on:click=move |_| toggle(app)
        >
            "Large"
        </button>
    }
}

/// Large type on or off.
pub fn toggle(app: App) {
    let root = document().document_element().map(|root| root.class_list());
    // A class of this name can always be set.
    let on = root.and_then(|classes| classes.toggle("large").ok());
    app.large.set(on.unwrap_or(false));
}
