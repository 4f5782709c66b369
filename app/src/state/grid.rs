//! A report's scores as one table: a row for each method (seeds averaged), a column for each task.

use promot_core::report::{MethodRun, TaskScore, norm_avg};

/// The scores with one number of shots, the soft prompt off.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub target: String,
    pub shots: usize,
    /// The unseen tasks.
    pub tasks: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub method: String,
    pub target: Option<f64>,
    /// One for each task of the grid.
    pub unseen: Vec<Option<f64>>,
    pub norm_avg: Option<f64>,
    /// Mean share of unseen answers in the tuned task's format, where that has one.
    pub format_rate: Option<f64>,
}

/// One grid for each number of shots, in rising order; one without unseen tasks where none were scored.
pub fn grids(runs: &[MethodRun]) -> Vec<Grid> {
    let Some(first) = runs.first() else { return Vec::new() };
    let scores = || runs.iter().flat_map(|run| &run.unseen).filter(|score| !score.prompt);
    let mut shots: Vec<usize> = scores().map(|score| score.shots).collect();
    shots.sort_unstable();
    shots.dedup();
    if shots.is_empty() {
        shots.push(0);
    }
    let methods = distinct(runs.iter().map(|run| run.method.as_str()));
    let grid = |shots: usize| {
        let tasks = distinct(scores().filter(|score| score.shots == shots).map(|score| score.task.as_str()));
        let rows = methods.iter().map(|method| row(runs, method, &tasks, shots)).collect();
        Grid { target: first.target.task.clone(), shots, tasks, rows }
    };
    shots.into_iter().map(grid).collect()
}

fn row(runs: &[MethodRun], method: &str, tasks: &[String], shots: usize) -> Row {
    let runs: Vec<&MethodRun> = runs.iter().filter(|run| run.method == method).collect();
    let of = |run: &MethodRun| -> Vec<TaskScore> {
        run.unseen.iter().filter(|score| !score.prompt && score.shots == shots).cloned().collect()
    };
    let all: Vec<TaskScore> = runs.iter().flat_map(|run| of(run)).collect();
    let unseen =
        |task: &String| mean(all.iter().filter(|score| score.task == *task).map(|score| score.score));
    Row {
        method: method.to_owned(),
        target: mean(runs.iter().map(|run| run.target.score)),
        unseen: tasks.iter().map(unseen).collect(),
        norm_avg: mean(runs.iter().filter_map(|run| norm_avg(&of(run)))),
        format_rate: mean(all.iter().filter_map(|score| score.target_format_rate)),
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

impl Grid {
    /// The best of a column's values, or nothing where all are equal and none is best.
    pub fn best(&self, value: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.rows.iter().filter_map(value).collect();
        let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        values.iter().any(|value| *value < top).then_some(top)
    }
}
