//! The report's charts: bars of the final scores, and lines along training.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::course::Course;
use super::frontier;
use crate::chart::{self, Axis, Bars, Drawing, Frame, Line, Palette, Path, Scale, Style};
use crate::report::{Report, StageId, StepRecord, distinct};
use crate::results_table::{Estimate, ScoreTable, mean_format_rate};
use crate::task::TaskList;

const SIZE: (f64, f64) = (520.0, 290.0);
const WIDE: (f64, f64) = (1060.0, 300.0);

const PERCENT: Option<(f64, f64)> = Some((0.0, 100.0));
/// Forgetting happens early, which a linear axis would squeeze into one place.
const LOG_STEPS: Axis = Axis { label: "step (logarithmic)", scale: Scale::Log, ..Axis::STEPS };

/// A number of a step record, if it has it.
type Quantity<'a> = &'a dyn Fn(&StepRecord) -> Option<f64>;

pub fn all(report: &Report, known: &TaskList, tables: &[ScoreTable], unfinished: &[Course]) -> Markup {
    let curves = Curves::new(report, unfinished);
    let targets = report.spec.target.tasks();
    let leakage = |record: &StepRecord| {
        let rates = record.format_rate.iter().map(|(task, rate)| (task.as_str(), *rate));
        mean_format_rate(known, &targets, rates)
    };
    html! {
        section {
            h2 { "Charts" }
            @for table in tables { (bars(table)) }
            div.charts {
                (curves.figure("Training loss", Axis::STEPS, Axis::linear("nats per target token", None), &|record| record.loss))
                (curves.figure("Target task, validation score", Axis::STEPS, Axis::linear("score", PERCENT), &|record| record.validation))
                (curves.figure("Held-out tasks, mean score", LOG_STEPS, Axis::linear("score", PERCENT), &held_out))
                (curves.figure("Format leakage on held-out tasks", LOG_STEPS, Axis::linear("% of answers", PERCENT), &leakage))
                @match frontier::drawing(&report.frontier) {
                    Some(drawing) => (figure(frontier::TITLE, &drawing)),
                    None => (curves.tradeoff()),
                }
                @for (title, drawing) in frontier::along_training(&report.frontier) { (figure(&title, &drawing)) }
                @for (title, drawing) in frontier::by_kind(&report.frontier) { (figure(&title, &drawing)) }
                (curves.alignments())
            }
        }
    }
}

fn held_out(record: &StepRecord) -> Option<f64> {
    Estimate::of(record.unseen.values().copied()).map(|mean| mean.mean)
}

fn bars(table: &ScoreTable) -> Markup {
    if table.tasks.is_empty() {
        return html! {};
    }
    let palette = Palette::new(table.rows.iter().map(|row| row.method.as_str()));
    let series = table.rows.iter().map(|row| Bars {
        style: Style::new(&row.method, palette.of(&row.method)),
        values: row.held_out.clone(),
    });
    let series: Vec<Bars> = series.collect();
    let prompt = if table.prompt { ", with the soft prompt prepended" } else { "" };
    let title = format!("Held-out tasks, {}-shot{prompt}", table.shots);
    let frame = frame(&title, WIDE, Axis::default(), Axis::linear("score", PERCENT));
    html! { div.wide { (figure(&title, &chart::bars(&frame, &table.tasks, &series))) } }
}

/// The training curves of all methods and seeds, finished or not.
struct Curves<'a> {
    methods: Vec<&'a str>,
    palette: Palette,
    runs: Vec<(&'a str, &'a [StepRecord])>,
}

impl<'a> Curves<'a> {
    fn new(report: &'a Report, unfinished: &'a [Course]) -> Self {
        let finished = report.runs.iter().map(|run| (run.method.as_str(), &run.steps[..]));
        let unfinished = unfinished.iter().map(|course| (course.method.as_str(), &course.steps[..]));
        let runs: Vec<_> = finished.chain(unfinished).collect();
        let methods = distinct(runs.iter().map(|(method, _)| *method));
        Self { palette: Palette::new(methods.iter().copied()), methods, runs }
    }

    /// The method's style; dashed for all stages but the last: only in that one do the weights that are scored take their
    /// final form.
    fn style(&self, method: &str, stages: &[&StageId], stage: usize) -> Style {
        let index = self.palette.of(method);
        let name = match stages {
            [_] => method.to_owned(),
            _ => format!("{method}, {}", stages[stage]),
        };
        Style { name, index, dashed: stage + 1 < stages.len() }
    }

    /// A line for each stage of each method: the mean over seeds, with its interval.
    fn lines(&self, quantity: Quantity) -> Vec<Line> {
        let mut lines = Vec::new();
        for method in &self.methods {
            let records: Vec<&StepRecord> = self.of(method).flatten().collect();
            let stages = stages(records.iter().copied());
            for (index, stage) in stages.iter().enumerate() {
                let points =
                    means(records.iter().copied().filter(|record| record.stage == **stage), quantity);
                if !points.is_empty() {
                    lines.push(Line { style: self.style(method, &stages, index), points });
                }
            }
        }
        lines
    }

    fn of(&self, method: &str) -> impl Iterator<Item = &'a [StepRecord]> {
        self.runs.iter().filter(move |(known, _)| *known == method).map(|(_, steps)| *steps)
    }

    fn figure(&self, title: &str, x: Axis, y: Axis, quantity: Quantity) -> Markup {
        let lines = self.lines(quantity);
        match lines.is_empty() {
            true => html! {},
            false => figure(title, &chart::lines(&frame(title, SIZE, x, y), &lines)),
        }
    }

    /// Checkpoints as points: what the target task gained, and what the held-out tasks kept (the paper's Figures 5 and 6).
    /// At equal target score, higher is better.
    fn tradeoff(&self) -> Markup {
        let mut paths = Vec::new();
        for (method, steps) in &self.runs {
            let stages = stages(steps.iter());
            for (index, stage) in stages.iter().enumerate() {
                let records = steps.iter().filter(|record| record.stage == **stage);
                let points: Vec<_> =
                    records.filter_map(|record| Some((record.validation?, held_out(record)?))).collect();
                if !points.is_empty() {
                    let (style, detail) = (self.style(method, &stages, index), String::new());
                    paths.push(Path { style, detail, points, ring: None });
                }
            }
        }
        let title = "Checkpoints: target task against held-out tasks";
        let (x, y) = (
            Axis::linear("target task, validation score", PERCENT),
            Axis::linear("held-out tasks, mean score", PERCENT),
        );
        match paths.is_empty() {
            true => html! {},
            false => figure(title, &chart::scatter(&frame(title, SIZE, x, y), &paths)),
        }
    }

    /// A chart for each method with cosines, of the first seed.
    fn alignments(&self) -> Markup {
        let charts = self.methods.iter().filter_map(|method| alignment(method, self.of(method).next()?));
        html! { @for (title, drawing) in charts { (figure(&title, &drawing)) } }
    }
}

/// A line for each family of weights, of the last stage; nothing where no cosine was measured.
pub fn alignment(method: &str, steps: &[StepRecord]) -> Option<(String, Drawing)> {
    let stage = stages(steps.iter()).pop()?;
    let records = || steps.iter().filter(|record| record.stage == *stage);
    let families = distinct(records().flat_map(|record| record.alignment.keys()));
    let line = |(index, family): (usize, &&String)| {
        let value = |record: &StepRecord| record.alignment.get(*family).copied();
        Line { style: Style::new(*family, index), points: means(records(), &value) }
    };
    if families.is_empty() {
        return None;
    }
    let lines: Vec<Line> = families.iter().enumerate().map(line).collect();
    let title = format!("{method}: cosine of the task's gradient and its format's, by kind of weight");
    let frame = frame(&title, SIZE, LOG_STEPS, Axis::linear("cosine", Some((-1.0, 1.0))));
    let drawing = chart::lines(&frame, &lines);
    Some((title, drawing))
}

/// Means over seeds by step, for the steps that all seeds have.
fn means<'a>(records: impl Iterator<Item = &'a StepRecord>, quantity: Quantity) -> Vec<(f64, Estimate)> {
    let mut by_step = BTreeMap::<usize, Vec<f64>>::new();
    for record in records {
        if let Some(value) = quantity(record) {
            by_step.entry(record.step).or_default().push(value);
        }
    }
    let most = by_step.values().map(Vec::len).max().unwrap_or(0);
    let whole = by_step.into_iter().filter(|(_, values)| values.len() == most);
    whole.filter_map(|(step, values)| Some((step as f64, Estimate::of(values)?))).collect()
}

fn stages<'a>(records: impl Iterator<Item = &'a StepRecord>) -> Vec<&'a StageId> {
    distinct(records.map(|record| &record.stage))
}

fn frame<'a>(title: &'a str, (width, height): (f64, f64), x: Axis<'a>, y: Axis<'a>) -> Frame<'a> {
    Frame { title, x, y, width, height }
}

fn figure(title: &str, drawing: &Drawing) -> Markup {
    html! {
        figure {
            figcaption { (title) }
            div.scroll { (PreEscaped(&drawing.svg)) }
        }
    }
}
