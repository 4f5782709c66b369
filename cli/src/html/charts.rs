//! The page's charts: bars of the final scores, and lines along training.

use maud::{Markup, PreEscaped, html};
use promot_core::report::{MethodRun, Report, StepRecord, distinct, methods};
use promot_core::summary::{Grid, mean_format_rate};

use crate::plots::{self, Bars, Line};

/// A line with what its legend says.
struct Named {
    name: String,
    line: Line,
}

pub fn all(report: &Report, grids: &[Grid]) -> anyhow::Result<Markup> {
    let loss = every_stage(report, |record| record.loss);
    let validation = every_stage(report, |record| record.validation);
    let unseen = every_stage(report, |record| mean(record.unseen.values()));
    let targets = report.spec.target.tasks();
    let format = every_stage(report, |record| {
        mean_format_rate(&targets, record.format_rate.iter().map(|(task, rate)| (task.as_str(), *rate)))
    });
    Ok(html! {
        section {
            h2 { "Charts" }
            @for grid in grids { (bars(grid)?) }
            div.charts {
                (lines("Training loss", "nats per target token", &loss, None)?)
                (lines("Tuned task, validation rows", "score", &validation, Some(100.0))?)
                (lines("Unseen tasks, mean", "score", &unseen, None)?)
                (lines("Tuned task's format where another one is due", "%", &format, Some(100.0))?)
                (tradeoff(report)?)
                @for (method, families) in alignments(report) {
                    (lines(
                        &format!("{method}: gradient of the task and of its format alone, by weights"),
                        "cosine", &families, Some(1.0),
                    )?)
                }
            }
        }
    })
}

fn bars(grid: &Grid) -> anyhow::Result<Markup> {
    if grid.tasks.is_empty() {
        return Ok(html! {});
    }
    let series: Vec<Bars> = grid
        .rows
        .iter()
        .enumerate()
        .map(|(colour, row)| Bars { colour, values: row.unseen.iter().map(|c| c.map(|c| c.mean)).collect() })
        .collect();
    let names: Vec<(String, usize, bool)> =
        grid.rows.iter().enumerate().map(|(colour, row)| (row.method.clone(), colour, false)).collect();
    let prompt = if grid.prompt { ", soft prompt left on" } else { "" };
    let title = format!("Unseen tasks, {}-shot{prompt}", grid.shots);
    Ok(html! { div.wide { (figure(&title, &plots::bars(&grid.tasks, &series)?, &names)) } })
}

fn lines(title: &str, y_label: &str, named: &[Named], top: Option<f64>) -> anyhow::Result<Markup> {
    if named.is_empty() {
        return Ok(html! {});
    }
    let lines: Vec<Line> = named
        .iter()
        .map(|named| Line {
            points: named.line.points.clone(),
            colour: named.line.colour,
            dashed: named.line.dashed,
        })
        .collect();
    let svg = plots::lines(&lines, y_label, top)?;
    // Each seed has its line, all in their method's colour.
    let legend =
        distinct(named.iter().map(|named| (named.name.clone(), named.line.colour, named.line.dashed)));
    Ok(figure(title, &svg, &legend))
}

/// Checkpoints as points: what the tuned task has gained, and what the unseen tasks have left (the paper's Figures 5
/// and 6). At equal target score, higher is better.
fn tradeoff(report: &Report) -> anyhow::Result<Markup> {
    let mut clouds: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for run in &report.runs {
        let points =
            run.steps.iter().filter_map(|record| Some((record.validation?, mean(record.unseen.values())?)));
        match clouds.iter_mut().find(|(method, _)| *method == run.method) {
            Some((_, cloud)) => cloud.extend(points),
            None => clouds.push((run.method.clone(), points.collect())),
        }
    }
    if clouds.iter().all(|(_, cloud)| cloud.is_empty()) {
        return Ok(html! {});
    }
    let legend: Vec<(String, usize, bool)> = clouds
        .iter()
        .enumerate()
        .filter(|(_, (_, cloud))| !cloud.is_empty())
        .map(|(colour, (method, _))| (method.clone(), colour, false))
        .collect();
    let points: Vec<Vec<(f64, f64)>> = clouds.into_iter().map(|(_, cloud)| cloud).collect();
    let svg = plots::scatter(&points, "tuned task, validation score", "unseen tasks, mean")?;
    Ok(figure("Checkpoints: what is gained and what is kept", &svg, &legend))
}

/// For each method with cosines: a line for each family of weights, of the first seed and the last stage.
fn alignments(report: &Report) -> Vec<(String, Vec<Named>)> {
    let mut all: Vec<(String, Vec<Named>)> = Vec::new();
    for run in &report.runs {
        let Some(stage) = stages(run).pop() else { continue };
        let records = || run.steps.iter().filter(|record| record.stage == stage);
        let families: std::collections::BTreeSet<&String> =
            records().flat_map(|record| record.alignment.keys()).collect();
        if families.is_empty() || all.iter().any(|(method, _)| *method == run.method) {
            continue;
        }
        let line = |(colour, family): (usize, &String)| {
            let points =
                records().filter_map(|record| Some((record.step as f64, *record.alignment.get(family)?)));
            Named { name: family.clone(), line: Line { colour, dashed: false, points: points.collect() } }
        };
        all.push((run.method.clone(), families.into_iter().enumerate().map(line).collect()));
    }
    all
}

fn figure(title: &str, svg: &str, legend: &[(String, usize, bool)]) -> Markup {
    let names = legend.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    html! {
        figure {
            figcaption { (title) }
            ul.legend {
                @for (name, colour, dashed) in legend {
                    li class=(if *dashed { "dashed" } else { "" })
                        style=(format!("--series: var(--s{})", colour % plots::SERIES.len())) { (name) }
                }
            }
            div.scroll role="img" aria-label=(format!("{title}: {names}")) { (PreEscaped(svg)) }
        }
    }
}

/// A line for each stage of each run that has the value, in the method's colour. All but the last stage are
/// dashed: only in the last one do the weights that are scored take their final form.
fn every_stage(report: &Report, value: impl Fn(&StepRecord) -> Option<f64>) -> Vec<Named> {
    let methods = methods(&report.runs);
    let mut named = Vec::new();
    for run in &report.runs {
        let colour = methods.iter().position(|method| *method == run.method).unwrap_or(0);
        let stages = stages(run);
        for (place, stage) in stages.iter().enumerate() {
            let records = run.steps.iter().filter(|record| record.stage == **stage);
            let points: Vec<(f64, f64)> =
                records.filter_map(|record| Some((record.step as f64, value(record)?))).collect();
            if points.is_empty() {
                continue;
            }
            let name =
                if stages.len() == 1 { run.method.clone() } else { format!("{}, {stage}", run.method) };
            let dashed = place + 1 < stages.len();
            named.push(Named { name, line: Line { colour, dashed, points } });
        }
    }
    named
}

fn stages(run: &MethodRun) -> Vec<&str> {
    distinct(run.steps.iter().map(|record| record.stage.as_str()))
}

fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f64>) -> Option<f64> {
    let n = values.len() as f64;
    (n > 0.0).then(|| values.sum::<f64>() / n)
}
