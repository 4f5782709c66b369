//! Answers and references to numbers in [0, 100]. Every score carries a signature that says how it was made,
//! in the manner of sacreBLEU's: two scores may be compared only where the signatures agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub mod bleu;
pub mod chrf;
pub mod exact;
pub mod format;
pub mod rouge;
mod rows;
mod surface;
mod words;

pub use bleu::{Bleu, BleuRow};
pub use chrf::{Chrf, ChrfRow};
pub use exact::Normalization;
pub use rouge::{Rouge, Variant};
pub use rows::RowScores;
pub use surface::Surface;

/// What a task is scored with, each with fixed options; the full options are in `Bleu`, `Rouge` and `exact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of predictions that equal a reference to the letter (class words).
    Accuracy,
    /// Share of predictions that equal a reference after normalisation (short answers).
    ExactMatch(Normalization),
    /// Share of predictions that have a reference somewhere in them, as whole words after normalisation (answers in
    /// sentences).
    Contains(Normalization),
    /// Corpus BLEU with sacreBLEU's defaults.
    Bleu,
    /// Corpus chrF with sacreBLEU's defaults.
    Chrf,
    /// Mean ROUGE-2 F1.
    #[serde(rename = "rouge-2")]
    Rouge2,
    /// The same with words of any script.
    #[serde(rename = "rouge-2-unicode")]
    Rouge2Unicode,
}

const ROUGE_2: Rouge = Rouge { variant: Variant::Two, words: rouge::Words::Ascii };

/// A score and how it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// "accuracy", "exact match", "BLEU", "ROUGE-2", ...
    pub metric: String,
    /// In [0, 100]; 0 where there is nothing to score.
    pub score: f64,
    /// Predictions scored.
    pub n: usize,
    pub signature: String,
    /// Parts of the score: BLEU's precisions and lengths, ROUGE's precision and recall.
    pub details: BTreeMap<String, f64>,
    /// What a reader must know to read the score rightly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::ExactMatch(_) => "exact match",
            Metric::Contains(_) => "contains",
            Metric::Bleu => "BLEU",
            Metric::Chrf => "chrF",
            Metric::Rouge2 | Metric::Rouge2Unicode => "ROUGE-2",
        }
    }

    /// Scores post-processed predictions; every prediction has one or more references.
    ///
    /// # Panics
    /// The two lists differ in length.
    pub fn score(self, predictions: &[String], references: &[Vec<String>]) -> Score {
        match self {
            Metric::Accuracy => exact::accuracy(predictions, references),
            Metric::ExactMatch(normalization) => exact::exact_match(normalization, predictions, references),
            Metric::Contains(normalization) => exact::contains(normalization, predictions, references),
            Metric::Bleu => Bleu::default().score(predictions, references),
            Metric::Chrf => Chrf::default().score(predictions, references),
            Metric::Rouge2 => ROUGE_2.score(predictions, references),
            Metric::Rouge2Unicode => {
                Rouge { words: rouge::Words::Unicode, ..ROUGE_2 }.score(predictions, references)
            }
        }
    }

    /// What each row adds to `score`.
    ///
    /// # Panics
    /// The two lists differ in length.
    pub fn rows(self, predictions: &[String], references: &[Vec<String>]) -> RowScores {
        assert_paired(predictions, references);
        let alone = predictions.iter().zip(references).map(|(prediction, list)| {
            self.score(std::slice::from_ref(prediction), std::slice::from_ref(list)).score / 100.0
        });
        match self {
            Metric::Accuracy | Metric::ExactMatch(_) | Metric::Contains(_) => {
                RowScores::Hits(alone.map(|hit| hit > 0.5).collect())
            }
            Metric::Rouge2 | Metric::Rouge2Unicode => RowScores::Means(alone.collect()),
            Metric::Bleu => RowScores::Bleu(Bleu::default().rows(predictions, references)),
            Metric::Chrf => RowScores::Chrf(Chrf::default().rows(predictions, references)),
        }
    }
}

/// `nrefs` of a signature: the number of references, or `var` where it differs from row to row.
fn n_refs(references: &[Vec<String>]) -> String {
    let first = references.first().map_or(0, Vec::len);
    let same = references.iter().all(|list| list.len() == first);
    if same { first.to_string() } else { "var".to_owned() }
}

/// The end of every signature: the numbers are ours, whatever tool they agree with.
fn version() -> String {
    format!("version:promot-{}", env!("CARGO_PKG_VERSION"))
}

/// The option of this name.
///
/// # Errors
/// An unknown name lists the nearest ones.
fn by_name<T: Copy, const N: usize>(
    kind: &'static str,
    name: &str,
    all: [T; N],
    name_of: fn(T) -> &'static str,
) -> Result<T> {
    let known = all.into_iter().map(name_of);
    all.into_iter().find(|option| name_of(*option) == name).ok_or_else(|| Error::unknown(kind, name, known))
}

/// # Panics
/// The two lists differ in length.
fn assert_paired(predictions: &[String], references: &[Vec<String>]) {
    assert_eq!(predictions.len(), references.len(), "every prediction needs its list of references");
}

#[cfg(test)]
mod tests;
