//! The report's numbers as tables: a row for each method (seeds averaged), a column for each score. The
//! terminal's table, the HTML report, its charts and the page all show these.

use std::fmt;

use crate::report::{MethodRun, TaskScore, distinct, methods, norm_avg};
use crate::task::{Task, TaskList};

/// A mean over seeds with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    /// Half the width of the mean's 95 % confidence interval; only with two seeds or more.
    pub interval: Option<f64>,
}

impl Estimate {
    /// Mean and interval of values; nothing where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let interval = || student(values.len() - 1) * (variance / n).sqrt();
        (!values.is_empty()).then(|| Self { mean, interval: (values.len() > 1).then(interval) })
    }

    /// "±2.1"; nothing where there is one seed, or all seeds agree.
    pub fn margin(&self) -> Option<String> {
        self.interval.filter(|interval| *interval >= 0.05).map(|interval| format!("±{interval:.1}"))
    }
}

/// A single value, which has no interval.
impl From<f64> for Estimate {
    fn from(mean: f64) -> Self {
        Self { mean, interval: None }
    }
}

/// "66.6 ±2.1", or the mean alone where it has no margin.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.mean)?;
        self.margin().map_or(Ok(()), |margin| write!(f, " {margin}"))
    }
}

/// One table: the scores with the same number of shots, prompt on or off.
#[derive(Clone, Debug)]
pub struct ScoreTable {
    /// The target tasks.
    pub targets: Vec<String>,
    pub shots: usize,
    /// Whether the held-out tasks were evaluated with the soft prompt prepended (the paper's rule: off).
    pub prompt: bool,
    /// The held-out tasks.
    pub tasks: Vec<String>,
    pub rows: Vec<ScoreRow>,
}

#[derive(Clone, Debug)]
pub struct ScoreRow {
    pub method: String,
    pub seeds: usize,
    /// One for each of the table's targets.
    pub targets: Vec<Option<Estimate>>,
    /// One for each task of the table.
    pub held_out: Vec<Option<Estimate>>,
    /// Mean of the held-out scores: the paper's Norm. Avg.
    pub norm_avg: Option<Estimate>,
    /// Mean target-format rate of the held-out tasks with another format, where the target has a fixed one.
    pub format_rate: Option<Estimate>,
}

impl ScoreTable {
    /// Whether a number is a mean over several seeds, so that ± needs an explanation.
    pub fn has_intervals(&self) -> bool {
        self.rows.iter().any(|row| row.seeds > 1)
    }

    /// The held-out scores of a run that belong to this table.
    fn scores_of<'a>(&self, run: &'a MethodRun) -> impl Iterator<Item = &'a TaskScore> + use<'a> {
        let kind = (self.prompt, self.shots);
        run.unseen.iter().filter(move |score| (score.prompt, score.shots) == kind)
    }

    /// The best means of columns that stand side by side.
    pub fn tops(&self, columns: impl Fn(&ScoreRow) -> &[Option<Estimate>]) -> Vec<Option<f64>> {
        let count = self.rows.first().map_or(0, |row| columns(row).len());
        (0..count).map(|index| self.best(|row| columns(row)[index])).collect()
    }

    /// The best mean of a column, or nothing where all are equal and none is best.
    pub fn best(&self, column: impl Fn(&ScoreRow) -> Option<Estimate>) -> Option<f64> {
        let means: Vec<f64> =
            self.rows.iter().filter_map(|row| column(row).map(|estimate| estimate.mean)).collect();
        let top = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        means.iter().any(|mean| *mean < top).then_some(top)
    }
}

/// The tables of runs: prompt off before prompt on, then by shots. `known` are the tasks that the scores are of.
pub fn score_tables(known: &TaskList, runs: &[MethodRun]) -> Vec<ScoreTable> {
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
            let mut table = ScoreTable { targets, shots, prompt, tasks: Vec::new(), rows: Vec::new() };
            table.tasks = names(runs.iter().flat_map(|run| table.scores_of(run)));
            table.rows = methods.iter().map(|method| row(known, runs, method, &table)).collect();
            // Methods without a prompt have nothing to show where it is on.
            table.rows.retain(|row| !prompt || row.norm_avg.is_some());
            table
        })
        .collect()
}

/// A method's cross-entropy of plain text in nats per token, means over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct TextRow {
    pub method: String,
    pub task: String,
    /// With the soft prompt taken off.
    pub off: Option<f64>,
    /// With it in front, where the method has one.
    pub on: Option<f64>,
}

/// A row for each method whose text was scored.
pub fn text_rows(runs: &[MethodRun]) -> Vec<TextRow> {
    let row = |method: &str| {
        let losses = || runs.iter().filter(|run| run.method == method).flat_map(|run| &run.text);
        let mean = |prompt| {
            let of = losses().filter(|loss| loss.prompt == prompt).map(|loss| loss.nats_per_token);
            Estimate::of(of).map(|estimate| estimate.mean)
        };
        let task = losses().next()?.task.clone();
        Some(TextRow { method: method.to_owned(), task, off: mean(false), on: mean(true) })
    };
    methods(runs).into_iter().filter_map(row).collect()
}

fn names<'a>(scores: impl Iterator<Item = &'a TaskScore>) -> Vec<String> {
    distinct(scores.map(|score| score.task.as_str())).into_iter().map(String::from).collect()
}

fn row(known: &TaskList, runs: &[MethodRun], method: &str, table: &ScoreTable) -> ScoreRow {
    let runs: Vec<&MethodRun> = runs.iter().filter(|run| run.method == method).collect();
    let target = |task: &String| column(task, runs.iter().flat_map(|run| run.targets()));
    let held_out = |task: &String| column(task, runs.iter().flat_map(|run| table.scores_of(run)));
    let rates = runs.iter().filter_map(|run| {
        let rates =
            table.scores_of(run).filter_map(|score| Some((score.task.as_str(), score.target_format_rate?)));
        mean_format_rate(known, &table.targets, rates)
    });
    ScoreRow {
        method: method.to_owned(),
        seeds: runs.len(),
        targets: table.targets.iter().map(target).collect(),
        held_out: table.tasks.iter().map(held_out).collect(),
        norm_avg: Estimate::of(runs.iter().filter_map(|run| norm_avg(table.scores_of(run)))),
        format_rate: Estimate::of(rates),
    }
}

fn column<'a>(task: &str, scores: impl Iterator<Item = &'a TaskScore>) -> Option<Estimate> {
    Estimate::of(scores.filter(|score| score.task == task).map(|score| score.score))
}

/// Mean target-format rate of the held-out tasks whose own answers have another format; where they have the same one,
/// it is no sign of forgetting. A task that is not among the `known` ones has another format.
pub fn mean_format_rate<'a>(
    known: &TaskList,
    targets: &[impl AsRef<str>],
    rates: impl Iterator<Item = (&'a str, f64)>,
) -> Option<f64> {
    let targets: Vec<&Task> = targets.iter().filter_map(|name| known.by_name(name.as_ref()).ok()).collect();
    let foreign = |name: &str| {
        !known.by_name(name).is_ok_and(|task| targets.iter().any(|target| target.shares_format(task)))
    };
    Estimate::of(rates.filter(|(task, _)| foreign(task)).map(|(_, rate)| rate)).map(|estimate| estimate.mean)
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
    use crate::report::Report;
    use crate::task::built_in;

    #[test]
    fn seeds_are_averaged_with_their_interval() {
        let report: Report =
            serde_json::from_str(include_str!("../../tests/golden/report/sample.json")).unwrap();
        let tables = score_tables(built_in(), &report.runs);
        let [table] = &tables[..] else { panic!("one number of shots gives one table") };
        assert_eq!((table.shots, table.tasks.len()), (1, 8));
        let methods: Vec<&str> = table.rows.iter().map(|row| row.method.as_str()).collect();
        assert_eq!(methods, ["pretrained", "fine-tuning", "promot"]);
        let [pretrained, fine_tuning, _] = &table.rows[..] else { panic!("three methods") };
        assert_eq!(pretrained.targets, [Some(Estimate::from(48.5))]);
        assert_eq!(fine_tuning.seeds, 2);
        let target = fine_tuning.targets[0].unwrap();
        assert_eq!(target.mean, 92.0);
        assert!((target.interval.unwrap() - 12.706).abs() < 1e-3, "{target:?}");
        let mean = fine_tuning.held_out.iter().map(|score| score.unwrap().mean).sum::<f64>() / 8.0;
        assert!((fine_tuning.norm_avg.unwrap().mean - mean).abs() < 1e-9);
    }

    #[test]
    fn the_best_of_a_column_is_known_unless_all_are_equal() {
        let estimate = |mean| Some(Estimate::from(mean));
        let row = |target, norm_avg| ScoreRow {
            method: String::new(),
            seeds: 1,
            targets: vec![estimate(target)],
            held_out: Vec::new(),
            norm_avg: estimate(norm_avg),
            format_rate: None,
        };
        let rows = vec![row(5.0, 10.0), row(5.0, 35.0)];
        let table =
            ScoreTable { targets: vec!["rte-mini".into()], shots: 1, prompt: false, tasks: Vec::new(), rows };
        assert_eq!(table.best(|row| row.norm_avg), Some(35.0));
        assert_eq!(table.best(|row| row.targets[0]), None);
        assert_eq!(table.best(|row| row.format_rate), None);
    }

    #[test]
    fn a_format_is_out_of_place_only_where_another_one_is_due() {
        let rates = [("cb", 100.0), ("triviaqa", 10.0), ("wmt_ende", 30.0), ("one's own", 20.0)];
        let mean = |targets: &[&str], tasks: &[&str]| {
            mean_format_rate(built_in(), targets, rates.into_iter().filter(|(task, _)| tasks.contains(task)))
        };
        let all = rates.map(|(task, _)| task);
        assert_eq!(mean(&["rte"], &all), Some(20.0));
        assert_eq!(mean(&["wmt_enfr"], &all), Some(40.0));
        assert_eq!(mean(&["wmt_enfr", "wic"], &all), Some(20.0));
        assert_eq!(mean(&["rte"], &["cb"]), None);
    }

    #[test]
    fn an_interval_is_students_and_not_the_standard_deviation() {
        // scipy.stats.t.interval(0.95, 4, mean(x), sem(x)) for x = 60, 62, 64, 66, 68: 60.0736 to 67.9264.
        let five = Estimate::of([60.0, 62.0, 64.0, 66.0, 68.0]).unwrap();
        assert_eq!(five.to_string(), "64.0 ±3.9");
        assert!((five.interval.unwrap() - 3.9264).abs() < 1e-3, "{five:?}");
        assert_eq!(Estimate::of([7.0, 7.0]).unwrap().to_string(), "7.0");
        assert_eq!(Estimate::of([7.0]).unwrap().to_string(), "7.0");
        assert_eq!(Estimate::of([]), None);
        // scipy.stats.t.ppf(0.975, [11, 30, 1000])
        for (degrees, quantile) in [(11, 2.200_99), (30, 2.042_27), (1000, 1.962_34)] {
            assert!((student(degrees) - quantile).abs() < 1e-3, "{degrees}: {}", student(degrees));
        }
    }
}
