//! Scores as a table: a row per method, a column per task.

use leptos::prelude::*;
use promot_core::chart::Palette;
use promot_core::report::MethodRun;
use promot_core::results_table::{Estimate, ScoreRow, ScoreTable, score_tables};

use super::numbers;
use crate::catalog::tasks;

#[component]
pub fn ResultsTable(#[prop(into)] runs: Signal<Vec<MethodRun>>, testid: &'static str) -> impl IntoView {
    view! {
        <div data-testid=testid>
            {move || runs.with(|runs| tables(runs)).iter().map(view_of).collect_view()}
        </div>
    }
}

/// A table for each number of shots, the soft prompt off.
fn tables(runs: &[MethodRun]) -> Vec<ScoreTable> {
    if runs.is_empty() {
        return Vec::new();
    }
    score_tables(tasks(), runs).into_iter().filter(|table| !table.prompt).collect()
}

fn view_of(table: &ScoreTable) -> impl IntoView + use<> {
    let caption = match table.tasks.is_empty() {
        true => "Scores in [0, 100], the best in bold.".to_owned(),
        false => format!(
            "Scores in [0, 100], the best in bold. Held-out tasks with {} in-context {} before each input, without the \
             soft prompt. Their plain mean is the paper's Norm. Avg.; format leakage is the share of their answers in \
             the format of {}, over the tasks whose own answers have another one.",
            table.shots,
            if table.shots == 1 { "example" } else { "examples" },
            table.targets.join(" or ")
        ),
    };
    let seeds =
        if table.has_intervals() { " \u{b1} is the 95 % interval of the mean over seeds." } else { "" };
    let palette = Palette::new(table.rows.iter().map(|row| row.method.as_str()));
    let targets = table
        .targets
        .iter()
        .map(|task| view! { <th scope="col">{task.clone()} <small>"target"</small></th> })
        .collect_view();
    let tasks = table.tasks.iter().map(|task| view! { <th scope="col">{task.clone()}</th> }).collect_view();
    let means = (!table.tasks.is_empty()).then(|| {
        view! {
            <th scope="col">"held-out mean"</th>
            <th scope="col">"format leakage"</th>
        }
    });
    let label = format!("Scores by method and task, {}-shot", table.shots);
    view! {
        // Wide tables scroll on their own; the page never does.
        <div class="scroll" tabindex="0" role="region" aria-label=label>
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
                <tbody>{table.rows.iter().map(|line| row(table, line, &palette)).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn row(table: &ScoreTable, row: &ScoreRow, palette: &Palette) -> impl IntoView + use<> {
    let cell = |cell: Option<Estimate>, best: Option<f64>| {
        let class = if cell.is_some_and(|cell| Some(cell.mean) == best) { "best" } else { "" };
        let mean = cell.map_or_else(|| numbers::NONE.to_owned(), |cell| format!("{:.1}", cell.mean));
        let margin = cell.and_then(|cell| cell.margin()).map(|margin| view! { <small>{margin}</small> });
        view! { <td class=class>{mean}{margin}</td> }
    };
    let cells = |columns: fn(&ScoreRow) -> &[Option<Estimate>]| {
        let values = columns(row).iter().zip(table.tops(columns));
        values.map(|(value, top)| cell(*value, top)).collect_view()
    };
    let (targets, unseen) = (cells(|row| &row.targets), cells(|row| &row.held_out));
    let rate = row.format_rate.map_or_else(|| numbers::NONE.to_owned(), |rate| format!("{:.0} %", rate.mean));
    let means = (!table.tasks.is_empty()).then(|| {
        view! {
            {cell(row.norm_avg, table.best(|row| row.norm_avg))}
            <td>{rate}</td>
        }
    });
    view! {
        <tr data-method=row.method.clone() data-series=palette.of(&row.method).to_string()>
            <th scope="row">{row.method.clone()}</th>
            {targets}
            {means}
            {unseen}
        </tr>
    }
}
