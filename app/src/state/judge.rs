//! Marks on an answer: right or wrong, drifted into the tuned task's format, and which words differ.

use promot_core::metrics::{Metric, exact};
use promot_core::postprocess;
use promot_core::task::Task;
use similar::{ChangeTag, TextDiff};

/// How an answer stands to the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Right,
    Wrong,
    /// Free text: the share of words that it has in common with the reference, in (0, 1]. One sentence is too
    /// little for BLEU or ROUGE, which are for whole test sets.
    Shared(f64),
}

/// A piece of an answer, and whether it differs from what it is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub differs: bool,
}

/// What a person wants to read of an output: the text between a span model's marks, where there are any.
pub fn readable(output: &str) -> &str {
    let text = postprocess::between_sentinels(output);
    if text.is_empty() { output.trim() } else { text }
}

/// The verdict as the task's own metric sees it; nothing where no reference is known.
pub fn verdict(task: &str, output: &str, references: &[String]) -> Option<Verdict> {
    let task = Task::by_name(task).ok()?;
    let first = references.first()?;
    let answer = task.answer(output);
    let (predictions, references) = ([answer.clone()], [references.to_vec()]);
    let right = match task.metric {
        Metric::Accuracy => exact::accuracy(&predictions, &references).score > 0.0,
        Metric::ExactMatch(normalization) => {
            exact::exact_match(normalization, &predictions, &references).score > 0.0
        }
        Metric::Bleu | Metric::Rouge2 => {
            if references[0].contains(&answer) {
                return Some(Verdict::Right);
            }
            let ratio = TextDiff::from_words(first.as_str(), answer.as_str()).ratio();
            return Some(if ratio > 0.0 { Verdict::Shared(f64::from(ratio)) } else { Verdict::Wrong });
        }
    };
    Some(if right { Verdict::Right } else { Verdict::Wrong })
}

/// Whether an output looks like an answer of the tuned task, where another task was asked that has no such answers.
pub fn drifted(asked: &str, target: &str, output: &str) -> bool {
    let Ok(target) = Task::by_name(target) else { return false };
    let expected = Task::by_name(asked).is_ok_and(|asked| {
        let word = postprocess::first_word(output);
        asked.name == target.name || asked.choices.iter().any(|(_, choice)| *choice == word)
    });
    target.in_format(output) && !expected
}

/// The answer in pieces, those marked that `other` does not have at their place.
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
