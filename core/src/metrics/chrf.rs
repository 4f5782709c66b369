//! Character n-gram F-score (Popović, 2015; with words chrF++, 2017), as sacreBLEU's `CHRF` computes it.

use std::collections::{BTreeMap, HashMap};

use super::words::{ngrams, split};
use super::{Score, assert_paired, n_refs, version};

/// Orders of n-grams of characters.
const CHARACTERS: usize = 6;

/// What a mean of nothing counts as where it would divide by nothing.
const EPSILON: f64 = 1e-16;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chrf {
    /// Longest n-grams of words: 0 for chrF, 2 for chrF++.
    pub words: usize,
    pub lowercase: bool,
    /// How much more recall counts than precision, 2 as a rule.
    pub beta: f64,
}

impl Default for Chrf {
    fn default() -> Self {
        Self { words: 0, lowercase: false, beta: 2.0 }
    }
}

/// A row of chrF's sums with its default options: for each order the prediction's n-grams, the reference's, those in both.
pub type ChrfRow = [u32; 3 * CHARACTERS];

/// The same of any number of orders.
type Sums = Vec<[usize; 3]>;

impl Chrf {
    /// # Panics
    /// The two lists differ in length.
    pub fn score(&self, predictions: &[String], references: &[Vec<String>]) -> Score {
        assert_paired(predictions, references);
        let mut sums = vec![[0; 3]; CHARACTERS + self.words];
        for (prediction, list) in predictions.iter().zip(references) {
            add(&mut sums, &self.sums(prediction, list), 1);
        }
        let name = match self.words {
            0 => "chrF".to_owned(),
            words => format!("chrF{}", "+".repeat(words)),
        };
        Score {
            metric: name,
            score: self.f_score(&sums),
            n: predictions.len(),
            signature: format!(
                "nrefs:{}|case:{}|eff:yes|nc:{CHARACTERS}|nw:{}|space:no|{}",
                n_refs(references),
                if self.lowercase { "lc" } else { "mixed" },
                self.words,
                version()
            ),
            details: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// The sums of each row, of the default orders.
    pub(super) fn rows(&self, predictions: &[String], references: &[Vec<String>]) -> Vec<ChrfRow> {
        let row = |(prediction, list): (&String, &Vec<String>)| {
            let mut row = [0; 3 * CHARACTERS];
            let numbers = self.sums(prediction, list).into_iter().flatten();
            row.iter_mut().zip(numbers).for_each(|(place, number)| *place = number as u32);
            row
        };
        predictions.iter().zip(references).map(row).collect()
    }

    /// The score of a corpus that has each row so many times.
    pub(super) fn of_rows(&self, rows: &[ChrfRow], counts: &[u32]) -> f64 {
        let mut sums = vec![[0; 3]; CHARACTERS];
        for (row, count) in rows.iter().zip(counts) {
            let row: Sums =
                row.as_chunks::<3>().0.iter().map(|order| order.map(|number| number as usize)).collect();
            add(&mut sums, &row, *count as usize);
        }
        self.f_score(&sums)
    }

    /// Against the reference that gives the best score of this row alone, of equal ones the first.
    fn sums(&self, prediction: &str, references: &[String]) -> Sums {
        let prediction = self.grams(prediction);
        let mut best: Option<(f64, Sums)> = None;
        for reference in references {
            let sums: Sums = prediction
                .iter()
                .zip(&self.grams(reference))
                .map(|(ours, theirs)| in_both(ours, theirs))
                .collect();
            let score = self.f_score(&sums);
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, sums));
            }
        }
        best.map_or_else(|| vec![[0; 3]; CHARACTERS + self.words], |(_, sums)| sums)
    }

    /// How often each n-gram occurs, for each order: characters without spaces, then words.
    fn grams(&self, text: &str) -> Vec<HashMap<Vec<String>, usize>> {
        let text = if self.lowercase { text.to_lowercase() } else { text.to_owned() };
        let characters: Vec<String> = split(&text).flat_map(str::chars).map(String::from).collect();
        let words: Vec<String> = split(&text).flat_map(apart).collect();
        let count = |units: &[String], n: usize| -> HashMap<Vec<String>, usize> {
            ngrams(units, n).into_iter().map(|(gram, count)| (gram.to_vec(), count)).collect()
        };
        let of_characters = (1..=CHARACTERS).map(|n| count(&characters, n));
        of_characters.chain((1..=self.words).map(|n| count(&words, n))).collect()
    }

    fn f_score(&self, sums: &Sums) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for [ours, theirs, both] in sums {
            if *ours > 0 && *theirs > 0 {
                precision += *both as f64 / *ours as f64;
                recall += *both as f64 / *theirs as f64;
                orders += 1.0;
            }
        }
        if orders == 0.0 || precision + recall < EPSILON {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        let factor = self.beta * self.beta;
        100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
    }
}

fn add(sums: &mut Sums, row: &Sums, count: usize) {
    for (sum, numbers) in sums.iter_mut().zip(row) {
        for (sum, number) in sum.iter_mut().zip(numbers) {
            *sum += number * count;
        }
    }
}

/// Those of the prediction count only where the reference has any of this order.
fn in_both(ours: &HashMap<Vec<String>, usize>, theirs: &HashMap<Vec<String>, usize>) -> [usize; 3] {
    let both = ours.iter().filter_map(|(gram, count)| Some(*count.min(theirs.get(gram)?))).sum();
    let count = if theirs.is_empty() { 0 } else { ours.values().sum() };
    [count, theirs.values().sum(), both]
}

/// A word without the ASCII punctuation mark at its end or, if it has none there, at its beginning, and that mark.
fn apart(word: &str) -> Vec<String> {
    let mut letters = word.chars();
    let (Some(first), Some(last)) = (letters.next(), letters.next_back()) else {
        return vec![word.to_owned()];
    };
    let cut = |at: usize| vec![word[..at].to_owned(), word[at..].to_owned()];
    if last.is_ascii_punctuation() {
        cut(word.len() - 1)
    } else if first.is_ascii_punctuation() {
        cut(1)
    } else {
        vec![word.to_owned()]
    }
}
