//! Tasks shown in context: a number of answered examples and a question, in the templates of the paper. Questions
//! that are answered with a word out of a list (entailment, word senses) are not among them, and choices have other
//! letters than A to D: these formats, and the questions that go with them, are what only fine-tuning teaches. What
//! such questions mean is learnt in other words (`pretrain`).

use promot_core::data::Split;
use promot_core::rng::Rng;

use crate::draw::{pick, weighted};
use crate::facts::{self, Topic};
use crate::lexicon::Lang;
use crate::summary::{self, Style};
use crate::{choice, grammar};

const LETTERS: &[[&str; 4]] = &[
    ["K", "L", "M", "N"],
    ["P", "Q", "R", "S"],
    ["W", "X", "Y", "Z"],
    ["E", "F", "G", "H"],
    ["1", "2", "3", "4"],
];

/// A kind of task that a document can show.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    Questions(Topic),
    Translation(Lang),
    Summary(Style),
    Choice,
}

/// Number of answered examples in front, in percent: most often one or four, as in the evaluations.
const SHOTS: &[(u32, usize)] = &[(22, 0), (26, 1), (6, 2), (6, 3), (40, 4)];

/// A document of the family: "input answer input answer ... input" and the last answer.
pub fn document(family: Family, rng: &mut Rng) -> (String, String) {
    let letters = pick(rng, LETTERS);
    let mut parts = Vec::new();
    for _ in 0..*weighted(SHOTS, rng) {
        let (input, answer) = example(family, letters, rng);
        parts.push(format!("{input} {answer}"));
    }
    let (input, answer) = example(family, letters, rng);
    parts.push(input);
    (parts.join(" "), answer)
}

fn example(family: Family, letters: &[&str; 4], rng: &mut Rng) -> (String, String) {
    match family {
        Family::Questions(topic) => {
            let (fact, question) = facts::ask(topic, Split::Train, rng);
            (ask::question(&question), fact.answer.clone())
        }
        Family::Translation(lang) => {
            let clause = grammar::clause(Split::Train, rng);
            (ask::translation(lang, &clause.sentence(Lang::En)), clause.sentence(lang))
        }
        Family::Summary(style) => {
            let (article, summary) = summary::pair(style, Split::Train, rng);
            (ask::summary(&article), summary)
        }
        Family::Choice => {
            let (question, options, right) = choice::question(Split::Train, rng);
            (ask::choice(&question, letters, &options), letters[right].to_owned())
        }
    }
}

/// The paper's templates (Table 4); a test holds them against the task list.
pub mod ask {
    use super::Lang;

    pub fn question(question: &str) -> String {
        format!("Q: {question} A:")
    }

    pub fn choice(question: &str, letters: &[&str; 4], options: &[&str; 4]) -> String {
        let options: Vec<String> =
            letters.iter().zip(options).map(|(letter, option)| format!("{letter}) {option}")).collect();
        format!("Q: {question} {} A:", options.join(" "))
    }

    pub fn translation(lang: Lang, source: &str) -> String {
        let name = match lang {
            Lang::En => "English",
            Lang::Fr => "French",
            Lang::De => "German",
            Lang::Ro => "Romanian",
        };
        format!("Translate English to {name}: {source}")
    }

    pub fn summary(article: &str) -> String {
        format!("Article: {article} One sentence summary:")
    }
}
