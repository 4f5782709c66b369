//! Scores as a table: a row for each method, a column for each task.

use leptos::prelude::*;
use promot_core::report::MethodRun;

use super::numbers;
use crate::state::grid::{Grid, Row, grids};

#[component]
pub fn ResultsTable(#[prop(into)] runs: Signal<Vec<MethodRun>>, testid: &'static str) -> impl IntoView {
    view! {
        <div data-testid=testid>
            {move || runs.with(|runs| grids(runs)).iter().map(table).collect_view()}
        </div>
    }
}

fn table(grid: &Grid) -> impl IntoView + use<> {
    let caption = match grid.tasks.is_empty() {
        true => "Scores in [0, 100], the best in bold.".to_owned(),
        false => format!(
            "Scores in [0, 100], the best in bold. Unseen tasks with {} solved example(s) before each question, soft \
             prompt off. Norm. Avg. is their plain mean; \u{201c}tuned format\u{201d} is the share of their answers that \
             look like answers of {}.",
            grid.shots, grid.target
        ),
    };
    let tasks = grid.tasks.iter().map(|task| view! { <th scope="col">{task.clone()}</th> }).collect_view();
    let means = (!grid.tasks.is_empty()).then(|| {
        view! {
            <th scope="col">"Norm. Avg."</th>
            <th scope="col">"tuned format"</th>
        }
    });
    view! {
        // Wide tables scroll on their own; the page never does.
        <div class="scroll" tabindex="0" role="region" aria-label="Scores by method and task">
            <table>
                <caption>{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Method"</th>
                        <th scope="col">{grid.target.clone()} <small>"tuned"</small></th>
                        {means}
                        {tasks}
                    </tr>
                </thead>
                <tbody>{grid.rows.iter().map(|line| row(grid, line)).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn row(grid: &Grid, row: &Row) -> impl IntoView + use<> {
    let cell = |value: Option<f64>, best: Option<f64>| {
        let class = if value.is_some() && value == best { "best" } else { "" };
        view! { <td class=class>{numbers::score(value)}</td> }
    };
    let unseen = row
        .unseen
        .iter()
        .enumerate()
        .map(|(at, value)| cell(*value, grid.best(|row| row.unseen[at])))
        .collect_view();
    let rate = row.format_rate.map_or_else(|| numbers::score(None), |rate| format!("{rate:.0} %"));
    let means = (!grid.tasks.is_empty()).then(|| {
        view! {
            {cell(row.norm_avg, grid.best(|row| row.norm_avg))}
            <td>{rate}</td>
        }
    });
    view! {
        <tr data-method=row.method.clone()>
            <th scope="row">{row.method.clone()}</th>
            {cell(row.target, grid.best(|row| row.target))}
            {means}
            {unseen}
        </tr>
    }
}
