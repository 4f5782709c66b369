//! The report's charts: bars of the final scores, and lines along training.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::course::Course;
use crate::chart::{self, Axis, Bars, Drawing, Frame, Line, Path, Scale, Style};
use crate::report::{FrontierPoint, Report, StageId, StepRecord, distinct};
use crate::results_table::{Estimate, ScoreTable, mean_format_rate};
use crate::task::TaskList;

const SIZE: (f64, f64) = (520.0, 290.0);
const WIDE: (f64, f64) = (1060.0, 300.0);

const PERCENT: Option<(f64, f64)> = Some((0.0, 100.0));
const STEPS: Axis = Axis { label: "step", scale: Scale::Linear, range: None };
/// Forgetting happens early, which a linear axis would squeeze into one place.
const LOG_STEPS: Axis = Axis { label: "step (logarithmic)", scale: Scale::Log, range: None };

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
                (curves.figure("Training loss", STEPS, axis("nats per target token", None), &|record| record.loss))
                (curves.figure("Target task, validation score", STEPS, axis("score", PERCENT), &|record| record.validation))
                (curves.figure("Held-out tasks, mean score", LOG_STEPS, axis("score", None), &held_out))
                (curves.figure("Format leakage on held-out tasks", LOG_STEPS, axis("% of answers", PERCENT), &leakage))
                @if report.frontier.is_empty() { (curves.tradeoff()) } @else { (curves.frontier(&report.frontier)) }
                (curves.alignments())
            }
        }
    }
}

const fn axis(label: &str, range: Option<(f64, f64)>) -> Axis<'_> {
    Axis { label, scale: Scale::Linear, range }
}

fn held_out(record: &StepRecord) -> Option<f64> {
    Estimate::of(record.unseen.values().copied()).map(|mean| mean.mean)
}

fn bars(table: &ScoreTable) -> Markup {
    if table.tasks.is_empty() {
        return html! {};
    }
    let series: Vec<Bars> = table
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| Bars { style: Style::new(&row.method, index), values: row.held_out.clone() })
        .collect();
    let prompt = if table.prompt { ", with the soft prompt prepended" } else { "" };
    let title = format!("Held-out tasks, {}-shot{prompt}", table.shots);
    let frame = frame(&title, WIDE, Axis::default(), axis("score", None));
    html! { div.wide { (figure(&title, &chart::bars(&frame, &table.tasks, &series))) } }
}

/// The training curves of all methods and seeds, finished or not.
struct Curves<'a> {
    methods: Vec<&'a str>,
    runs: Vec<(&'a str, &'a [StepRecord])>,
}

impl<'a> Curves<'a> {
    fn new(report: &'a Report, unfinished: &'a [Course]) -> Self {
        let finished = report.runs.iter().map(|run| (run.method.as_str(), &run.steps[..]));
        let unfinished = unfinished.iter().map(|course| (course.method.as_str(), &course.steps[..]));
        let runs: Vec<_> = finished.chain(unfinished).collect();
        Self { methods: distinct(runs.iter().map(|(method, _)| *method)), runs }
    }

    /// The method's style; dashed for all stages but the last: only in that one do the weights that are scored take their
    /// final form.
    fn style(&self, method: &str, stages: &[&StageId], stage: usize) -> Style {
        let index = self.methods.iter().position(|known| *known == method).unwrap_or(0);
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
                    paths.push(Path { style: self.style(method, &stages, index), points, ring: None });
                }
            }
        }
        let title = "Checkpoints: target task against held-out tasks";
        let (x, y) =
            (axis("target task, validation score", PERCENT), axis("held-out tasks, mean score", PERCENT));
        match paths.is_empty() {
            true => html! {},
            false => figure(title, &chart::scatter(&frame(title, SIZE, x, y), &paths)),
        }
    }

    /// The checkpoints of every method and sweep point, means over seeds: what the target gained, and what the held-out
    /// tasks of another format kept (all held-out ones, where none has another). A ring: what validation chose.
    fn frontier(&self, all: &[FrontierPoint]) -> Markup {
        let others = all.iter().any(|point| point.other_format.is_some());
        let place = |point: &FrontierPoint| {
            Some((point.validation, if others { point.other_format? } else { point.held_out }))
        };
        let mean = |points: &[&FrontierPoint]| {
            let places: Vec<(f64, f64)> = points.iter().filter_map(|point| place(point)).collect();
            let x = Estimate::of(places.iter().map(|(x, _)| *x))?;
            Some((x.mean, Estimate::of(places.iter().map(|(_, y)| *y))?.mean))
        };
        let path = |(method, swept): (&String, &BTreeMap<String, String>)| {
            let points: Vec<&FrontierPoint> =
                all.iter().filter(|point| (&point.method, &point.swept) == (method, swept)).collect();
            let steps = distinct(points.iter().map(|point| point.step));
            let at = |step: &usize| points.iter().copied().filter(|point| point.step == *step).collect();
            let values: Vec<&str> = swept.values().map(String::as_str).collect();
            let name =
                if values.is_empty() { method.clone() } else { format!("{method}, {}", values.join(", ")) };
            let chosen: Vec<&FrontierPoint> = points.iter().copied().filter(|point| point.chosen).collect();
            Path {
                style: Style::new(name, self.methods.iter().position(|known| known == method).unwrap_or(0)),
                points: steps.iter().filter_map(|step| mean(&at(step) as &Vec<_>)).collect(),
                ring: mean(&chosen),
            }
        };
        let paths: Vec<Path> =
            distinct(all.iter().map(|point| (&point.method, &point.swept))).into_iter().map(path).collect();
        let title = "Frontier: target task against held-out tasks, all checkpoints";
        let y = if others {
            "held-out tasks of another format, mean score"
        } else {
            "held-out tasks, mean score"
        };
        let (x, y) = (axis("target task, validation score", PERCENT), axis(y, PERCENT));
        figure(title, &chart::scatter(&frame(title, SIZE, x, y), &paths))
    }

    /// For each method with cosines: a line for each family of weights, of the first seed and the last stage.
    fn alignments(&self) -> Markup {
        let first = self.methods.iter().filter_map(|method| Some((*method, self.of(method).next()?)));
        let charts = first.filter_map(|(method, steps)| {
            let stage = stages(steps.iter()).pop()?;
            let records = || steps.iter().filter(|record| record.stage == *stage);
            let families = distinct(records().flat_map(|record| record.alignment.keys()));
            let line = |(index, family): (usize, &&String)| {
                let value = |record: &StepRecord| record.alignment.get(*family).copied();
                Line { style: Style::new(*family, index), points: means(records(), &value) }
            };
            let lines: Vec<Line> = families.iter().enumerate().map(line).collect();
            (!lines.is_empty()).then_some((method, lines))
        });
        html! {
            @for (method, lines) in charts {
                @let title = format!("{method}: cosine of the task's gradient and its format's, by kind of weight");
                @let frame = frame(&title, SIZE, LOG_STEPS, axis("cosine", Some((-1.0, 1.0))));
                (figure(&title, &chart::lines(&frame, &lines)))
            }
        }
    }
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
