//! The user's own runs: kept under names, compared, deleted.

use leptos::prelude::*;

use super::app::App;
use super::charts::ComparedCharts;
use super::numbers;
use super::results::ResultsTable;
use super::saved::Confirm;
use crate::protocol::{Command, KeptRun};
use crate::state::kept::MOST;

#[component]
pub fn KeptRuns() -> impl IntoView {
    let app = expect_context::<App>();
    let runs = Memo::new(move |_| app.state.with(|state| state.kept.runs.clone()));
    let finished = Memo::new(move |_| app.state.with(|state| !state.training.runs.is_empty()));
    let there = move || finished.get() || !runs.with(Vec::is_empty);
    let room = move || numbers::bytes(app.state.with(|state| state.kept.bytes()));
    let version = Memo::new(move |_| app.state.with(|state| (state.kept.version, state.training.runs.len())));
    // Read, not only tracked: a memo that nobody has read follows nothing yet.
    let compared = Signal::derive(move || {
        let _ = version.get();
        app.state.with_untracked(|state| state.kept.compared(&state.training))
    });
    let curves = Memo::new(move |_| {
        let _ = version.get();
        app.state.with_untracked(|state| state.kept.curves(&state.training))
    });
    let any = Memo::new(move |_| !compared.with(Vec::is_empty));
    let unlike = Memo::new(move |_| app.state.with(|state| state.kept.unlike()));
    view! {
        <Show when=there>
            <section class="panel kept" data-testid="kept" data-point="kept" aria-labelledby="kept-title">
                <h2 id="kept-title">"Your runs"</h2>
                <p class="muted">
                    "A new run takes the place of the last one. Kept here, in this browser, are the scores, curves and answers
                    of runs that you name; their weights are not, so download those that you want."
                </p>
                <Show when=move || finished.get()>
                    <Keep />
                </Show>
                <Show when=move || !runs.with(Vec::is_empty)>
                    <ul class="kept-runs">
                        <For each=move || runs.get() key=KeptRun::clone children=|run| view! { <One run /> } />
                    </ul>
                    <p class="muted" data-testid="kept-room">
                        {move || format!("They take {}. Up to {MOST} can be compared at a time.", room())}
                    </p>
                </Show>
                <Show when=move || any.get()>
                    {move || unlike.get().map(|text| view! { <p class="unlike" role="note">{text}</p> })}
                    <ResultsTable runs=compared testid="kept-table" />
                    <ComparedCharts curves />
                </Show>
            </section>
        </Show>
    }
}

/// Keeps the run that is shown.
#[component]
fn Keep() -> impl IntoView {
    let app = expect_context::<App>();
    let name = RwSignal::new(app.state.with_untracked(|state| state.training.usual_name()));
    let keep = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        app.send(&Command::Keep { name: name.get_untracked() });
    };
    view! {
        <form class="keep" aria-label="Keep this run" on:submit=keep>
            <label>
                <span>"Name"</span>
                <input
                    type="text"
                    maxlength="60"
                    data-testid="keep-name"
                    prop:value=move || name.get()
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </label>
            <button type="submit" data-testid="keep">"Keep this run"</button>
        </form>
    }
}

#[component]
fn One(run: KeptRun) -> impl IntoView {
    let app = expect_context::<App>();
    let id = run.id;
    let asked = RwSignal::new(false);
    let chosen = Memo::new(move |_| app.state.with(|state| state.kept.is_chosen(id)));
    let full = Memo::new(move |_| app.state.with(|state| state.kept.is_full()));
    let choose = move |event: leptos::ev::Event| {
        let wanted = event_target_checked(&event);
        let fetch = app.state.try_update(|state| state.kept.choose(id, wanted)).unwrap_or_default();
        if fetch {
            app.send(&Command::OpenKept { id });
        }
    };
    let rename = move |event: leptos::ev::Event| {
        app.send(&Command::RenameKept { id, name: event_target_value(&event) });
    };
    let model = if run.model.is_empty() { String::new() } else { format!("{}; ", run.model) };
    let about = format!("{model}{}; {}; {}", run.task, run.methods.join(", "), numbers::bytes(run.bytes));
    view! {
        <li data-run=id.to_string()>
            <label class="check">
                <input
                    type="checkbox"
                    data-testid=format!("kept-choose-{id}")
                    prop:checked=move || chosen.get()
                    disabled=move || full.get() && !chosen.get()
                    on:change=choose
                />
                <span>"Compare"</span>
            </label>
            <input
                type="text"
                maxlength="60"
                aria-label="Name of the run"
                data-testid=format!("kept-name-{id}")
                prop:value=run.name.clone()
                on:change=rename
            />
            <small>{about}</small>
            <Show
                when=move || asked.get()
                fallback=move || view! {
                    <button
                        type="button"
                        class="small"
                        data-testid=format!("kept-delete-{id}")
                        on:click=move |_| asked.set(true)
                    >
                        "Delete"
                    </button>
                }
            >
                <Confirm
                    question="Delete this run's scores, curves and answers?"
                    yes="Delete them"
                    act=move || app.send(&Command::DeleteKept { id })
                    cancel=move || asked.set(false)
                />
            </Show>
        </li>
    }
}
