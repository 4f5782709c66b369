//! `promot compare`: whether two models' answers to the same rows differ in score beyond what the choice of rows explains.

use std::path::Path;

use anyhow::{Context as _, bail};
use promot_core::paired::{Discordant, Pair, difference, discordant};
use promot_core::report::{TaskScore, distinct};
use promot_core::task::Task;
use serde::Serialize;

use crate::args::CompareArgs;
use crate::commands::eval::Answered;
use crate::fail::Regressed;
use crate::{catalog, output, table};

/// One task's difference, or that of all tasks' mean.
#[derive(Serialize)]
struct Compared {
    task: String,
    shots: Option<usize>,
    rows: usize,
    one: f64,
    other: f64,
    /// `one` less `other`.
    difference: f64,
    /// The paired 95 % interval over rows (bootstrap).
    interval: Option<(f64, f64)>,
    p: Option<f64>,
    /// The difference that so many rows of such models resolve four times in five.
    detectable: Option<f64>,
    /// Where an answer is right or wrong.
    #[serde(flatten)]
    discordant: Option<Discordant>,
}

pub fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let own = args.tasks.iter().map(catalog::task).collect::<promot_core::Result<Vec<_>>>()?;
    let (one, other) = (read(&args.one)?, read(&args.other)?);
    same_rows(args, &one, &other)?;
    let mut scores = Vec::new();
    for (name, shots) in distinct(one.iter().map(|row| (row.task.as_str(), row.shots))) {
        let task = match own.iter().find(|task| task.name == name) {
            Some(task) => task,
            None => catalog::tasks().by_name(name)?,
        };
        let of = |rows: &[Answered]| score(task, shots, rows);
        scores.push((of(&one), of(&other)));
    }
    let mut compared: Vec<Compared> =
        scores.iter().filter_map(|pair| compare(std::slice::from_ref(pair))).collect();
    if scores.len() > 1 {
        compared.extend(compare(&scores));
    }
    show(args, &compared);
    if let Some(path) = &args.json {
        output::json(path, &compared)?;
    }
    args.max_drop.map_or(Ok(()), |points| held(&compared, points))
}

/// # Errors
/// `Regressed`, where the other model is further below than these points, whichever rows had been drawn.
fn held(compared: &[Compared], max_drop: f64) -> anyhow::Result<()> {
    let lost = |row: &Compared| {
        let (low, high) = row.interval.filter(|(low, _)| *low > max_drop)?;
        let shots = row.shots.map_or(String::new(), |shots| format!(", {shots}-shot"));
        Some(format!("{}{shots}: {:.1} ({low:.1} to {high:.1})", row.task, row.difference))
    };
    let lost: Vec<String> = compared.iter().filter_map(lost).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let expected = format!("B at most {max_drop} points below A");
    Err(Regressed(format!("expected {expected}, found it lower by {}", lost.join("; "))).into())
}

fn read(path: &Path) -> anyhow::Result<Vec<Answered>> {
    let lines = output::read_lines(path)?;
    let rows = lines.iter().enumerate().map(|(index, line)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), index + 1))
    });
    let rows = rows.collect::<anyhow::Result<Vec<Answered>>>()?;
    if rows.is_empty() {
        bail!("{}: expected answers, one a line, found none", path.display());
    }
    Ok(rows)
}

fn same_rows(args: &CompareArgs, one: &[Answered], other: &[Answered]) -> anyhow::Result<()> {
    let (first, second) = (args.one.display(), args.other.display());
    if one.len() != other.len() {
        bail!("{second}: expected {} answers as in {first}, found {}", one.len(), other.len());
    }
    let differs = one.iter().zip(other).position(|(one, other)| one.asked() != other.asked());
    if let Some(index) = differs {
        bail!(
            "{second}, line {}: expected the answer to the same row and references as in {first} (row {} of {}), \
             found row {} of {}",
            index + 1,
            one[index].row,
            one[index].task,
            other[index].row,
            other[index].task
        );
    }
    Ok(())
}

fn score(task: &Task, shots: usize, rows: &[Answered]) -> TaskScore {
    let rows: Vec<&Answered> =
        rows.iter().filter(|row| (&row.task, row.shots) == (&task.name, shots)).collect();
    let outputs: Vec<String> = rows.iter().map(|row| row.output.clone()).collect();
    let references: Vec<Vec<String>> = rows.iter().map(|row| row.references.clone()).collect();
    let score = task.score(&outputs, &references);
    TaskScore {
        task: task.name.clone(),
        shots,
        metric: score.metric,
        score: score.score,
        n: score.n,
        rows: Some(task.row_scores(&outputs, &references)),
        ..TaskScore::default()
    }
}

fn compare(scores: &[(TaskScore, TaskScore)]) -> Option<Compared> {
    let (one, other): (Vec<_>, Vec<_>) = scores.iter().map(|(one, other)| (one, other)).unzip();
    let mean = |side: &[&TaskScore]| side.iter().map(|score| score.score).sum::<f64>() / side.len() as f64;
    let single = if let [(one, _)] = scores { Some(one) } else { None };
    let discordant = if let [(one, other)] = scores { discordant(one, other) } else { None };
    let (first, second) = (mean(&one), mean(&other));
    let rows = one.iter().map(|score| score.n).sum();
    let found = difference(&[Pair { one, other }])?;
    Some(Compared {
        task: single.map_or_else(|| "mean".to_owned(), |score| score.task.clone()),
        shots: single.map(|score| score.shots),
        rows,
        one: first,
        other: second,
        difference: found.mean,
        interval: found.interval,
        p: found.p,
        detectable: found.interval.map(detectable),
        discordant,
    })
}

/// Power analysis as in Miller, "Adding Error Bars to Evals" (arXiv 2411.00640): standard errors of the difference times the
/// normal distribution's quantiles of 97.5 % (the interval) and 80 % (the power).
fn detectable((low, high): (f64, f64)) -> f64 {
    const INTERVAL: f64 = 1.96;
    const POWER: f64 = 0.8416;
    (high - low) / (2.0 * INTERVAL) * (INTERVAL + POWER)
}

fn show(args: &CompareArgs, compared: &[Compared]) {
    fn or_dash<T>(value: Option<T>, shown: impl Fn(T) -> String) -> String {
        value.map_or("-".to_owned(), shown)
    }
    let p = |p: f64| format!("{p:.4}");
    let rows = compared.iter().map(|row| {
        vec![
            row.task.clone(),
            or_dash(row.shots, |shots| shots.to_string()),
            row.rows.to_string(),
            format!("{:.1}", row.one),
            format!("{:.1}", row.other),
            format!("{:+.1}", row.difference),
            or_dash(row.interval, |(low, high)| format!("{low:+.1} to {high:+.1}")),
            or_dash(row.p, p),
            or_dash(row.discordant, |rows| format!("{}, {}", rows.one_alone, rows.other_alone)),
            or_dash(row.discordant, |rows| p(rows.mcnemar_p)),
        ]
    });
    eprintln!("A: {}\nB: {}", args.one.display(), args.other.display());
    let header = ["task", "shots", "rows", "A", "B", "A - B", "95 % interval", "p", "right alone", "McNemar"];
    eprintln!("{}", table::plain(&header, rows));
    let found: Vec<String> = compared
        .iter()
        .filter_map(|row| Some(format!("{} {:.1}", row.task, row.detectable.filter(|points| *points > 0.0)?)))
        .collect();
    if !found.is_empty() {
        eprintln!("smallest difference that so many rows resolve four times in five: {}", found.join(", "));
    }
    eprintln!(
        "paired bootstrap over rows; a difference whose interval has both signs is not resolved\n\
         right alone: rows that A alone has right and that B alone has right, with McNemar's exact p"
    );
}
