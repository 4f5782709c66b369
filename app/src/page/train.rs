//! The second screen: settings, the run as it goes, its curves and its results.

use leptos::prelude::*;

use super::app::App;
use super::charts::Charts;
use super::controls::Controls;
use super::export::Export;
use super::form::Form;
use super::later::Later;
use super::results::ResultsTable;
use super::saved::SavedRun;

#[component]
pub fn Train() -> impl IntoView {
    let app = expect_context::<App>();
    // A run never changes once it is done, so that their number tells whether there is anything new.
    let n_runs = Memo::new(move |_| app.state.with(|state| state.training.runs.len()));
    let runs = Signal::derive(move || {
        n_runs.track();
        app.state.with_untracked(|state| state.training.runs.clone())
    });
    view! {
        <section class="intro" aria-labelledby="train-title">
            <h1 id="train-title">"Train it yourself, in this tab"</h1>
            <p class="lead">
                "Fine-tune the small model on one task in the ordinary way and with ProMoT, and watch what happens to
                tasks it is not trained on. In ProMoT, stage 1 trains a soft prompt and leaves the model alone; stage 2
                tunes the model behind that prompt, which is taken off afterwards."
            </p>
        </section>
        <SavedRun />
        <div class="train">
            <Later>
                <Form />
            </Later>
            <div class="run">
                <Later>
                    <Controls />
                </Later>
                <Charts />
            </div>
        </div>
        <Show when=move || n_runs.get() != 0>
            <section class="results" aria-labelledby="results-title">
                <h2 id="results-title">"Results"</h2>
                <ResultsTable runs testid="results-table" />
            </section>
        </Show>
        <Later>
            <Export />
        </Later>
    }
}
