//! ROUGE (Lin, 2004) with the conventions of Google's `rouge_score`: its default tokenizer without a stemmer,
//! F1, the best reference of a row, the mean over rows (no bootstrap).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use super::words::ngrams;
use super::{Score, assert_paired, by_name, n_refs, version};
use crate::error::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Single words.
    One,
    /// Pairs of words.
    Two,
    /// Longest common subsequence of the whole texts.
    L,
    /// Union of the longest common subsequences of sentences, one sentence a line.
    Lsum,
}

impl Variant {
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::L, Self::Lsum];

    /// As rouge_score calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "rouge1",
            Self::Two => "rouge2",
            Self::L => "rougeL",
            Self::Lsum => "rougeLsum",
        }
    }

    pub fn by_name(name: &str) -> Result<Self> {
        by_name("ROUGE variant", name, Self::ALL, Self::name)
    }
}

/// What counts as a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Lower-case runs of ASCII letters and digits, as in rouge_score; every other character separates, accents included.
    #[default]
    Ascii,
    /// Lower-case runs of letters, marks and digits of any script. In scripts that put no spaces between words (Han, kana,
    /// Thai, Lao, Khmer, Burmese) each character is a word.
    Unicode,
    /// Each letter or digit with its marks is a word.
    Characters,
}

impl Words {
    pub const ALL: [Self; 3] = [Self::Ascii, Self::Unicode, Self::Characters];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "rouge_score",
            Self::Unicode => "unicode",
            Self::Characters => "characters",
        }
    }

    pub fn by_name(name: &str) -> Result<Self> {
        by_name("ROUGE tokenizer", name, Self::ALL, Self::name)
    }

    fn of(self, text: &str) -> Vec<String> {
        static UNICODE: LazyLock<Regex> = LazyLock::new(|| {
            let alone = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}";
            // A mark belongs to the letter before it, whose script it may not have.
            regex(&format!(
                r"[[{alone}]&&[\p{{L}}\p{{N}}]]\p{{M}}*|[[\p{{L}}\p{{N}}]--[{alone}]][[\p{{L}}\p{{M}}\p{{N}}]--[{alone}]]*"
            ))
        });
        static CHARACTERS: LazyLock<Regex> = LazyLock::new(|| regex(r"[\p{L}\p{N}]\p{M}*"));
        let text = text.to_lowercase();
        let found = |words: &Regex| words.find_iter(&text).map(|word| word.as_str().to_owned()).collect();
        match self {
            Self::Ascii => {
                let runs = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
                runs.filter(|run| !run.is_empty()).map(str::to_owned).collect()
            }
            Self::Unicode => found(&UNICODE),
            Self::Characters => found(&CHARACTERS),
        }
    }

    /// Whether more than half of a text's letters are none for this tokenizer.
    fn drops(self, text: &str) -> bool {
        let letters = || text.chars().filter(|letter| letter.is_alphabetic());
        self == Self::Ascii && 2 * letters().filter(char::is_ascii).count() < letters().count()
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rouge {
    pub variant: Variant,
    pub words: Words,
}

/// Precision, recall and F1 of one prediction, each in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overlap {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl Rouge {
    pub fn name(self) -> &'static str {
        match self.variant {
            Variant::One => "ROUGE-1",
            Variant::Two => "ROUGE-2",
            Variant::L => "ROUGE-L",
            Variant::Lsum => "ROUGE-Lsum",
        }
    }

    /// Mean over rows, in [0, 100].
    pub fn score(self, predictions: &[String], references: &[Vec<String>]) -> Score {
        assert_paired(predictions, references);
        let best: Vec<Overlap> = predictions
            .iter()
            .zip(references)
            .map(|(prediction, list)| self.best(prediction, list))
            .collect();
        let mean =
            |part: fn(&Overlap) -> f64| 100.0 * best.iter().map(part).sum::<f64>() / best.len().max(1) as f64;
        Score {
            metric: self.name().to_owned(),
            score: mean(|overlap| overlap.f1),
            n: predictions.len(),
            signature: format!(
                "nrefs:{}|refs:max|measure:f1|agg:mean|case:lc|tok:{}|stem:no|{}",
                n_refs(references),
                self.words.name(),
                version()
            ),
            details: BTreeMap::from([
                ("precision".to_owned(), mean(|overlap| overlap.precision)),
                ("recall".to_owned(), mean(|overlap| overlap.recall)),
            ]),
            warnings: self.warnings(references),
        }
    }

    /// The first reference with the highest F1.
    fn best(self, prediction: &str, references: &[String]) -> Overlap {
        let mut best = None;
        for reference in references {
            let overlap = self.overlap(prediction, reference);
            if best.is_none_or(|best: Overlap| overlap.f1 > best.f1) {
                best = Some(overlap);
            }
        }
        best.unwrap_or_default()
    }

    fn sentences(self, text: &str) -> Vec<Vec<String>> {
        text.split('\n').filter(|line| !line.is_empty()).map(|line| self.words.of(line)).collect()
    }

    /// Whether the score says little, since references are in a script that the tokenizer does not know.
    fn warnings(self, references: &[Vec<String>]) -> Vec<String> {
        let dropped = |list: &&Vec<String>| list.iter().any(|reference| self.words.drops(reference));
        match references.iter().filter(dropped).count() {
            0 => Vec::new(),
            rows => vec![format!(
                "the references of {rows} of {} rows are mostly letters that the tokenizer `{}` of {} drops; the \
                 tokenizer `{}` keeps them",
                references.len(),
                self.words.name(),
                self.name(),
                Words::Unicode.name()
            )],
        }
    }

    /// One prediction against one reference.
    pub fn overlap(self, prediction: &str, reference: &str) -> Overlap {
        match self.variant {
            Variant::One => ngram_overlap(&self.words.of(prediction), &self.words.of(reference), 1),
            Variant::Two => ngram_overlap(&self.words.of(prediction), &self.words.of(reference), 2),
            Variant::L => {
                let (prediction, reference) = (self.words.of(prediction), self.words.of(reference));
                let common = common_indices(&reference, &prediction).len();
                overlap(common, prediction.len(), reference.len())
            }
            Variant::Lsum => sentence_overlap(&self.sentences(prediction), &self.sentences(reference)),
        }
    }
}

fn ngram_overlap(prediction: &[String], reference: &[String], n: usize) -> Overlap {
    let (predicted, referred) = (ngrams(prediction, n), ngrams(reference, n));
    let common =
        referred.iter().map(|(gram, count)| (*count).min(predicted.get(gram).copied().unwrap_or(0))).sum();
    overlap(common, predicted.values().sum(), referred.values().sum())
}

fn overlap(common: usize, predicted: usize, referred: usize) -> Overlap {
    let precision = common as f64 / predicted.max(1) as f64;
    let recall = common as f64 / referred.max(1) as f64;
    let f1 = if common == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    Overlap { precision, recall, f1 }
}

/// Summary-level ROUGE-L: each reference sentence is credited with the union of its common subsequences with
/// every predicted sentence, and no word is credited more often than it occurs on either side.
fn sentence_overlap(prediction: &[Vec<String>], reference: &[Vec<String>]) -> Overlap {
    let mut predicted_left = count(prediction);
    let mut referred_left = count(reference);
    let mut hits = 0;
    for sentence in reference {
        let union: BTreeSet<usize> =
            prediction.iter().flat_map(|candidate| common_indices(sentence, candidate)).collect();
        for word in union.into_iter().map(|index| sentence[index].as_str()) {
            let (Some(predicted), Some(referred)) =
                (predicted_left.get_mut(word), referred_left.get_mut(word))
            else {
                continue;
            };
            if *predicted > 0 && *referred > 0 {
                *predicted -= 1;
                *referred -= 1;
                hits += 1;
            }
        }
    }
    let length = |sentences: &[Vec<String>]| sentences.iter().map(Vec::len).sum();
    overlap(hits, length(prediction), length(reference))
}

fn count(sentences: &[Vec<String>]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in sentences.iter().flatten() {
        *counts.entry(word.as_str()).or_insert(0) += 1;
    }
    counts
}

/// Indices into `reference` of one longest common subsequence. Which one matters for the union above: walking
/// back from the ends, a step in the candidate is taken only where it keeps strictly more than a step in the
/// reference, as the reference implementation does.
fn common_indices(reference: &[String], candidate: &[String]) -> Vec<usize> {
    let width = candidate.len() + 1;
    let mut lengths = vec![0usize; (reference.len() + 1) * width];
    for (i, word) in reference.iter().enumerate() {
        for (j, other) in candidate.iter().enumerate() {
            lengths[(i + 1) * width + j + 1] = if word == other {
                lengths[i * width + j] + 1
            } else {
                lengths[i * width + j + 1].max(lengths[(i + 1) * width + j])
            };
        }
    }
    let (mut i, mut j) = (reference.len(), candidate.len());
    let mut indices = Vec::new();
    while i > 0 && j > 0 {
        if reference[i - 1] == candidate[j - 1] {
            indices.push(i - 1);
            i -= 1;
            j -= 1;
        } else if lengths[i * width + j - 1] > lengths[(i - 1) * width + j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    indices
}
