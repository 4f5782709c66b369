//! Corpus BLEU (Papineni et al., 2002) as sacreBLEU 2.x computes it (Post, 2018): its tokenizers, its
//! smoothing (Chen and Cherry, 2014), several references.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use super::words::{is_space, ngrams, split};
use super::{Score, assert_paired, by_name, n_refs, version};
use crate::error::Result;

/// How a line becomes words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokenize {
    /// WMT's mteval-v13a, sacreBLEU's default.
    V13a,
    /// mteval-v14's international rules: Unicode punctuation and symbols stand alone. T5's evaluation uses it.
    Intl,
    /// Split at spaces only.
    None,
    /// Every character is a word.
    Char,
    /// Chinese characters are words, the rest is cut as by 13a.
    Zh,
}

impl Tokenize {
    pub const ALL: [Self; 5] = [Self::V13a, Self::Intl, Self::None, Self::Char, Self::Zh];

    /// As sacreBLEU calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::Intl => "intl",
            Self::None => "none",
            Self::Char => "char",
            Self::Zh => "zh",
        }
    }

    pub fn by_name(name: &str) -> Result<Self> {
        by_name("BLEU tokenizer", name, Self::ALL, Self::name)
    }
}

/// What stands for a precision of 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Smoothing {
    /// 1/2, 1/4, ... of a match, halved at each order without one; sacreBLEU's default.
    Exp,
    /// Nothing: the score is 0.
    None,
    /// This many matches; sacreBLEU's default is 0.1.
    Floor(f64),
    /// Adds this to matches and totals of every order above 1; sacreBLEU's default is 1.
    AddK(f64),
}

impl Smoothing {
    /// sacreBLEU's method of this name, with `value` or else its default where the method takes one.
    pub fn by_name(name: &str, value: Option<f64>) -> Result<Self> {
        let methods =
            [Self::Exp, Self::None, Self::Floor(value.unwrap_or(0.1)), Self::AddK(value.unwrap_or(1.0))];
        by_name("BLEU smoothing", name, methods, Self::name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::None => "none",
            Self::Floor(_) => "floor",
            Self::AddK(_) => "add-k",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bleu {
    pub tokenize: Tokenize,
    pub lowercase: bool,
    pub smoothing: Smoothing,
    /// Leaves out orders that the predictions are too short for; for single sentences.
    pub effective_order: bool,
    /// Longest n-gram, 4 as a rule.
    pub max_order: usize,
}

impl Default for Bleu {
    fn default() -> Self {
        Self {
            tokenize: Tokenize::V13a,
            lowercase: false,
            smoothing: Smoothing::Exp,
            effective_order: false,
            max_order: 4,
        }
    }
}

/// A row of BLEU's sums: words of the prediction, words of the nearest reference, clipped matches of orders 1 to 4. The
/// number of n-grams follows from the first.
pub type BleuRow = [u32; 6];

/// Matches and totals, summed over the corpus.
struct Statistics {
    prediction_length: usize,
    /// Of each row the reference nearest in length, the shorter one of two equally near.
    reference_length: usize,
    /// `[order - 1]`: clipped matches.
    correct: Vec<usize>,
    /// `[order - 1]`: n-grams of the predictions.
    total: Vec<usize>,
}

impl Bleu {
    pub fn score(&self, predictions: &[String], references: &[Vec<String>]) -> Score {
        assert_paired(predictions, references);
        let statistics = self.statistics(predictions, references);
        let penalty = statistics.brevity_penalty();
        let (precisions, order) = self.precisions(&statistics);
        let mut details = BTreeMap::from([
            ("brevity_penalty".to_owned(), penalty),
            ("prediction_length".to_owned(), statistics.prediction_length as f64),
            ("reference_length".to_owned(), statistics.reference_length as f64),
        ]);
        for (n, precision) in precisions.iter().enumerate() {
            details.insert(format!("precision_{}", n + 1), *precision);
        }
        Score {
            metric: "BLEU".to_owned(),
            score: penalty * geometric_mean(&precisions[..order]),
            n: predictions.len(),
            signature: self.signature(references),
            warnings: Vec::new(),
            details,
        }
    }

    /// The sums of each row, of the default four orders.
    pub(super) fn rows(&self, predictions: &[String], references: &[Vec<String>]) -> Vec<BleuRow> {
        let pairs = predictions.iter().zip(references);
        pairs
            .map(|(prediction, list)| {
                let sum = self.statistics(std::slice::from_ref(prediction), std::slice::from_ref(list));
                let mut row = [0; 6];
                let numbers = [sum.prediction_length, sum.reference_length].into_iter().chain(sum.correct);
                row.iter_mut().zip(numbers).for_each(|(place, number)| *place = number as u32);
                row
            })
            .collect()
    }

    /// The score of a corpus that has each row so many times.
    pub(super) fn of_rows(&self, rows: &[BleuRow], counts: &[u32]) -> f64 {
        let mut sum = Statistics {
            prediction_length: 0,
            reference_length: 0,
            correct: vec![0; self.max_order],
            total: vec![0; self.max_order],
        };
        for (row, count) in rows.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let row = row.map(|number| (number * count) as usize);
            sum.prediction_length += row[0];
            sum.reference_length += row[1];
            let length = row[0] / *count as usize;
            for n in 0..self.max_order {
                sum.correct[n] += row.get(n + 2).copied().unwrap_or(0);
                sum.total[n] += length.saturating_sub(n) * *count as usize;
            }
        }
        let (precisions, order) = self.precisions(&sum);
        sum.brevity_penalty() * geometric_mean(&precisions[..order])
    }

    fn signature(&self, references: &[Vec<String>]) -> String {
        let value = match self.smoothing {
            Smoothing::Exp | Smoothing::None => String::new(),
            Smoothing::Floor(value) | Smoothing::AddK(value) => format!("[{value:.2}]"),
        };
        format!(
            "nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}{value}|{}",
            n_refs(references),
            if self.lowercase { "lc" } else { "mixed" },
            if self.effective_order { "yes" } else { "no" },
            self.tokenize.name(),
            self.smoothing.name(),
            version()
        )
    }

    fn statistics(&self, predictions: &[String], references: &[Vec<String>]) -> Statistics {
        let mut sum = Statistics {
            prediction_length: 0,
            reference_length: 0,
            correct: vec![0; self.max_order],
            total: vec![0; self.max_order],
        };
        for (prediction, list) in predictions.iter().zip(references) {
            let words = self.words(prediction);
            let list: Vec<Vec<String>> = list.iter().map(|reference| self.words(reference)).collect();
            sum.prediction_length += words.len();
            let nearest =
                list.iter().map(Vec::len).min_by_key(|length| (words.len().abs_diff(*length), *length));
            sum.reference_length += nearest.unwrap_or(0);
            for n in 1..=self.max_order {
                let allowed = most_of_each(&list, n);
                for (gram, count) in ngrams(&words, n) {
                    sum.total[n - 1] += count;
                    sum.correct[n - 1] += count.min(allowed.get(gram).copied().unwrap_or(0));
                }
            }
        }
        sum
    }

    /// Percentages by order, and how many orders the mean takes.
    fn precisions(&self, statistics: &Statistics) -> (Vec<f64>, usize) {
        let mut precisions = vec![0.0; self.max_order];
        let mut order = self.max_order;
        if statistics.correct.iter().all(|correct| *correct == 0) {
            return (precisions, order);
        }
        let mut halved = 1.0;
        for n in 1..=self.max_order {
            let (mut correct, mut total) = (statistics.correct[n - 1] as f64, statistics.total[n - 1] as f64);
            if let Smoothing::AddK(value) = self.smoothing
                && n > 1
            {
                correct += value;
                total += value;
            }
            if total == 0.0 {
                break;
            }
            if self.effective_order {
                order = n;
            }
            if correct == 0.0 {
                correct = match self.smoothing {
                    Smoothing::Exp => {
                        halved /= 2.0;
                        halved
                    }
                    Smoothing::Floor(value) => value,
                    Smoothing::None | Smoothing::AddK(_) => 0.0,
                };
            }
            precisions[n - 1] = 100.0 * correct / total;
        }
        (precisions, order)
    }

    fn words(&self, line: &str) -> Vec<String> {
        let line = line.trim_end_matches(is_space);
        let lowered = if self.lowercase { line.to_lowercase() } else { line.to_owned() };
        match self.tokenize {
            Tokenize::V13a => v13a(&lowered),
            Tokenize::Intl => international(&lowered),
            Tokenize::None => split(&lowered).map(str::to_owned).collect(),
            Tokenize::Char => lowered.chars().filter(|c| !is_space(*c)).map(String::from).collect(),
            Tokenize::Zh => chinese(&lowered),
        }
    }
}

impl Statistics {
    fn brevity_penalty(&self) -> f64 {
        let (predicted, referred) = (self.prediction_length as f64, self.reference_length as f64);
        match self.prediction_length {
            0 if self.reference_length > 0 => 0.0,
            _ if predicted < referred => (1.0 - referred / predicted).exp(),
            _ => 1.0,
        }
    }
}

/// The most often that any one reference has each n-gram.
fn most_of_each(references: &[Vec<String>], n: usize) -> HashMap<&[String], usize> {
    let mut most = HashMap::new();
    for reference in references {
        for (gram, count) in ngrams(reference, n) {
            let entry = most.entry(gram).or_insert(0);
            *entry = count.max(*entry);
        }
    }
    most
}

fn geometric_mean(precisions: &[f64]) -> f64 {
    if precisions.is_empty() || precisions.contains(&0.0) {
        return 0.0;
    }
    (precisions.iter().map(|precision| precision.ln()).sum::<f64>() / precisions.len() as f64).exp()
}

/// A substitution of mteval's: every match, left to right, replaced with groups 1 and 2 and these spaces.
struct Rule {
    pattern: Regex,
    replacement: &'static str,
}

fn rules<const N: usize>(table: [(&str, &'static str); N]) -> [Rule; N] {
    table.map(|(pattern, replacement)| Rule {
        pattern: Regex::new(pattern).expect("a valid pattern"),
        replacement,
    })
}

fn apply(rules: &[Rule], line: &str) -> Vec<String> {
    let mut line = line.to_owned();
    for rule in rules {
        line = rule.pattern.replace_all(&line, rule.replacement).into_owned();
    }
    split(&line).map(str::to_owned).collect()
}

/// What 13a and zh have in common.
static ASCII: LazyLock<[Rule; 4]> = LazyLock::new(|| {
    rules([
        (r##"([!"#$%&()*+/:;<=>?@\[\\\]^_`{|}~])"##, " ${1} "),
        (r"([^0-9])([.,])", "${1} ${2} "),
        (r"([.,])([^0-9])", " ${1} ${2}"),
        (r"([0-9])(-)", "${1} ${2} "),
    ])
});

/// ASCII punctuation stands alone, except a period or comma inside a number, an apostrophe, and a dash that no
/// digit precedes.
fn v13a(line: &str) -> Vec<String> {
    let line = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    // The order matters: "&amp;lt;" becomes "<", in mteval as here.
    let line = line.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    apply(&*ASCII, &format!(" {line} "))
}

/// What sacreBLEU takes for Chinese. The first range, with dashes, quotation marks and arrows in it, is not what it means: its
/// ends have five digits, of which Python reads four. Scores agree only so.
const CHINESE: [(char, char); 17] = [
    ('\u{2001}', '\u{2a6d}'),
    ('\u{2e80}', '\u{2eff}'),
    ('\u{2f00}', '\u{2fdf}'),
    ('\u{2ff0}', '\u{2fff}'),
    ('\u{3000}', '\u{303f}'),
    ('\u{3100}', '\u{312f}'),
    ('\u{31a0}', '\u{31bf}'),
    ('\u{31c0}', '\u{31ef}'),
    ('\u{3200}', '\u{33ff}'),
    ('\u{3400}', '\u{4db5}'),
    ('\u{4e00}', '\u{9fbb}'),
    ('\u{f900}', '\u{fa2d}'),
    ('\u{fa30}', '\u{fa6a}'),
    ('\u{fa70}', '\u{fad9}'),
    ('\u{fe10}', '\u{fe1f}'),
    ('\u{fe30}', '\u{fe4f}'),
    ('\u{ff00}', '\u{ffef}'),
];

/// Chinese characters stand alone; then as 13a, but for markup and the line's ends.
fn chinese(line: &str) -> Vec<String> {
    let is_chinese = |c: char| CHINESE.iter().any(|(first, last)| (*first..=*last).contains(&c));
    let mut spaced = String::with_capacity(line.len() * 2);
    for c in line.trim_matches(is_space).chars() {
        if is_chinese(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    apply(&*ASCII, &spaced)
}

/// Unicode punctuation stands alone unless numbers enclose it, symbols always. The line gets no spaces at its
/// ends, so a period after a final number stays with it: mteval-v14 has this fault, and scores agree only so.
fn international(line: &str) -> Vec<String> {
    static RULES: LazyLock<[Rule; 3]> = LazyLock::new(|| {
        rules([(r"(\P{N})(\p{P})", "${1} ${2} "), (r"(\p{P})(\P{N})", " ${1} ${2}"), (r"(\p{S})", " ${1} ")])
    });
    apply(&*RULES, line)
}
