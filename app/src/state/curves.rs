//! Curves of a training run, kept small enough to be drawn ten times a second however long the run is.

use std::collections::BTreeMap;

use promot_core::report::{MethodRun, StageId, StepRecord};
use promot_core::results_table::mean_format_rate;
use promot_core::spec::RunSpec;

use super::methods::{PROMPT_TUNING, training};
use crate::catalog::tasks;
use crate::protocol::Tick;

/// Most points of a line; beyond this, neighbours are merged, since a screen cannot show them apart.
pub const MOST_POINTS: usize = 200;

/// Step of the whole recipe and value.
pub type Point = (f64, f64);

/// All curves of a run, methods in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    pub methods: Vec<MethodCurves>,
    /// Grows with every change, so that a chart knows when to draw again.
    pub version: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodCurves {
    pub method: String,
    pub loss: Thinned,
    pub validation: Vec<Point>,
    /// Mean over the held-out tasks.
    pub unseen: Vec<Point>,
    /// Target-format rate: mean share of answers in the target task's format on tasks of another format, in [0, 100].
    pub format: Vec<Point>,
    /// Scores of each step so far, by step of the whole recipe: they arrive task by task.
    parts: BTreeMap<usize, Parts>,
}

/// Scores and format rates of the held-out tasks at one step.
#[derive(Clone, Debug, Default, PartialEq)]
struct Parts {
    unseen: BTreeMap<String, f64>,
    format: BTreeMap<String, f64>,
}

/// A line whose points are means of equal stretches.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinned {
    pub points: Vec<Point>,
    stretch: usize,
    pending: (usize, f64, f64),
}

impl Default for Thinned {
    fn default() -> Self {
        Self { points: Vec::new(), stretch: 1, pending: (0, 0.0, 0.0) }
    }
}

impl Thinned {
    pub fn push(&mut self, (x, y): Point) {
        // A resumed run repeats the steps after its last checkpoint.
        while self.points.last().is_some_and(|last| last.0 >= x) {
            self.points.pop();
            self.pending = (0, 0.0, 0.0);
        }
        let (n, sum_x, sum_y) = self.pending;
        self.pending = (n + 1, sum_x + x, sum_y + y);
        if n + 1 < self.stretch {
            return;
        }
        let n = self.stretch as f64;
        self.points.push(((sum_x + x) / n, (sum_y + y) / n));
        self.pending = (0, 0.0, 0.0);
        if self.points.len() >= MOST_POINTS {
            let mean = |pair: &[Point]| ((pair[0].0 + pair[1].0) / 2.0, (pair[0].1 + pair[1].1) / 2.0);
            self.points = self.points.chunks_exact(2).map(mean).collect();
            self.stretch *= 2;
        }
    }
}

impl Curves {
    pub fn tick(&mut self, tick: &Tick, spec: &RunSpec) {
        let step = whole_step(&tick.stage, tick.step, spec);
        self.method(&tick.method).loss.push((step as f64, tick.loss));
    }

    pub fn record(&mut self, method: &str, record: &StepRecord, spec: &RunSpec) {
        let step = whole_step(&record.stage, record.step, spec);
        let curves = self.method(method);
        let parts = curves.parts.entry(step).or_default();
        parts.unseen.extend(record.unseen.clone());
        parts.format.extend(record.format_rate.clone());
        let rates = parts.format.iter().map(|(task, rate)| (task.as_str(), *rate));
        let means = (mean(parts.unseen.values()), mean_format_rate(tasks(), &spec.target.tasks(), rates));
        for (line, value) in [
            (&mut curves.validation, record.validation),
            (&mut curves.unseen, means.0),
            (&mut curves.format, means.1),
        ] {
            if let Some(value) = value {
                put(line, (step as f64, value));
            }
        }
    }

    /// A finished method has its whole curve, with the part of earlier visits.
    pub fn run(&mut self, run: &MethodRun, spec: &RunSpec) {
        let curves = self.method(&run.method);
        *curves = MethodCurves { method: run.method.clone(), ..MethodCurves::default() };
        self.restore(&run.method, &run.steps, spec);
    }

    /// What was recorded on an earlier visit, or before the worker was lost.
    pub fn restore(&mut self, method: &str, records: &[StepRecord], spec: &RunSpec) {
        for record in records {
            if let Some(loss) = record.loss {
                let step = whole_step(&record.stage, record.step, spec);
                self.method(method).loss.push((step as f64, loss));
            }
            self.record(method, record, spec);
        }
    }

    fn method(&mut self, name: &str) -> &mut MethodCurves {
        self.version += 1;
        let at = self.methods.iter().position(|curves| curves.method == name).unwrap_or_else(|| {
            self.methods.push(MethodCurves { method: name.to_owned(), ..MethodCurves::default() });
            self.methods.len() - 1
        });
        &mut self.methods[at]
    }
}

/// One axis for all stages of a recipe: each begins where the one before ended.
fn whole_step(stage: &StageId, step: usize, spec: &RunSpec) -> usize {
    let before = if stage.index == 0 { 0 } else { training(spec, PROMPT_TUNING).steps };
    before + step
}

/// Sorted by step; a repeated step replaces the old one.
fn put(points: &mut Vec<Point>, point: Point) {
    let at = points.partition_point(|known| known.0 < point.0);
    match points.get_mut(at) {
        Some(known) if known.0 == point.0 => *known = point,
        _ => points.insert(at, point),
    }
}

fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f64>) -> Option<f64> {
    let n = values.len() as f64;
    (n > 0.0).then(|| values.sum::<f64>() / n)
}

/// A line's value at a step; between two points it is that of the straight line. Nothing before the line begins and after
/// it ends.
pub fn value_at(line: &[Point], x: f64) -> Option<f64> {
    let next = line.partition_point(|point| point.0 < x);
    let after = line.get(next)?;
    if after.0 == x {
        return Some(after.1);
    }
    let before = line.get(next.checked_sub(1)?)?;
    Some(before.1 + (after.1 - before.1) * (x - before.0) / (after.0 - before.0))
}
