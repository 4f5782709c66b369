//! What is the case in the world: people and towns with a few attributes each. Pretraining text states every fact;
//! each way of asking for a fact belongs to one split, so that a closed-book question of the evaluation asks for
//! something that was read, and perhaps asked, but never in these words.

use std::sync::LazyLock;

use promot_core::data::{Example, Split};
use promot_core::rng::{Rng, Streams, permutation};
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{chance, pick, pick_word, shuffled};
use crate::lexicon::NAMES;
use crate::split::{SEED, split_of, wanted};
use crate::text::with_article;

/// People are what triviaqa-mini asks about, towns what web_questions-mini does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    People,
    Towns,
}

/// A kind of fact: `{s}` stands for who or what it is about, `{a}` for the answer.
#[derive(Debug)]
pub struct Kind {
    topic: Topic,
    statements: &'static [&'static str],
    /// What can follow "{s} " in a list of facts.
    fragment: &'static str,
    questions: &'static [&'static str],
}

#[derive(Debug)]
pub struct Fact {
    pub kind: &'static Kind,
    pub subject: String,
    pub answer: String,
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { topic: Topic::People, statements: &["{s} lives in {a}.", "The home of {s} is in {a}."], fragment: "lives in {a}",
        questions: &["Where does {s} live?", "In which town does {s} live?", "What is the home town of {s}?", "Which town is the home of {s}?"] },
    Kind { topic: Topic::People, statements: &["{s} works as a {a}.", "The job of {s} is {a}."], fragment: "works as a {a}",
        questions: &["What does {s} work as?", "What is the job of {s}?", "What does {s} do for a living?", "Which job does {s} have?"] },
    Kind { topic: Topic::People, statements: &["{s} likes to eat {a}.", "The favourite food of {s} is {a}."], fragment: "likes to eat {a}",
        questions: &["What does {s} like to eat?", "What is the favourite food of {s}?", "Which food does {s} love?", "What food does {s} like best?"] },
    Kind { topic: Topic::People, statements: &["{s} has a {a}.", "The pet of {s} is a {a}."], fragment: "has a {a}",
        questions: &["Which pet does {s} have?", "What is the pet of {s}?", "What kind of pet lives with {s}?", "What pet does {s} keep?"] },
    Kind { topic: Topic::People, statements: &["{s} enjoys {a}.", "The hobby of {s} is {a}."], fragment: "enjoys {a}",
        questions: &["What does {s} enjoy?", "What is the hobby of {s}?", "How does {s} spend the weekend?", "Which hobby does {s} have?"] },
    Kind { topic: Topic::People, statements: &["{s} was born in {a}.", "The birthday of {s} is in {a}."], fragment: "was born in {a}",
        questions: &["When was {s} born?", "In which month was {s} born?", "When is the birthday of {s}?", "What is the birth month of {s}?"] },
    Kind { topic: Topic::People, statements: &["{s} is a friend of {a}.", "The best friend of {s} is {a}."], fragment: "is a friend of {a}",
        questions: &["Who is the best friend of {s}?", "Whose friend is {s}?", "Which friend does {s} have?", "Who is a good friend of {s}?"] },
    Kind { topic: Topic::Towns, statements: &["{s} is a town in {a}.", "The town of {s} belongs to {a}."], fragment: "is a town in {a}",
        questions: &["In which country is {s}?", "Which country does {s} belong to?", "What country is {s} in?", "Where is the town of {s}?"] },
    Kind { topic: Topic::Towns, statements: &["{s} lies on the river {a}.", "The river {a} flows through {s}."], fragment: "lies on the river {a}",
        questions: &["Which river flows through {s}?", "On which river is {s}?", "What river is {s} on?", "What is the name of the river in {s}?"] },
    Kind { topic: Topic::Towns, statements: &["{s} is ruled by {a}.", "The mayor of {s} is {a}."], fragment: "is ruled by {a}",
        questions: &["Who is the mayor of {s}?", "Who rules {s}?", "What is the name of the mayor of {s}?", "Which mayor does {s} have?"] },
    Kind { topic: Topic::Towns, statements: &["{s} is known for its {a}.", "People come to {s} for the {a}."], fragment: "is known for its {a}",
        questions: &["What is {s} known for?", "What is {s} famous for?", "Why do people come to {s}?", "What does {s} make?"] },
    Kind { topic: Topic::Towns, statements: &["{s} has a festival in {a}.", "The festival of {s} is in {a}."], fragment: "has a festival in {a}",
        questions: &["When is the festival of {s}?", "In which month is the festival of {s}?", "When does {s} have a festival?", "What month is the festival in {s}?"] },
    Kind { topic: Topic::Towns, statements: &["{s} has a {a} on its flag.", "The flag of {s} shows a {a}."], fragment: "has a {a} on its flag",
        questions: &["Which animal is on the flag of {s}?", "What does the flag of {s} show?", "What is on the flag of {s}?", "Which flag does {s} have?"] },
];

const JOBS: &[&str] =
    &["baker", "doctor", "painter", "singer", "sailor", "judge", "cook", "nurse", "writer", "pilot"];
const FOODS: &[&str] = &["cheese", "rice", "fish", "eggs", "beans", "pasta", "honey", "nuts"];
const PETS: &[&str] = &["parrot", "rabbit", "turtle", "hamster", "snake", "pony", "goat", "duck"];
const HOBBIES: &[&str] = &["chess", "tennis", "music", "skiing", "cooking", "reading", "sailing", "football"];
pub const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const COUNTRIES: &[&str] = &["Arland", "Bostria", "Carmonia", "Drevia", "Elsinia", "Gelden"];
const RIVERS: &[&str] = &["Alba", "Brin", "Cusa", "Dorn", "Esk", "Fenna"];
const PRODUCTS: &[&str] = &["wine", "glass", "silk", "clocks", "salt", "paper", "beer", "candles"];
const EMBLEMS: &[&str] = &["lion", "eagle", "wolf", "bear", "swan", "fox", "bull", "owl"];

/// Twenty towns of our own.
pub static TOWNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let heads = ["Bel", "Cor", "Dun", "Fel", "Gar", "Hol", "Kal", "Nor", "Pel", "Ros"];
    heads.iter().flat_map(|head| ["mora", "burg"].map(|tail| format!("{head}{tail}"))).collect()
});

/// Every fact of the world.
pub static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| {
    let rng = &mut Streams::new(SEED).stream("facts");
    let towns: Vec<&str> = TOWNS.iter().map(String::as_str).collect();
    let people = [&towns, JOBS, FOODS, PETS, HOBBIES, MONTHS, NAMES];
    let places = [COUNTRIES, RIVERS, NAMES, PRODUCTS, MONTHS, EMBLEMS];
    let mut facts = Vec::new();
    for (kind, answers) in KINDS.iter().zip(people.into_iter().chain(places)) {
        let subjects = if kind.topic == Topic::People { NAMES } else { &towns[..] };
        facts.extend(assign(kind, subjects, answers, rng));
    }
    facts
});

/// Gives every subject an answer; answers are used equally often, so that guessing the commonest gains nothing.
fn assign(kind: &'static Kind, subjects: &[&str], answers: &[&str], rng: &mut Rng) -> Vec<Fact> {
    let order = permutation(subjects.len(), rng);
    let fact = |(position, index): (usize, usize)| {
        let subject = subjects[index];
        let answer = answers[position % answers.len()];
        // Nobody is a friend of oneself.
        let answer = if answer == subject { answers[(position + 1) % answers.len()] } else { answer };
        Fact { kind, subject: subject.to_owned(), answer: answer.to_owned() }
    };
    order.into_iter().enumerate().map(fact).collect()
}

impl Fact {
    fn fill(&self, form: &str) -> String {
        let form =
            form.replace("{s}", &self.subject).replace(" a {a}", &format!(" {}", with_article(&self.answer)));
        form.replace("{a}", &self.answer)
    }

    /// The answer and, where a statement puts "a" or "in" before it, the answer with that word.
    fn answers(&self) -> Vec<String> {
        let mut answers = vec![self.answer.clone()];
        if self.kind.fragment.contains(" a {a}") {
            answers.push(with_article(&self.answer));
        } else if self.kind.fragment.contains(" in {a}") {
            answers.push(format!("in {}", self.answer));
        }
        answers
    }

    pub fn statement(&self, rng: &mut Rng) -> String {
        self.fill(pick_word(rng, self.kind.statements))
    }

    /// The statement up to its last word, which is the answer, and that word with the full stop.
    pub fn cloze(&self) -> Option<(String, String)> {
        let whole = self.fill(self.kind.statements[1]);
        let (start, end) = whole.rsplit_once(' ')?;
        (end.trim_end_matches('.') == self.answer).then(|| (start.to_owned(), end.to_owned()))
    }

    /// The ways to ask for the fact that belong to `split`.
    fn questions(&self, split: Split) -> impl Iterator<Item = String> {
        let forms = self.kind.questions.iter().map(|form| self.fill(form));
        forms.filter(move |question| split_of(question) == split)
    }
}

/// A fact as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub topic: Topic,
    pub subject: String,
    pub statement: String,
    pub question: String,
    pub answer: String,
}

/// Every fact, in words; those of one subject with the same kinds in the same order.
pub fn known() -> impl Iterator<Item = Known> {
    FACTS.iter().map(|fact| Known {
        topic: fact.kind.topic,
        subject: fact.subject.clone(),
        statement: fact.fill(fact.kind.statements[0]),
        question: fact.fill(fact.kind.questions[0]),
        answer: fact.answer.clone(),
    })
}

/// A fact and a way to ask for it that belongs to `split`.
pub fn ask(topic: Topic, split: Split, rng: &mut Rng) -> (&'static Fact, String) {
    loop {
        let fact = pick(rng, &FACTS[..]);
        if fact.kind.topic != topic {
            continue;
        }
        let questions: Vec<String> = fact.questions(split).collect();
        if !questions.is_empty() {
            return (fact, pick(rng, &questions).clone());
        }
    }
}

/// A random subject with all its facts, in random order.
fn portrait(rng: &mut Rng) -> Vec<&'static Fact> {
    let subject = &pick(rng, &FACTS[..]).subject;
    let facts: Vec<&Fact> = FACTS.iter().filter(|fact| fact.subject == *subject).collect();
    shuffled(facts, rng)
}

/// Some sentences about one subject.
pub fn portrait_text(rng: &mut Rng) -> String {
    let facts = portrait(rng);
    let count = rng.random_range(3..=facts.len());
    facts[..count].iter().map(|fact| fact.statement(rng)).collect::<Vec<_>>().join(" ")
}

/// A request to tell about a subject, and two or three of its facts in one sentence.
pub fn portrait_pair(rng: &mut Rng) -> (String, String) {
    let facts = portrait(rng);
    let subject = &facts[0].subject;
    let request =
        if chance(rng, 0.5) { format!("Tell me about {subject}.") } else { format!("About {subject}:") };
    let count = rng.random_range(2..4).min(facts.len());
    let parts: Vec<String> = facts[..count].iter().map(|fact| fact.fill(fact.kind.fragment)).collect();
    (request, format!("{subject} {}.", parts.join(" and ")))
}

pub fn rows(topic: Topic, split: Split, rng: &mut Rng) -> Vec<Example> {
    let mut rows = Vec::new();
    for fact in FACTS.iter().filter(|fact| fact.kind.topic == topic) {
        for question in fact.questions(split) {
            rows.push(Example::new([
                ("question", Value::from(question)),
                ("answers", Value::from(fact.answers())),
                ("answer", Value::from(fact.answer.clone())),
            ]));
        }
    }
    let mut rows = shuffled(rows, rng);
    rows.truncate(wanted(split));
    rows
}
