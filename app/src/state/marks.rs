//! Marks on an answer: right or wrong, in the target task's format by mistake, and which words differ.

use promot_core::metrics::{Metric, exact};
use promot_core::postprocess;
use similar::algorithms::{Capture, Replace, myers};
use similar::{DiffOp, DiffableStr};

use super::{Answer, Question};
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
        Metric::Contains(normalization) => {
            exact::contains(normalization, &predictions, &references).score > 0.0
        }
        Metric::Bleu | Metric::Chrf | Metric::Rouge2 | Metric::Rouge2Unicode => {
            if references[0].contains(&answer) {
                return Some(Verdict::Right);
            }
            let ratio = Words::of(first, &answer).in_common();
            return Some(if ratio > 0.0 { Verdict::Shared(f64::from(ratio)) } else { Verdict::Wrong });
        }
    };
    Some(if right { Verdict::Right } else { Verdict::Wrong })
}

/// Whether an answer has the format of the task that its model was tuned on where nothing asks for it. `pretrained`: what
/// the model answers that was not tuned.
///
/// The format that a question of the user's own asks for is not known: there it is no drift where the question names the
/// answer's first word ("True or False?"), or where the untuned model answers in that format, too.
pub fn drift(question: &Question, answer: &Answer, pretrained: Option<&Answer>) -> bool {
    if !question.known_references().is_empty() {
        return drifted(&question.task, &answer.target, &answer.text);
    }
    let word = postprocess::first_word(&answer.text).to_lowercase();
    let named = question.text.split(|c: char| !c.is_alphanumeric()).any(|part| part.to_lowercase() == word);
    let usual = pretrained.is_some_and(|pretrained| drifted("", &answer.target, &pretrained.text));
    !named && !usual && drifted("", &answer.target, &answer.text)
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
    let words = Words::of(other, answer);
    let mut pieces: Vec<Piece> = Vec::new();
    for op in &words.ops {
        let differs = !matches!(op, DiffOp::Equal { .. });
        let text = words.new[op.new_range()].concat();
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.differs == differs => last.text.push_str(&text),
            _ => pieces.push(Piece { text, differs }),
        }
    }
    pieces
}

/// Two texts in words and the spaces between them, and how to come from one to the other. The algorithm is called by
/// itself: the crate's front end would bring all of its six into the page, half a megabyte.
struct Words<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    ops: Vec<DiffOp>,
}

impl<'a> Words<'a> {
    fn of(old: &'a str, new: &'a str) -> Self {
        let (old, new) = (old.tokenize_words(), new.tokenize_words());
        let mut ops = Replace::new(Capture::new());
        let done = myers::diff_deadline_raw(&mut ops, &old[..], 0..old.len(), &new[..], 0..new.len(), None);
        let Ok(()) = done;
        Self { ops: ops.into_inner().into_ops(), old, new }
    }

    /// The share of words that both have, in [0, 1].
    fn in_common(&self) -> f32 {
        similar::diff_ratio(&self.ops, self.old.len(), self.new.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(target: &str, text: &str) -> Answer {
        Answer { text: text.into(), target: target.into(), complete: true, ..Answer::default() }
    }

    fn of(task: &str, text: &str) -> Question {
        let references = vec!["Anna".to_owned()];
        Question {
            task: task.into(),
            text: text.into(),
            rendered: text.into(),
            references,
            ..Question::default()
        }
    }

    fn own(text: &str) -> Question {
        Question { task: "triviaqa-mini".into(), text: text.into(), ..Question::default() }
    }

    #[test]
    fn drift_is_the_tuned_format_where_it_is_not_asked_for() {
        let rte = |text: &str| answer("rte-mini", text);
        assert!(drift(&of("triviaqa-mini", "Q: Who?"), &rte("True"), None));
        assert!(!drift(&of("triviaqa-mini", "Q: Who?"), &rte("Anna"), None));
        assert!(!drift(&of("cb-mini", "q"), &rte("True"), None), "True is an answer of this task too");
        assert!(!drift(&of("rte-mini", "q"), &rte("True"), None));
        assert!(drift(&own("Q: Where is the mill? A:"), &rte("False"), None));
        assert!(
            !drift(&of("triviaqa-mini", "Q: Who?"), &answer("", "True"), None),
            "the pretrained model has no format"
        );
    }

    #[test]
    fn each_answer_is_held_against_its_own_models_task() {
        let question = of("triviaqa-mini", "Q: Who?");
        assert!(drift(&question, &answer("rte-mini", "True"), None));
        assert!(!drift(&question, &answer("wmt_enfr-mini", "True"), None));
    }

    #[test]
    fn true_where_a_question_of_ones_own_asks_for_it_is_no_drift() {
        let sky = own("Is the sky blue? True or False?");
        assert!(!drift(&sky, &answer("rte-mini", "True"), None));
        let plain = own("Is the sky blue?");
        assert!(
            !drift(&plain, &answer("rte-mini", "True"), Some(&answer("", "True True."))),
            "the untuned model, too"
        );
        assert!(drift(&plain, &answer("rte-mini", "True"), Some(&answer("", "blue"))));
    }
}
