//! The rows of a batch: those that models disagree on first, filtered, and as files.

use leptos::prelude::*;

use super::app::App;
use super::download;
use crate::column::Column;
use crate::state::batch::{Cell, Filter, Row};
use crate::state::columns;
use crate::state::marks::Verdict;
use crate::state::question::without_examples;

/// Rows in sight at first, and how many more come at a time.
const SHOWN: usize = 20;

#[component]
pub fn BatchRows() -> impl IntoView {
    let app = expect_context::<App>();
    let filter = RwSignal::new(Filter::All);
    let most = RwSignal::new(SHOWN);
    let here = Memo::new(move |_| app.state.with(|state| state.batch.rows.len()));
    let asked = Memo::new(move |_| {
        app.state.with(|state| state.batch.request.clone().map(|request| request.columns).unwrap_or_default())
    });
    let count = move |filter: Filter| {
        here.track();
        app.state.with_untracked(|state| state.batch.shown(filter).len())
    };
    let rows = move || -> Vec<Row> {
        here.track();
        let (filter, most) = (filter.get(), most.get());
        app.state.with_untracked(|state| state.batch.shown(filter).into_iter().take(most).cloned().collect())
    };
    let choice = move |one: Filter| {
        let label = move || format!("{} ({})", one.words(), count(one));
        let choose = move |_| {
            filter.set(one);
            most.set(SHOWN);
        };
        view! {
            <button
                type="button"
                class="small"
                data-testid=format!("batch-filter-{}", one.name())
                aria-pressed=move || (filter.get() == one).to_string()
                on:click=choose
            >
                {label}
            </button>
        }
    };
    let save = move |name: &'static str, mime: &'static str, jsonl: bool| {
        let text = app.state.with_untracked(|state| match jsonl {
            true => state.batch.jsonl(),
            false => state.batch.csv(),
        });
        download::save_text(name, mime, &text);
    };
    let head = |column: Column| view! { <th scope="col">{columns::heading(&column)}</th> };
    view! {
        <Show when=move || here.get() != 0>
            <section class="batch-answers" aria-label="Rows">
                <div class="names" role="group" aria-label="Which rows">
                    {Filter::ALL.into_iter().map(choice).collect_view()}
                </div>
                <div class="scroll" tabindex="0" role="region" aria-label="Rows and answers">
                    <table class="answers-table" data-testid="batch-table">
                        <caption>"Rows where one model is right and another is not come first."</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Row and question"</th>
                                {move || asked.get().into_iter().map(head).collect_view()}
                            </tr>
                        </thead>
                        <tbody>{move || rows().into_iter().map(row_of).collect_view()}</tbody>
                    </table>
                </div>
                <div class="buttons">
                    <Show when=move || { count(filter.get()) > most.get() }>
                        <button type="button" data-testid="batch-more" on:click=move |_| most.update(|most| *most += SHOWN)>
                            "Show more rows"
                        </button>
                    </Show>
                    <button type="button" data-testid="batch-csv" on:click=move |_| save("answers.csv", "text/csv", false)>
                        "Download as CSV"
                    </button>
                    <button
                        type="button"
                        data-testid="batch-jsonl"
                        on:click=move |_| save("answers.jsonl", "application/jsonl", true)
                    >
                        "Download as JSONL"
                    </button>
                </div>
            </section>
        </Show>
    }
}

fn row_of(row: Row) -> impl IntoView {
    let reference = row.asked.references.first().cloned().unwrap_or_default();
    let question = without_examples(&row.asked.input).to_owned();
    view! {
        <tr>
            <th scope="row">
                <small>{format!("row {}", row.asked.row + 1)}</small>
                <span class="asked">{question}</span>
                <small>"right: " <b>{reference}</b></small>
            </th>
            {row.cells.into_iter().map(cell_of).collect_view()}
        </tr>
    }
}

fn cell_of(cell: Cell) -> impl IntoView {
    let verdict = match cell.verdict {
        Some(Verdict::Right) => Some(("mark right", "\u{2713} right".to_owned())),
        Some(Verdict::Wrong) => Some(("mark wrong", "\u{2717} wrong".to_owned())),
        Some(Verdict::Shared(share)) => Some(("mark shared", format!("{:.0} % of the words", share * 100.0))),
        None => None,
    };
    view! {
        <td>
            <span class="said">{cell.text}</span>
            <ul class="marks">
                {verdict.map(|(class, text)| view! { <li class=class>{text}</li> })}
                {cell.drifted.then(|| view! { <li class="mark drift">"target\u{2019}s format"</li> })}
            </ul>
        </td>
    }
}
