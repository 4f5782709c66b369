//! A run from an earlier visit: resume or discard it.

use leptos::prelude::*;

use super::app::App;

#[component]
pub fn SavedRun() -> impl IntoView {
    let app = expect_context::<App>();
    let saved = Memo::new(move |_| {
        app.state.with(|state| {
            let shown =
                state.saved.as_ref().is_some_and(|saved| saved.finished) && state.training.has_results();
            if shown || state.training.is_running() { None } else { state.saved.clone() }
        })
    });
    let loaded = Memo::new(move |_| app.state.with(|state| !state.models.is_empty()));
    move || {
        saved.get().map(|saved| {
            let (text, label) = if saved.finished {
                (
                    format!("A finished run on {} is stored in this browser.", saved.spec.target.task),
                    "Show it",
                )
            } else {
                let at = match saved.steps {
                    0 => String::new(),
                    steps => format!(", {}, step {} of {steps}", saved.stage, saved.step),
                };
                let text = format!(
                    "A run on {} from an earlier visit is unfinished ({}{at}).",
                    saved.spec.target.task, saved.method
                );
                (text, "Continue")
            };
            view! {
                <aside class="panel saved" aria-label="Saved run" data-testid="saved-run">
                    <p>{text}</p>
                    <div class="buttons">
                        <button
                            type="button"
                            class="primary"
                            data-testid="saved-continue"
                            disabled=move || !loaded.get()
                            on:click=move |_| app.resume()
                        >
                            {label}
                        </button>
                        <button type="button" data-testid="saved-discard" on:click=move |_| app.discard()>
                            "Discard"
                        </button>
                    </div>
                </aside>
            }
        })
    }
}
