//! The wall: a question of every task to all chosen models at once, recorded first, then answered by this device.

use leptos::prelude::*;

use super::answer::series;
use super::app::App;
use crate::column::Column;
use crate::state::marks::Verdict;
use crate::state::wall::{Cell, score};
use crate::state::{columns, tasks};

/// Recorded questions of each task.
const PLACES: usize = 3;

#[component]
pub fn WallOfAnswers() -> impl IntoView {
    let app = expect_context::<App>();
    let shown = Memo::new(move |_| app.state.with(|state| state.columns.clone()));
    let rows = Memo::new(move |_| app.state.with(|state| state.wall.rows.len()));
    let filling = Memo::new(move |_| app.state.with(|state| state.wall.is_asking()));
    let place = Memo::new(move |_| app.state.with(|state| state.wall.place));
    let head = move |column: Column| {
        let heading = columns::heading(&column);
        let column = StoredValue::new(column);
        let series = move || app.state.with(|state| column.with_value(|column| series(state, column)));
        let name = column.with_value(Column::to_string);
        view! { <th scope="col" data-of=name data-series=series>{heading}</th> }
    };
    view! {
        <section class="wall" aria-labelledby="wall-title" data-testid="wall" data-point="wall">
            <div class="wall-head">
                <h2 id="wall-title">"One question of every task"</h2>
                <span class="muted" role="status" data-testid="wall-status">
                    {move || if filling.get() { "answered by this device now\u{2026}" } else { "" }}
                </span>
                <button
                    type="button"
                    data-testid="wall-next"
                    on:click=move |_| app.show_wall((place.get_untracked() + 1) % PLACES)
                >
                    "Other questions"
                </button>
            </div>
            <table style:--columns=move || shown.get().len().to_string()>
                <thead>
                    <tr>
                        <th scope="col">"Task and question"</th>
                        <For each=move || shown.get() key=Column::clone children=head />
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        place.track();
                        (0..rows.get()).map(|row| view! { <WallRow row shown /> }).collect_view()
                    }}
                </tbody>
            </table>
            <p class="legend">
                <span class="sample">"True"</span>
                " the tuned task\u{2019}s format, where nothing asks for it. Bar and number: score on the whole test set, in
                [0, 100]. "
                <i>"Italic"</i>
                ": recorded by the native program; upright: answered on this device just now. Choose a cell to ask more."
            </p>
        </section>
    }
}

#[component]
fn WallRow(row: usize, shown: Memo<Vec<Column>>) -> impl IntoView {
    let app = expect_context::<App>();
    let (task, question, reference, place) = app.state.with_untracked(|state| {
        let wall = &state.wall;
        let found = &wall.rows[row];
        (found.task().to_owned(), found.question().to_owned(), found.reference().to_owned(), wall.place)
    });
    let target = app.recorded.with_untracked(|recorded| recorded.target() == task);
    let cell_of = {
        let task = task.clone();
        move |column: Column| view! { <WallCell row column task=task.clone() place /> }
    };
    view! {
        <tr data-task=task.clone()>
            <th scope="row">
                <b>{tasks::heading(&task)}</b>
                {target.then(|| view! { <span class="tag">"tuned on this"</span> })}
                <small class="asked">{question}</small>
                <small>"right: " <b>{reference}</b></small>
            </th>
            <For each=move || shown.get() key=Column::clone children=cell_of />
        </tr>
    }
}

#[component]
fn WallCell(row: usize, column: Column, task: String, place: usize) -> impl IntoView {
    let app = expect_context::<App>();
    let (name, heading) = (column.to_string(), columns::heading(&column));
    let testid = format!("wall-{task}-{name}");
    let stored = StoredValue::new((column, task));
    let cell = Memo::new(move |_| {
        app.state.with(|state| {
            stored.with_value(|(column, _)| state.wall.cell(row, column, &state.models, state.mix))
        })
    });
    let series = move || app.state.with(|state| stored.with_value(|(column, _)| series(state, column)));
    let bar = Memo::new(move |_| {
        let shipped = app
            .state
            .with(|state| stored.with_value(|(column, _)| columns::is_shipped(&state.models, column)));
        let of_runs = |runs: &[_]| stored.with_value(|(column, task)| score(runs, column, task));
        match shipped {
            true => app.recorded.with(|recorded| recorded.report().and_then(|report| of_runs(&report.runs))),
            false => app.state.with(|state| of_runs(&state.training.runs)),
        }
    });
    let missing = Memo::new(move |_| {
        app.state.with(|state| stored.with_value(|(column, _)| columns::is_missing(&state.models, column)))
    });
    let open = move |_| stored.with_value(|(_, task)| app.open_question(task, place));
    let label = move || words(&heading, cell.get().as_ref(), missing.get(), bar.get());
    view! {
        <td data-of=name data-series=series>
            <button
                type="button"
                class="cell"
                data-testid=testid
                data-verdict=move || cell.with(|cell| cell.as_ref().and_then(|cell| verdict_name(cell.verdict)))
                class:drifted=move || cell.with(|cell| cell.as_ref().is_some_and(|cell| cell.drifted))
                class:recorded=move || cell.with(|cell| cell.as_ref().is_some_and(|cell| cell.recorded))
                aria-label=label
                on:click=open
            >
                <span class="said">{move || cell.get().map_or_else(|| unsaid(missing.get()).to_owned(), |cell| cell.text)}</span>
                {move || bar.get().map(|score| view! {
                    <span class="gauge"><span style:width=format!("{score:.1}%")></span></span>
                    <span class="score">{format!("{score:.0}")}</span>
                })}
            </button>
        </td>
    }
}

/// In place of an answer.
fn unsaid(missing: bool) -> &'static str {
    if missing { "not trained yet" } else { "\u{2026}" }
}

fn verdict_name(verdict: Option<Verdict>) -> Option<&'static str> {
    Some(match verdict? {
        Verdict::Right => "right",
        Verdict::Wrong => "wrong",
        Verdict::Shared(_) => "shared",
    })
}

/// A cell for someone who does not see it.
fn words(heading: &str, cell: Option<&Cell>, missing: bool, score: Option<f64>) -> String {
    let Some(cell) = cell else {
        return format!("{heading}: {}", if missing { "not trained yet" } else { "no answer yet" });
    };
    let verdict = match cell.verdict {
        Some(Verdict::Right) => ", right".to_owned(),
        Some(Verdict::Wrong) => ", wrong".to_owned(),
        Some(Verdict::Shared(share)) => format!(", {:.0} % of the words as expected", share * 100.0),
        None => String::new(),
    };
    let drifted = if cell.drifted { ", in the tuned task\u{2019}s format" } else { "" };
    let recorded = if cell.recorded { ", recorded" } else { "" };
    let score = score.map_or(String::new(), |score| format!("; whole test set {score:.0} of 100"));
    format!("{heading}: {}{verdict}{drifted}{recorded}{score}. Ask more", cell.text)
}
