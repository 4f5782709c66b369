//! What each row adds to a score, so that a score can be computed again for any choice of rows (bootstrap).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::bleu::{Bleu, BleuRow};
use super::chrf::{Chrf, ChrfRow};

/// One entry for each row scored. Written as one short text: `hits:0110`, `mean:10000 0 523` (ten-thousandths),
/// `bleu:7,8,6,4,3,2 5,5,5,4,3,2`, `chrf:` likewise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum RowScores {
    /// Right or wrong: the score is the percentage.
    Hits(Vec<bool>),
    /// Numbers in [0, 1], kept to four decimals: the score is 100 times their mean.
    Means(Vec<f64>),
    /// Sums of corpus BLEU with its default options.
    Bleu(Vec<BleuRow>),
    /// Sums of corpus chrF with its default options.
    Chrf(Vec<ChrfRow>),
}

impl RowScores {
    pub fn len(&self) -> usize {
        match self {
            Self::Hits(rows) => rows.len(),
            Self::Means(rows) => rows.len(),
            Self::Bleu(rows) => rows.len(),
            Self::Chrf(rows) => rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of one row in [0, 100], where rows have scores of their own: BLEU and chrF are those of all rows together.
    pub fn of_row(&self, row: usize) -> Option<f64> {
        match self {
            Self::Hits(rows) => rows.get(row).map(|hit| if *hit { 100.0 } else { 0.0 }),
            Self::Means(rows) => rows.get(row).map(|mean| 100.0 * mean),
            Self::Bleu(_) | Self::Chrf(_) => None,
        }
    }

    /// The score in [0, 100] of a data set that has row `i` `counts[i]` times; 0 where that is empty.
    pub fn score(&self, counts: &[u32]) -> f64 {
        let rows: u32 = counts.iter().take(self.len()).sum();
        let percent = |sum: f64| 100.0 * sum / f64::from(rows.max(1));
        match self {
            Self::Hits(hits) => percent(f64::from(
                hits.iter().zip(counts).map(|(hit, count)| u32::from(*hit) * count).sum::<u32>(),
            )),
            Self::Means(means) => {
                percent(means.iter().zip(counts).map(|(mean, count)| mean * f64::from(*count)).sum())
            }
            Self::Bleu(rows) => Bleu::default().of_rows(rows, counts),
            Self::Chrf(rows) => Chrf::default().of_rows(rows, counts),
        }
    }
}

impl From<RowScores> for String {
    fn from(scores: RowScores) -> Self {
        let joined = |rows: Vec<String>| rows.join(" ");
        match scores {
            RowScores::Hits(hits) => {
                "hits:".chars().chain(hits.iter().map(|hit| if *hit { '1' } else { '0' })).collect()
            }
            RowScores::Means(means) => {
                let whole = |mean: &f64| format!("{:.0}", 1e4 * mean);
                format!("mean:{}", joined(means.iter().map(whole).collect()))
            }
            RowScores::Bleu(rows) => {
                format!("bleu:{}", joined(rows.iter().map(|row| with_commas(row)).collect()))
            }
            RowScores::Chrf(rows) => {
                format!("chrf:{}", joined(rows.iter().map(|row| with_commas(row)).collect()))
            }
        }
    }
}

fn with_commas(row: &[u32]) -> String {
    let mut text = String::new();
    for (index, number) in row.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}{number}");
    }
    text
}

/// Rows of numbers with commas between them, where each has as many as it must.
fn numbers<'a, const N: usize>(mut words: impl Iterator<Item = &'a str>) -> Option<Vec<[u32; N]>> {
    words.try_fold(Vec::new(), |mut rows, word| {
        let row: Vec<u32> = word.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        rows.push(row.try_into().ok()?);
        Some(rows)
    })
}

impl TryFrom<String> for RowScores {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("expected scores of rows such as `hits:0110`, found `{text:.40}`");
        let (kind, rows) = text.split_once(':').ok_or_else(wrong)?;
        let words = rows.split(' ').filter(|word| !word.is_empty());
        match kind {
            "hits" => {
                let hit = |c: char| c.to_digit(2).map(|digit| digit == 1);
                rows.chars().map(hit).collect::<Option<_>>().map(Self::Hits).ok_or_else(wrong)
            }
            "mean" => {
                let mean = |word: &str| word.parse::<u32>().map(|whole| f64::from(whole) / 1e4);
                words.map(mean).collect::<Result<_, _>>().map(Self::Means).map_err(|_| wrong())
            }
            "bleu" => numbers(words).map(Self::Bleu).ok_or_else(wrong),
            "chrf" => numbers(words).map(Self::Chrf).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metric, Normalization};
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn rows_give_the_score_of_any_choice_of_rows() {
        let predictions = texts(&["the cat sat on the mat", "a dog", "", "it is a small house , he says"]);
        let references: Vec<Vec<String>> =
            ["the cat sat on a mat", "a dog", "nothing", "it is a small house he says"]
                .map(|text| texts(&[text]))
                .into();
        for metric in [
            Metric::Accuracy,
            Metric::ExactMatch(Normalization::Squad),
            Metric::Bleu,
            Metric::Chrf,
            Metric::Rouge2,
        ] {
            let rows = metric.rows(&predictions, &references);
            let whole = metric.score(&predictions, &references).score;
            assert!((rows.score(&[1; 4]) - whole).abs() < 1e-9, "{metric:?}");
            // Twice the first row, none of the second.
            let pick = |of: &[usize]| -> (Vec<String>, Vec<Vec<String>>) {
                of.iter().map(|index| (predictions[*index].clone(), references[*index].clone())).unzip()
            };
            let (p, r) = pick(&[0, 0, 2, 3]);
            assert!((rows.score(&[2, 0, 1, 1]) - metric.score(&p, &r).score).abs() < 1e-9, "{metric:?}");
            let text = String::from(rows.clone());
            let read = RowScores::try_from(text.clone()).unwrap();
            assert!((read.score(&[1; 4]) - whole).abs() < 0.01, "{text}");
            assert_eq!(String::from(read), text);
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "hits", "hits:012", "mean:1 x", "bleu:1,2,3", "chrf:1,2,3", "rank:1"] {
            let error = RowScores::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("expected scores of rows"), "{error}");
        }
        assert!(RowScores::try_from("hits:".to_owned()).unwrap().is_empty());
    }
}
