//! The second screen: settings, controls, curves and results of a run.

use std::sync::Arc;

use leptos::prelude::*;
use promot_core::report_html::TWO_STAGES;

use super::app::App;
use super::charts::Charts;
use super::controls::Controls;
use super::evidence::Evidence;
use super::export::Export;
use super::form::Form;
use super::glossary::Glossary;
use super::kept::KeptRuns;
use super::later::Later;
use super::results::ResultsTable;
use super::saved::SavedRun;
use super::watched::WatchedAnswers;

#[component]
pub fn Train() -> impl IntoView {
    let app = expect_context::<App>();
    // A finished method never changes, so that a new number of them means a new result.
    let n_runs = Memo::new(move |_| app.state.with(|state| state.training.runs.len()));
    let runs = Signal::derive(move || {
        n_runs.track();
        app.state.with_untracked(|state| state.training.runs.clone())
    });
    let reported = Memo::new(move |_| app.state.with(|state| state.training.report.is_some()));
    let report = move || app.state.with_untracked(|state| state.training.report.clone().map(Arc::new));
    view! {
        <section class="intro beside" aria-labelledby="train-title">
            <h1 id="train-title">"Train it yourself, in this tab"</h1>
            <p class="lead">
                "Fine-tune the small model on one task, in the standard way and with ProMoT, and watch its scores on
                held-out tasks. Stage 1 of ProMoT trains a soft prompt and keeps the model frozen; stage 2 fine-tunes
                the model with that prompt prepended. The prompt is removed afterwards."
            </p>
            <Glossary />
            <div class="stages" inner_html=TWO_STAGES></div>
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
                <Later>
                    <WatchedAnswers />
                </Later>
                <Charts />
            </div>
        </div>
        <Show when=move || n_runs.get() != 0>
            <section class="results" aria-labelledby="results-title">
                <h2 id="results-title">"Results"</h2>
                <ResultsTable runs testid="results-table" />
                {move || reported.get().then(report).flatten().map(|report| view! { <Evidence report /> })}
            </section>
        </Show>
        <Later>
            <KeptRuns />
        </Later>
        <Later>
            <Export />
        </Later>
    }
}
