//! The report's numbers as one grid: a row for each method (seeds averaged), a column for each score. The
//! terminal's table, the HTML report and its charts all show this grid.

use promot_core::report::{MethodRun, Report, TaskScore};

/// Mean over seeds, in [0, 100].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub mean: f64,
    /// Sample standard deviation; only with two seeds or more.
    pub spread: Option<f64>,
}

/// One table: the scores with the same number of shots, prompt on or off.
#[derive(Clone, Debug)]
pub struct Grid {
    pub target: String,
    pub shots: usize,
    /// Whether the unseen tasks were asked with the soft prompt in front (the paper's rule: off).
    pub prompt: bool,
    /// The unseen tasks.
    pub tasks: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub method: String,
    pub seeds: usize,
    pub target: Option<Cell>,
    /// One for each task of the grid.
    pub unseen: Vec<Option<Cell>>,
    /// Mean of the unseen scores.
    pub norm_avg: Option<Cell>,
    /// Mean target-format rate of the unseen tasks, where the target has a fixed format.
    pub format_rate: Option<Cell>,
}

/// The grids of a report: by shots, then prompt off before prompt on.
pub fn grids(report: &Report) -> Vec<Grid> {
    let scores = || report.runs.iter().flat_map(|run| &run.unseen);
    let mut kinds: Vec<(bool, usize)> = scores().map(|score| (score.prompt, score.shots)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push((false, 0));
    }
    let mut methods: Vec<&str> = Vec::new();
    for run in &report.runs {
        if !methods.contains(&run.method.as_str()) {
            methods.push(&run.method);
        }
    }
    kinds
        .into_iter()
        .map(|(prompt, shots)| {
            let mut tasks: Vec<String> = Vec::new();
            for score in scores().filter(|score| (score.prompt, score.shots) == (prompt, shots)) {
                if !tasks.contains(&score.task) {
                    tasks.push(score.task.clone());
                }
            }
            let rows = methods.iter().map(|method| row(report, method, &tasks, prompt, shots)).collect();
            Grid { target: report.spec.target.task.clone(), shots, prompt, tasks, rows }
        })
        .collect()
}

fn row(report: &Report, method: &str, tasks: &[String], prompt: bool, shots: usize) -> Row {
    let runs: Vec<&MethodRun> = report.runs.iter().filter(|run| run.method == method).collect();
    let of = |run: &MethodRun| -> Vec<TaskScore> {
        run.unseen.iter().filter(|score| (score.prompt, score.shots) == (prompt, shots)).cloned().collect()
    };
    let unseen = |task: &String| {
        cell(
            runs.iter()
                .flat_map(|run| of(run).into_iter().filter(|score| score.task == *task).map(|s| s.score)),
        )
    };
    let rates =
        runs.iter().filter_map(|run| mean(of(run).iter().filter_map(|score| score.target_format_rate)));
    Row {
        method: method.to_owned(),
        seeds: runs.len(),
        target: cell(runs.iter().map(|run| run.target.score)),
        unseen: tasks.iter().map(unseen).collect(),
        norm_avg: cell(runs.iter().filter_map(|run| promot_core::report::norm_avg(&of(run)))),
        format_rate: cell(rates),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    cell(values).map(|cell| cell.mean)
}

fn cell(values: impl Iterator<Item = f64>) -> Option<Cell> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (!values.is_empty()).then(|| Cell { mean, spread: (values.len() > 1).then(|| variance.sqrt()) })
}

#[cfg(test)]
pub mod sample;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_averaged_and_spread_is_told() {
        let grids = grids(&sample::report());
        let [grid] = &grids[..] else { panic!("one number of shots gives one grid") };
        assert_eq!((grid.shots, grid.tasks.len()), (1, 8));
        let methods: Vec<&str> = grid.rows.iter().map(|row| row.method.as_str()).collect();
        assert_eq!(methods, ["pretrained", "fine-tuning", "promot"]);
        let [pretrained, fine_tuning, _] = &grid.rows[..] else { panic!("three methods") };
        assert_eq!(pretrained.target, Some(Cell { mean: 48.5, spread: None }));
        assert_eq!(fine_tuning.seeds, 2);
        let target = fine_tuning.target.unwrap();
        assert_eq!(target.mean, 92.0);
        assert!((target.spread.unwrap() - 2f64.sqrt()).abs() < 1e-12);
        let mean = fine_tuning.unseen.iter().map(|cell| cell.unwrap().mean).sum::<f64>() / 8.0;
        assert!((fine_tuning.norm_avg.unwrap().mean - mean).abs() < 1e-9);
    }
}
