//! Marks on an answer: right or wrong, in the target task's format by mistake, and which words differ.

use promot_core::metrics::{Metric, exact};
use promot_core::postprocess;
use similar::{ChangeTag, TextDiff};

use crate::catalog::tasks;

/// How an answer compares with the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Right,
    Wrong,
    /// Free text: the share of words in common with the reference, in (0, 1]. BLEU and ROUGE are for whole test sets, not
    /// for one sentence.
    Shared(f64),
}

/// A piece of an answer, and whether it differs from the text that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub differs: bool,
}

/// The answer in an output: the text between sentinels, where there are any.
pub fn readable(output: &str) -> &str {
    let text = postprocess::between_sentinels(output);
    if text.is_empty() { output.trim() } else { text }
}

/// The verdict of the task's own metric; `None` where there is no reference.
pub fn verdict(task: &str, output: &str, references: &[String]) -> Option<Verdict> {
    let task = tasks().by_name(task).ok()?;
    let first = references.first()?;
    let answer = task.answer(output);
    let (predictions, references) = ([answer.clone()], [references.to_vec()]);
    let right = match task.metric {
        Metric::Accuracy => exact::accuracy(&predictions, &references).score > 0.0,
        Metric::ExactMatch(normalization) => {
            exact::exact_match(normalization, &predictions, &references).score > 0.0
        }
        Metric::Bleu | Metric::Rouge2 | Metric::Rouge2Unicode => {
            if references[0].contains(&answer) {
                return Some(Verdict::Right);
            }
            let ratio = TextDiff::from_words(first.as_str(), answer.as_str()).ratio();
            return Some(if ratio > 0.0 { Verdict::Shared(f64::from(ratio)) } else { Verdict::Wrong });
        }
    };
    Some(if right { Verdict::Right } else { Verdict::Wrong })
}

/// Whether an output has the target task's format, although the question is of a task without such answers.
pub fn drifted(asked: &str, target: &str, output: &str) -> bool {
    let Ok(target) = tasks().by_name(target) else { return false };
    let expected = tasks().by_name(asked).is_ok_and(|asked| {
        let word = postprocess::first_word(output);
        asked.name == target.name || asked.words().any(|choice| choice == word)
    });
    target.in_format(output) && !expected
}

/// The answer in pieces; those that `other` does not have at their position are marked.
pub fn pieces(other: &str, answer: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for change in TextDiff::from_words(other, answer).iter_all_changes() {
        let differs = match change.tag() {
            ChangeTag::Delete => continue,
            ChangeTag::Equal => false,
            ChangeTag::Insert => true,
        };
        match pieces.last_mut() {
            Some(last) if last.differs == differs => last.text.push_str(change.value()),
            _ => pieces.push(Piece { text: change.value().to_owned(), differs }),
        }
    }
    pieces
}
