//! A batch of questions to several models, as page and worker exchange it, and what is made of it: scores with intervals
//! and paired differences. No web types.

use std::collections::BTreeMap;
use std::ops::Range;

use promot_core::paired::{Pair, difference, interval};
use promot_core::report::TaskScore;
use promot_core::task::{Rendered, Task};
use serde::{Deserialize, Serialize};

use crate::column::Column;

/// Most rows of a batch: as many as the page can step through.
pub const MOST_ROWS: usize = 200;

/// Rows that are answered together; the first ones are few, so that something is there at once.
pub const TOGETHER: usize = 8;
const FIRST: usize = 2;

/// What is asked: the first rows of a task's test split, of all columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub task: String,
    pub shots: usize,
    pub rows: usize,
    pub columns: Vec<Column>,
    /// The switch of the soft prompt, for columns that leave it open.
    pub prompt: bool,
    pub mix: f64,
}

/// A row and what the columns answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Of the test split, from 0.
    pub row: usize,
    pub input: String,
    pub references: Vec<String>,
    pub outputs: BTreeMap<Column, String>,
    /// The score in [0, 100] of each answer by itself; none where the metric is of whole data sets only.
    pub scores: BTreeMap<Column, f64>,
}

impl BatchRow {
    /// A row of `task`, scored. The worker does it: metrics of text would make the window a tenth larger.
    pub fn scored(task: &Task, row: usize, text: &Rendered, outputs: BTreeMap<Column, String>) -> Self {
        let references = std::slice::from_ref(&text.references);
        let score = |(column, output): (&Column, &String)| {
            let score = task.row_scores(std::slice::from_ref(output), references).of_row(0)?;
            Some((column.clone(), score))
        };
        let scores = outputs.iter().filter_map(score).collect();
        Self { row, input: text.input.clone(), references: text.references.clone(), outputs, scores }
    }
}

/// The scores of the rows that were answered, which are the same for all columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchTable {
    pub scores: Vec<BatchScore>,
    pub differences: Vec<BatchDifference>,
}

/// A column's score, and its 95 % interval over rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchScore {
    pub column: Column,
    pub score: TaskScore,
    pub interval: Option<(f64, f64)>,
}

/// The score of `one` less that of `other`, with its paired 95 % interval over rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchDifference {
    pub one: Column,
    pub other: Column,
    pub mean: f64,
    pub interval: Option<(f64, f64)>,
}

/// What a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The first is better.
    Better,
    Worse,
    /// The interval has both sides.
    NotEnoughRows,
}

impl BatchDifference {
    pub fn said(&self) -> Said {
        match self.interval {
            Some((low, _)) if low > 0.0 => Said::Better,
            Some((_, high)) if high < 0.0 => Said::Worse,
            _ => Said::NotEnoughRows,
        }
    }
}

/// The rows that are answered together, one part after the other.
pub fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let end = move |from: usize| (from + if from == 0 { FIRST } else { TOGETHER }).min(rows);
    let range = move |from: usize| (from < rows).then(|| from..end(from));
    std::iter::successors(range(0), move |before: &Range<usize>| range(before.end))
}

/// The table of these scores: every pair of columns is compared.
pub fn table(scores: Vec<(Column, TaskScore)>) -> BatchTable {
    let mut differences = Vec::new();
    for (at, (other, base)) in scores.iter().enumerate() {
        for (one, score) in &scores[at + 1..] {
            let Some(found) = difference(&[Pair { one: vec![score], other: vec![base] }]) else { continue };
            let (one, other) = (one.clone(), other.clone());
            differences.push(BatchDifference { one, other, mean: found.mean, interval: found.interval });
        }
    }
    let score = |(column, score): (Column, TaskScore)| BatchScore {
        column,
        interval: interval(&score),
        // What each row adds has done its work.
        score: TaskScore { rows: None, ..score },
    };
    BatchTable { scores: scores.into_iter().map(score).collect(), differences }
}

#[cfg(test)]
mod tests {
    use promot_core::report::RowScores;

    use super::*;

    fn hits(rows: usize, right: impl Fn(usize) -> bool) -> TaskScore {
        let rows = RowScores::Hits((0..rows).map(right).collect());
        let score = rows.score(&vec![1; rows.len()]);
        TaskScore { task: "t".into(), score, n: rows.len(), rows: Some(rows), ..TaskScore::default() }
    }

    #[test]
    fn rows_come_in_parts_the_first_one_small() {
        assert_eq!(parts(20).collect::<Vec<_>>(), [0..2, 2..10, 10..18, 18..20]);
        assert_eq!(parts(1).map(|part| part.len()).collect::<Vec<_>>(), [1]);
        assert_eq!(parts(0).count(), 0);
    }

    #[test]
    fn every_pair_is_compared_and_few_rows_tell_little() {
        let of = |rows: usize| {
            let scores = [
                (Column::of("pretrained"), hits(rows, |row| row % 2 == 0)),
                (Column::of("fine-tuning"), hits(rows, |_| false)),
                (Column::of("promot"), hits(rows, |row| row % 2 == 0 || row == 1)),
            ];
            table(scores.to_vec())
        };
        let many = of(100);
        assert_eq!(many.scores[0].score.score, 50.0);
        assert!(many.scores[0].interval.is_some_and(|(low, high)| low < 50.0 && high > 50.0));
        assert!(many.scores.iter().all(|score| score.score.rows.is_none()));
        let said: Vec<(String, String, Said)> = many
            .differences
            .iter()
            .map(|found| (found.one.to_string(), found.other.to_string(), found.said()))
            .collect();
        let expected = [
            ("fine-tuning", "pretrained", Said::Worse),
            ("promot", "pretrained", Said::NotEnoughRows),
            ("promot", "fine-tuning", Said::Better),
        ];
        assert_eq!(said, expected.map(|(one, other, said)| (one.to_owned(), other.to_owned(), said)));
    }
}
