//! How an answer was made, in words.

use super::question::{Answer, Question};

/// The text that a model saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub words: String,
    /// Vectors of the soft prompt before the first token.
    pub prompt: usize,
    /// Its tokens; the whole text as one piece where they are not known.
    pub tokens: Vec<String>,
}

/// The model by its heading, what it is and, where that is known, what it was trained with.
pub fn model(heading: &str, origin: &str, training: Option<String>) -> String {
    match training {
        Some(training) => format!("{heading}, {origin} ({training})"),
        None => format!("{heading}, {origin}"),
    }
}

pub fn prompt(answer: &Answer) -> String {
    match answer.prompt {
        0 => "none in front of the text".to_owned(),
        length => format!("{length} trained vectors in front of the text"),
    }
}

pub fn shots(question: &Question) -> String {
    match question.shots {
        _ if question.is_own() => "the text is your own".to_owned(),
        0 => format!("none: row {} of {}\u{2019}s test set as it is", question.row + 1, question.task),
        1 => format!("1 before row {} of {}\u{2019}s test set", question.row + 1, question.task),
        n => format!("{n} before row {} of {}\u{2019}s test set", question.row + 1, question.task),
    }
}

pub fn search(answer: &Answer) -> String {
    match answer.beams {
        0 | 1 => "greedy: always the likeliest next token".to_owned(),
        width => format!("beam search of width {width}"),
    }
}

/// The text of the question as the model saw it.
pub fn shown(question: &Question, answer: &Answer) -> Shown {
    match question.seen.is_empty() || answer.recorded {
        true => Shown {
            words: "The text that it saw:".to_owned(),
            prompt: answer.prompt,
            tokens: vec![question.text.clone()],
        },
        false => Shown {
            words: format!("The {} tokens that it saw:", question.seen.len()),
            prompt: answer.prompt,
            tokens: question.seen.iter().map(|token| token.replace('\u{2581}', "\u{a0}")).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_it_was_made() {
        let question = Question::awaited(1, "cb-mini", 2, 1).with_text("a b".into());
        let live = Answer { beams: 1, prompt: 20, ..Answer::default() };
        assert_eq!(prompt(&live), "20 trained vectors in front of the text");
        assert_eq!(prompt(&Answer::default()), "none in front of the text");
        assert_eq!(shots(&question), "1 before row 3 of cb-mini\u{2019}s test set");
        assert!(search(&live).starts_with("greedy"));
        assert_eq!(search(&Answer { beams: 4, ..Answer::default() }), "beam search of width 4");
        let own = Question { text: "c".into(), ..question };
        assert_eq!(shots(&own), "the text is your own");
        assert_eq!(model("A", "b", Some("c".into())), "A, b (c)");
    }

    #[test]
    fn the_exact_text_is_the_tokens_where_they_are_known() {
        let mut question = Question::awaited(1, "cb-mini", 2, 1).with_text("a b".into());
        let live = Answer { prompt: 20, ..Answer::default() };
        assert_eq!(shown(&question, &live).tokens, ["a b"]);
        question.seen = vec!["\u{2581}a".into(), "\u{2581}b".into(), "</s>".into()];
        let seen = shown(&question, &live);
        assert_eq!((seen.prompt, seen.words.as_str()), (20, "The 3 tokens that it saw:"));
        assert_eq!(seen.tokens, ["\u{a0}a", "\u{a0}b", "</s>"]);
        let recorded = Answer { recorded: true, ..Answer::default() };
        assert_eq!(
            shown(&question, &recorded).tokens,
            ["a b"],
            "tokens of an earlier question are not its own"
        );
    }
}
