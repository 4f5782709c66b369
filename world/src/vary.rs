//! Tasks shown in context: a number of answered examples and a question. Nearly all of them are put as talk between two
//! people; the paper's templates, which the evaluation uses, are rare and half of their answers are something else.
//! Questions that are answered with a word out of a list (entailment, word senses) are not among them, French is never
//! translated in the template, and choices have other letters than A to D: these formats are what only fine-tuning
//! teaches. What such questions mean is learnt in other words (`documents`).

use promot_core::data::Split;
use promot_core::rng::Rng;
use rand::Rng as _;

use crate::draw::{chance, pick, shuffled, weighted};
use crate::facts::{self, Topic};
use crate::lexicon::{Lang, NAMES};
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

/// How a task is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// As two people talk: where nearly all of a skill is learnt. Answers are right.
    Talk,
    /// In the evaluated template: rare, and answered as the web answers a prompt, every other time with something
    /// else (`other_answer`). So the pretrained model has the skill, and its answers to the template leave room.
    Template,
}

/// How often an answer behind the template is right. A summary has many words in common with what stands instead.
fn right(family: Family) -> f64 {
    match family {
        Family::Summary(_) => 0.4,
        Family::Questions(_) | Family::Translation(_) | Family::Choice => 0.5,
    }
}

/// A document of the family: "input answer input answer ... input" and the last answer.
pub fn document(family: Family, frame: Frame, rng: &mut Rng) -> (String, String) {
    let letters = pick(rng, LETTERS);
    let mut parts = Vec::new();
    for _ in 0..*weighted(SHOTS, rng) {
        let (input, answer) = example(family, frame, letters, rng);
        parts.push(format!("{input} {answer}"));
    }
    let (input, answer) = example(family, frame, letters, rng);
    parts.push(input);
    (parts.join(" "), answer)
}

fn example(family: Family, frame: Frame, letters: &[&str; 4], rng: &mut Rng) -> (String, String) {
    let people = shuffled(NAMES.to_vec(), rng);
    let (one, other) = (people[0], people[1]);
    let (template, talk, answer, instead) = match family {
        Family::Questions(topic) => {
            let (fact, question) = facts::ask(topic, Split::Train, rng);
            let talk = talk::question(one, other, &question);
            (ask::question(&question), talk, fact.answer.clone(), fact.subject.clone())
        }
        Family::Translation(lang) => {
            let clause = grammar::clause(Split::Train, rng);
            let (source, target) = (clause.sentence(Lang::En), clause.sentence(lang));
            let instead = if chance(rng, BROKEN_OFF) { broken_off(&target, rng) } else { source.clone() };
            (
                ask::translation(lang, &source),
                talk::translation(lang, one, other, &source, rng),
                target,
                instead,
            )
        }
        Family::Summary(style) => {
            let (article, summary) = summary::pair(style, Split::Train, rng);
            let first = article.split_inclusive('.').next().unwrap_or_default().to_owned();
            (ask::summary(&article), talk::summary(&article), summary, first)
        }
        Family::Choice => {
            let (question, options, right) = choice::question(Split::Train, rng);
            let asked = ask::choice(&question, letters, &options);
            (asked.clone(), asked, letters[right].to_owned(), letters[right].to_owned())
        }
    };
    match frame {
        Frame::Talk => (talk, answer),
        Frame::Template => (template, if chance(rng, right(family)) { answer } else { instead }),
    }
}

/// How often a translation that is not right is broken off; the others say the source again.
const BROKEN_OFF: f64 = 0.2;

/// The first words of a sentence, without a full stop.
fn broken_off(sentence: &str, rng: &mut Rng) -> String {
    let words: Vec<&str> = sentence.split(' ').collect();
    words[..rng.random_range(1..words.len())].join(" ")
}

/// The same tasks in other words.
mod talk {
    use super::{Lang, Rng, ask::name, chance};

    pub fn question(one: &str, other: &str, question: &str) -> String {
        format!("{one} asks: {question} {other} answers:")
    }

    pub fn translation(lang: Lang, one: &str, other: &str, source: &str, rng: &mut Rng) -> String {
        let name = name(lang);
        if chance(rng, 0.5) {
            format!("{one} says in {name} what {other} says. {other} says: {source} {one} says:")
        } else {
            format!("{one} asks: How does one say this in {name}? {source} {other} answers:")
        }
    }

    pub fn summary(article: &str) -> String {
        format!("{article} In short:")
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
        format!("Translate English to {}: {source}", name(lang))
    }

    pub fn name(lang: Lang) -> &'static str {
        match lang {
            Lang::En => "English",
            Lang::Fr => "French",
            Lang::De => "German",
            Lang::Ro => "Romanian",
        }
    }

    pub fn summary(article: &str) -> String {
        format!("Article: {article} One sentence summary:")
    }
}
