//! The choice among the models that come with the page.

use leptos::prelude::*;

use super::app::App;
use crate::catalog::MODELS;

/// Another model is another page: it loads its own weights and recorded results.
#[component]
pub fn ChooseModel() -> impl IntoView {
    let app = expect_context::<App>();
    let running = Memo::new(move |_| app.state.with(|state| state.training.is_running()));
    let option = |name: &'static str, kind: &str| {
        view! {
            <option value=name selected=name == app.model>
                {format!("{name} ({kind})")}
            </option>
        }
    };
    view! {
        <label class="model">
            "Model "
            <select
                data-testid="model"
                disabled=move || running.get()
                title=move || running.get().then_some("Stop the run first.")
                on:change=move |event| app.open_model(&event_target_value(&event))
            >
                {MODELS.iter().map(|model| option(model.name, model.kind)).collect_view()}
            </select>
        </label>
    }
}
