//! Scores as a table: a row for each method, a column for each task.

use leptos::prelude::*;
use promot_core::report::MethodRun;
use promot_core::summary::{Cell, Grid, Row, grids};

use super::numbers;

#[component]
pub fn ResultsTable(#[prop(into)] runs: Signal<Vec<MethodRun>>, testid: &'static str) -> impl IntoView {
    view! {
        <div data-testid=testid>
            {move || runs.with(|runs| tables(runs)).iter().map(table).collect_view()}
        </div>
    }
}

/// A grid for each number of shots, the soft prompt off.
fn tables(runs: &[MethodRun]) -> Vec<Grid> {
    if runs.is_empty() {
        return Vec::new();
    }
    grids(runs).into_iter().filter(|grid| !grid.prompt).collect()
}

fn table(grid: &Grid) -> impl IntoView + use<> {
    let caption = match grid.tasks.is_empty() {
        true => "Scores in [0, 100], the best in bold.".to_owned(),
        false => format!(
            "Scores in [0, 100], the best in bold. Unseen tasks with {} solved {} before each question, soft prompt \
             off. Norm. Avg. is their plain mean; \u{201c}tuned format\u{201d} is the share of answers that look \
             like answers of {}, over the tasks that ask for something else.",
            grid.shots,
            if grid.shots == 1 { "example" } else { "examples" },
            grid.targets.join(" or ")
        ),
    };
    let seeds =
        if grid.has_intervals() { " \u{b1} is the 95 % interval of the mean over seeds." } else { "" };
    let targets = grid
        .targets
        .iter()
        .map(|task| view! { <th scope="col">{task.clone()} <small>"tuned"</small></th> })
        .collect_view();
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
                <caption>{caption}{seeds}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Method"</th>
                        {targets}
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
    let cell = |cell: Option<Cell>, best: Option<f64>| {
        let class = if cell.is_some_and(|cell| Some(cell.mean) == best) { "best" } else { "" };
        let mean = cell.map_or_else(|| numbers::NONE.to_owned(), |cell| format!("{:.1}", cell.mean));
        let margin = cell.and_then(|cell| cell.margin()).map(|margin| view! { <small>{margin}</small> });
        view! { <td class=class>{mean}{margin}</td> }
    };
    let cells = |columns: fn(&Row) -> &[Option<Cell>]| {
        let values = columns(row).iter().zip(grid.tops(columns));
        values.map(|(value, top)| cell(*value, top)).collect_view()
    };
    let (targets, unseen) = (cells(|row| &row.targets), cells(|row| &row.unseen));
    let rate = row.format_rate.map_or_else(|| numbers::NONE.to_owned(), |rate| format!("{:.0} %", rate.mean));
    let means = (!grid.tasks.is_empty()).then(|| {
        view! {
            {cell(row.norm_avg, grid.best(|row| row.norm_avg))}
            <td>{rate}</td>
        }
    });
    view! {
        <tr data-method=row.method.clone()>
            <th scope="row">{row.method.clone()}</th>
            {targets}
            {means}
            {unseen}
        </tr>
    }
}
