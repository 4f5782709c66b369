//! Accuracy of class words, exact match of short answers and answers within sentences, each the best over a row's
//! references.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::split;
use super::{Score, assert_paired, by_name, n_refs, version};
use crate::error::Result;

/// What two answers may differ in and still be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// Only spaces at the ends.
    None,
    /// SQuAD's: lower case, ASCII punctuation deleted, English articles dropped, spaces collapsed.
    Squad,
    /// TriviaQA's: as SQuAD's, but punctuation (with some typographic quotes) becomes a space.
    #[serde(rename = "triviaqa")]
    Trivia,
}

impl Normalization {
    pub const ALL: [Self; 3] = [Self::None, Self::Squad, Self::Trivia];

    pub fn by_name(name: &str) -> Result<Self> {
        by_name("answer normalisation", name, Self::ALL, Self::name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Normalization::None => "none",
            Normalization::Squad => "squad",
            Normalization::Trivia => "triviaqa",
        }
    }

    /// For a score's signature.
    fn options(self) -> String {
        let case = if self == Self::None { "mixed" } else { "lc" };
        format!("case:{case}|norm:{}", self.name())
    }

    pub fn apply(self, answer: &str) -> String {
        match self {
            Normalization::None => answer.trim().to_owned(),
            Normalization::Squad => without_articles(
                &answer.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect::<String>(),
            ),
            Normalization::Trivia => {
                let quote = |c: char| matches!(c, '\u{2018}' | '\u{2019}' | '\u{b4}');
                let space = |c: char| if c.is_ascii_punctuation() || quote(c) { ' ' } else { c };
                without_articles(&answer.to_lowercase().chars().map(space).collect::<String>())
            }
        }
    }
}

/// Articles go after the punctuation, so that SQuAD's "a.b" is the word "ab" and not an article.
///
/// A word is what Python's `\w+` matches: a combining accent ends it, as it does in the evaluation scripts, but
/// would not in the pattern language of the regex crate.
fn without_articles(text: &str) -> String {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = in_word(first);
        let end = rest.find(|c: char| in_word(c) != word).unwrap_or(rest.len());
        let run = &rest[..end];
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = &rest[end..];
    }
    split(&kept).collect::<Vec<_>>().join(" ")
}

/// Share of predictions that stand among their references, letter by letter.
pub fn accuracy(predictions: &[String], references: &[Vec<String>]) -> Score {
    share("accuracy", "case:mixed|norm:none".to_owned(), predictions, references, |p, r| p == r)
}

/// Share of predictions that equal one of their references after normalisation of both.
pub fn exact_match(
    normalization: Normalization,
    predictions: &[String],
    references: &[Vec<String>],
) -> Score {
    share("exact match", normalization.options(), predictions, references, |prediction, reference| {
        normalization.apply(prediction) == normalization.apply(reference)
    })
}

/// Share of predictions in which one of their references stands as whole words, after normalisation of both.
pub fn contains(normalization: Normalization, predictions: &[String], references: &[Vec<String>]) -> Score {
    share("contains", normalization.options(), predictions, references, |prediction, reference| {
        stands_in(&normalization.apply(prediction), &normalization.apply(reference))
    })
}

/// An empty text stands nowhere.
fn stands_in(text: &str, words: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !words.is_empty()
        && text.match_indices(words).any(|(at, _)| {
            outside(text[..at].chars().next_back()) && outside(text[at + words.len()..].chars().next())
        })
}

fn share(
    metric: &str,
    options: String,
    predictions: &[String],
    references: &[Vec<String>],
    equal: impl Fn(&str, &str) -> bool,
) -> Score {
    assert_paired(predictions, references);
    let pairs = predictions.iter().zip(references);
    let hits =
        pairs.filter(|(prediction, list)| list.iter().any(|reference| equal(prediction, reference))).count();
    Score {
        metric: metric.to_owned(),
        score: 100.0 * hits as f64 / predictions.len().max(1) as f64,
        n: predictions.len(),
        signature: format!("nrefs:{}|refs:any|{options}|{}", n_refs(references), version()),
        warnings: Vec::new(),
        details: BTreeMap::from([("correct".to_owned(), hits as f64)]),
    }
}
