//! Downloads: report and weights.

use leptos::prelude::*;

use super::app::App;
use super::saved::Discard;
use crate::column::RecipeName;
use crate::protocol::Command;
use crate::state::methods::title;

#[component]
pub fn Export() -> impl IntoView {
    let app = expect_context::<App>();
    let results = Memo::new(move |_| app.state.with(|state| state.training.has_results()));
    let models = Memo::new(move |_| {
        app.state.with(|state| state.models.iter().map(|model| model.recipe.clone()).collect::<Vec<_>>())
    });
    let kept = Memo::new(move |_| {
        app.state.with(|state| {
            state.saved.as_ref().is_some_and(|run| run.finished)
                && state.offered().is_none()
                && !state.training.is_running()
        })
    });
    let chosen = RwSignal::new(RecipeName::new("promot"));
    let choose = move |event: leptos::ev::Event| chosen.set(RecipeName::new(event_target_value(&event)));
    // A model that was chosen before it was there falls back to one that is.
    let recipe = move || {
        let there = models.get();
        if there.contains(&chosen.get()) { Some(chosen.get()) } else { there.last().cloned() }
    };
    let weights = move |_| {
        if let Some(recipe) = recipe() {
            app.send(&Command::ExportWeights { recipe });
        }
    };
    let page = move |_| {
        let unfinished =
            app.state.with_untracked(|state| state.training.unfinished.iter().cloned().collect());
        app.send(&Command::ExportPage { unfinished });
    };
    let option = move |name: RecipeName| {
        let value = name.to_string();
        view! {
            <option value=value.clone() selected=move || recipe().as_ref() == Some(&name)>
                {title(&value)}
            </option>
        }
    };
    view! {
        <section class="panel export" data-point="export" aria-labelledby="export-title">
            <h2 id="export-title">"Download"</h2>
            <p class="muted">
                "The report as an HTML page, or as JSON like that of the native program; weights as a zip with the folder
                that transformers loads, and the soft prompt in it as PEFT loads it. Available while a run is paused, too."
            </p>
            <div class="buttons">
                <button
                    type="button"
                    data-testid="export-report"
                    disabled=move || !results.get()
                    on:click=move |_| app.send(&Command::ExportReport)
                >
                    "Download the report"
                </button>
                <button
                    type="button"
                    data-testid="export-page"
                    disabled=move || !results.get()
                    on:click=page
                >
                    "Download it as a page"
                </button>
                <label class="inline">
                    <span>"Weights of"</span>
                    <select data-testid="export-column" on:change=choose>
                        {move || models.get().into_iter().map(option).collect_view()}
                    </select>
                </label>
                <button
                    type="button"
                    data-testid="export-weights"
                    disabled=move || models.with(Vec::is_empty)
                    on:click=weights
                >
                    "Download the weights"
                </button>
                <Show when=move || kept.get()>
                    <Discard testid="run-discard" label="Delete this run" />
                </Show>
            </div>
        </section>
    }
}
