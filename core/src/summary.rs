//! The report's numbers as one grid: a row for each method (seeds averaged), a column for each score. The
//! terminal's table, the HTML report, its charts and the page all show this grid.

use std::fmt;

use crate::report::{MethodRun, TaskScore, distinct, methods, norm_avg};
use crate::task::Task;

/// Mean over seeds, in [0, 100].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval; only with two seeds or more.
    pub interval: Option<f64>,
}

impl Cell {
    /// "±2.1"; nothing where there is one seed, or all seeds agree.
    pub fn margin(&self) -> Option<String> {
        self.interval.filter(|interval| *interval >= 0.05).map(|interval| format!("±{interval:.1}"))
    }
}

/// "66.6 ±2.1", or the mean alone where it has no margin.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.mean)?;
        self.margin().map_or(Ok(()), |margin| write!(f, " {margin}"))
    }
}

/// One table: the scores with the same number of shots, prompt on or off.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The tuned tasks.
    pub targets: Vec<String>,
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
    /// One for each of the grid's targets.
    pub targets: Vec<Option<Cell>>,
    /// One for each task of the grid.
    pub unseen: Vec<Option<Cell>>,
    /// Mean of the unseen scores.
    pub norm_avg: Option<Cell>,
    /// Mean target-format rate of the unseen tasks of another format, where the target has a fixed one.
    pub format_rate: Option<Cell>,
}

impl Grid {
    /// Whether there are several seeds behind a number, so that readers need to be told what ± means.
    pub fn has_intervals(&self) -> bool {
        self.rows.iter().any(|row| row.seeds > 1)
    }

    /// The unseen scores of a run that belong to this grid.
    fn asked<'a>(&self, run: &'a MethodRun) -> impl Iterator<Item = &'a TaskScore> + use<'a> {
        let kind = (self.prompt, self.shots);
        run.unseen.iter().filter(move |score| (score.prompt, score.shots) == kind)
    }

    /// The best means of columns that stand side by side.
    pub fn tops(&self, columns: impl Fn(&Row) -> &[Option<Cell>]) -> Vec<Option<f64>> {
        let count = self.rows.first().map_or(0, |row| columns(row).len());
        (0..count).map(|place| self.best(|row| columns(row)[place])).collect()
    }

    /// The best mean of a column, or nothing where all are equal and none is best.
    pub fn best(&self, column: impl Fn(&Row) -> Option<Cell>) -> Option<f64> {
        let means: Vec<f64> = self.rows.iter().filter_map(|row| column(row).map(|cell| cell.mean)).collect();
        let top = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        means.iter().any(|mean| *mean < top).then_some(top)
    }
}

/// The grids of runs: prompt off before prompt on, then by shots.
pub fn grids(runs: &[MethodRun]) -> Vec<Grid> {
    let targets = names(runs.iter().flat_map(MethodRun::targets));
    let scores = || runs.iter().flat_map(|run| &run.unseen);
    let mut kinds: Vec<(bool, usize)> = scores().map(|score| (score.prompt, score.shots)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push((false, 0));
    }
    let methods = methods(runs);
    kinds
        .into_iter()
        .map(|(prompt, shots)| {
            let targets = targets.clone();
            let mut grid = Grid { targets, shots, prompt, tasks: Vec::new(), rows: Vec::new() };
            grid.tasks = names(runs.iter().flat_map(|run| grid.asked(run)));
            grid.rows = methods.iter().map(|method| row(runs, method, &grid)).collect();
            grid
        })
        .collect()
}

fn names<'a>(scores: impl Iterator<Item = &'a TaskScore>) -> Vec<String> {
    distinct(scores.map(|score| score.task.as_str())).into_iter().map(String::from).collect()
}

fn row(runs: &[MethodRun], method: &str, grid: &Grid) -> Row {
    let runs: Vec<&MethodRun> = runs.iter().filter(|run| run.method == method).collect();
    let target = |task: &String| column(task, runs.iter().flat_map(|run| run.targets()));
    let unseen = |task: &String| column(task, runs.iter().flat_map(|run| grid.asked(run)));
    let rates = runs.iter().filter_map(|run| {
        let rates =
            grid.asked(run).filter_map(|score| Some((score.task.as_str(), score.target_format_rate?)));
        mean_format_rate(&grid.targets, rates)
    });
    Row {
        method: method.to_owned(),
        seeds: runs.len(),
        targets: grid.targets.iter().map(target).collect(),
        unseen: grid.tasks.iter().map(unseen).collect(),
        norm_avg: cell(runs.iter().filter_map(|run| norm_avg(grid.asked(run)))),
        format_rate: cell(rates),
    }
}

fn column<'a>(task: &str, scores: impl Iterator<Item = &'a TaskScore>) -> Option<Cell> {
    cell(scores.filter(|score| score.task == task).map(|score| score.score))
}

/// Mean target-format rate of unseen tasks whose own answers have another format; where they have the same one, it is
/// no sign of forgetting.
pub fn mean_format_rate<'a>(
    targets: &[impl AsRef<str>],
    rates: impl Iterator<Item = (&'a str, f64)>,
) -> Option<f64> {
    let targets: Vec<&Task> = targets.iter().filter_map(|name| Task::by_name(name.as_ref()).ok()).collect();
    let foreign = |name: &str| {
        !Task::by_name(name).is_ok_and(|task| targets.iter().any(|target| target.shares_format(task)))
    };
    cell(rates.filter(|(task, _)| foreign(task)).map(|(_, rate)| rate)).map(|cell| cell.mean)
}

fn cell(values: impl Iterator<Item = f64>) -> Option<Cell> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let interval = || student(values.len() - 1) * (variance / n).sqrt();
    (!values.is_empty()).then(|| Cell { mean, interval: (values.len() > 1).then(interval) })
}

/// The 97.5 % quantile of Student's t distribution with `degrees` of freedom, at least 1: Fisher and Yates' table up to
/// ten, Cornish and Fisher's expansion of the normal quantile beyond it (wrong by less than 0.001 there). Ours, since
/// this one quantile is all that a statistics library would be needed for, and the page loads what it links.
fn student(degrees: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let normal = 1.959_964_f64;
    let degree = degrees as f64;
    TABLE.get(degrees.saturating_sub(1)).copied().unwrap_or_else(|| {
        let power = |exponent| normal.powi(exponent);
        normal
            + (power(3) + normal) / (4.0 * degree)
            + (5.0 * power(5) + 16.0 * power(3) + 3.0 * normal) / (96.0 * degree.powi(2))
            + (3.0 * power(7) + 19.0 * power(5) + 17.0 * power(3) - 15.0 * normal) / (384.0 * degree.powi(3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_column_is_known_unless_all_are_equal() {
        let cell = |mean| Some(Cell { mean, interval: None });
        let row = |target, norm_avg| Row {
            method: String::new(),
            seeds: 1,
            targets: vec![cell(target)],
            unseen: Vec::new(),
            norm_avg: cell(norm_avg),
            format_rate: None,
        };
        let rows = vec![row(5.0, 10.0), row(5.0, 35.0)];
        let grid =
            Grid { targets: vec!["rte-mini".into()], shots: 1, prompt: false, tasks: Vec::new(), rows };
        assert_eq!(grid.best(|row| row.norm_avg), Some(35.0));
        assert_eq!(grid.best(|row| row.targets[0]), None);
        assert_eq!(grid.best(|row| row.format_rate), None);
    }

    #[test]
    fn a_format_is_out_of_place_only_where_another_one_is_due() {
        let rates =
            [("cb-mini", 100.0), ("triviaqa-mini", 10.0), ("wmt_ende-mini", 30.0), ("one's own", 20.0)];
        let mean = |targets: &[&str], tasks: &[&str]| {
            mean_format_rate(targets, rates.into_iter().filter(|(task, _)| tasks.contains(task)))
        };
        let all = rates.map(|(task, _)| task);
        assert_eq!(mean(&["rte-mini"], &all), Some(20.0));
        assert_eq!(mean(&["wmt_enfr-mini"], &all), Some(40.0));
        assert_eq!(mean(&["wmt_enfr-mini", "wic-mini"], &all), Some(20.0));
        assert_eq!(mean(&["rte-mini"], &["cb-mini"]), None);
    }

    #[test]
    fn an_interval_is_students_and_not_the_standard_deviation() {
        // scipy.stats.t.interval(0.95, 4, mean(x), sem(x)) for x = 60, 62, 64, 66, 68: 60.0736 to 67.9264.
        let five = cell([60.0, 62.0, 64.0, 66.0, 68.0].into_iter()).unwrap();
        assert_eq!(five.to_string(), "64.0 ±3.9");
        assert!((five.interval.unwrap() - 3.9264).abs() < 1e-3, "{five:?}");
        assert_eq!(cell([7.0, 7.0].into_iter()).unwrap().to_string(), "7.0");
        assert_eq!(cell([7.0].into_iter()).unwrap().to_string(), "7.0");
        assert_eq!(cell([].into_iter()), None);
        // scipy.stats.t.ppf(0.975, [11, 30, 1000])
        for (degrees, quantile) in [(11, 2.200_99), (30, 2.042_27), (1000, 1.962_34)] {
            assert!((student(degrees) - quantile).abs() < 1e-3, "{degrees}: {}", student(degrees));
        }
    }
}
