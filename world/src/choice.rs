//! Common knowledge about things, asked with four choices, for openbookqa-mini.

use std::sync::LazyLock;

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{pick, shuffled};
use crate::lexicon::{NOUNS, kind_word};
use crate::split::{distinct, split_of};
use crate::text::{capital, with_article};

/// What is true of a thing; `{s}` is the thing, `{a}` the answer.
struct Property {
    statement: &'static str,
    question: &'static str,
    pairs: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
const PROPERTIES: &[Property] = &[
    Property { statement: "{s} is made of {a}.", question: "What is {s} made of?", pairs: &[
        ("a table", "wood"), ("a knife", "metal"), ("a shirt", "cotton"), ("a window", "glass"), ("a book", "paper"),
        ("a wall", "stone"), ("a boot", "leather"), ("a coat", "wool"), ("a bottle", "glass"), ("a chair", "wood"),
        ("a letter", "paper"), ("a hammer", "metal")] },
    Property { statement: "People use {s} to {a}.", question: "What do people use {s} for?", pairs: &[
        ("a knife", "cut"), ("a pen", "write"), ("a bed", "sleep"), ("a lamp", "see"), ("a phone", "talk"), ("a car", "travel"),
        ("a saw", "cut"), ("a train", "travel"), ("a sofa", "sleep"), ("a pencil", "write"), ("a stove", "cook"), ("a pan", "cook")] },
    Property { statement: "{s} lives in {a}.", question: "Where does {s} live?", pairs: &[
        ("a fish", "water"), ("a camel", "the desert"), ("a monkey", "the jungle"), ("a bee", "a hive"), ("a bird", "a nest"),
        ("a whale", "water"), ("a cow", "a stable"), ("a wolf", "the forest"), ("a horse", "a stable"), ("a bear", "the forest")] },
    Property { statement: "{s} gives us {a}.", question: "What does {s} give us?", pairs: &[
        ("a cow", "milk"), ("a hen", "eggs"), ("a sheep", "wool"), ("a bee", "honey"), ("a tree", "wood"), ("a goat", "milk"),
        ("a duck", "eggs"), ("a lamp", "light")] },
];

/// One fact with its question and the other answers that could be offered.
struct Fact {
    statement: String,
    question: String,
    answer: &'static str,
    others: Vec<&'static str>,
}

static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| {
    let mut facts = Vec::new();
    for property in PROPERTIES {
        for (thing, answer) in property.pairs {
            let fill = |form: &str| capital(&form.replace("{s}", thing).replace("{a}", answer));
            let mut others: Vec<&str> =
                property.pairs.iter().map(|pair| pair.1).filter(|other| other != answer).collect();
            others.sort_unstable();
            others.dedup();
            facts.push(Fact {
                statement: fill(property.statement),
                question: fill(property.question),
                answer,
                others,
            });
        }
    }
    facts.extend(NOUNS.iter().filter_map(class_fact));
    facts
});

/// "Which of these is an animal?" with things of other classes as wrong answers.
fn class_fact(noun: &'static super::lexicon::Noun) -> Option<Fact> {
    let class = with_article(kind_word(noun.kind)?);
    let others = NOUNS.iter().filter(|other| other.kind != noun.kind).map(|other| other.en).collect();
    Some(Fact {
        statement: capital(&format!("{} is {class}.", with_article(noun.en))),
        question: format!("Which of these is {class}?"),
        answer: noun.en,
        others,
    })
}

impl Fact {
    fn split(&self) -> Split {
        split_of(&format!("{} {}", self.question, self.answer))
    }

    /// Four options in random order and the index of the right one.
    fn options(&self, rng: &mut Rng) -> ([&'static str; 4], usize) {
        let wrong = shuffled(self.others.clone(), rng);
        let mut options = [self.answer, wrong[0], wrong[1], wrong[2]];
        let right = rng.random_range(0..4);
        options.swap(0, right);
        (options, right)
    }
}

/// A question of the split with four options and the index of the right one.
pub fn question(split: Split, rng: &mut Rng) -> (String, [&'static str; 4], usize) {
    loop {
        let fact = pick(rng, &FACTS[..]);
        if fact.split() == split {
            let (options, right) = fact.options(rng);
            return (fact.question.clone(), options, right);
        }
    }
}

/// Statements of common knowledge: what the questions of every split are about, in another form.
pub fn text(rng: &mut Rng) -> String {
    let count = rng.random_range(2..5);
    (0..count).map(|_| pick(rng, &FACTS[..]).statement.clone()).collect::<Vec<_>>().join(" ")
}

pub fn rows(split: Split, rng: &mut Rng) -> Vec<Example> {
    distinct(split, rng, |_, rng| {
        let (question, [a, b, c, d], right) = question(split, rng);
        let fields = [("question", question.as_str()), ("A", a), ("B", b), ("C", c), ("D", d)];
        let fields = fields.into_iter().chain([("answer", ["A", "B", "C", "D"][right])]);
        Example::new(fields.map(|(name, text)| (name, Value::from(text))))
    })
}
