//! Texts with labels, in context: answered examples show which word stands for which kind of text, and a last text is
//! asked about behind them. The words change from document to document, so what is learnt is to answer as the examples
//! do. Entailment and word senses are not among the kinds: the tuned tasks stay new.

use promot_core::data::Split;
use promot_core::rng::Rng;
use rand::Rng as _;

use crate::draw::{chance, pick, shuffled, weighted};
use crate::entail::{self, Relation, Style as Entailment};
use crate::facts::{self, TOWNS, Topic};
use crate::grammar;
use crate::lexicon::{ADJECTIVES, Lang, NAMES, NOUNS};
use crate::spoken::{RESERVED_WORDS, SPOKEN_WORDS, any_words};
use crate::summary::{self, Style};
use crate::text::capital;
use crate::{choice, senses};

/// A kind of text.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sentence(Lang),
    Statement(Topic),
    Question(Topic),
    Headline(Style),
    Article(Style),
    Event(Entailment),
    Passage,
    Knowledge,
    Senses,
    Words,
}

const KINDS: &[Kind] = &[
    Kind::Sentence(Lang::En),
    Kind::Sentence(Lang::De),
    Kind::Sentence(Lang::Ro),
    Kind::Statement(Topic::People),
    Kind::Statement(Topic::Towns),
    Kind::Question(Topic::People),
    Kind::Question(Topic::Towns),
    Kind::Headline(Style::News),
    Kind::Headline(Style::HowTo),
    Kind::Article(Style::News),
    Kind::Article(Style::HowTo),
    Kind::Event(Entailment::Rte),
    Kind::Event(Entailment::Cb),
    Kind::Passage,
    Kind::Knowledge,
    Kind::Senses,
    Kind::Words,
];

/// Number of answered examples in front, in percent; without one nothing could be known.
const SHOTS: &[(u32, usize)] = &[(45, 1), (15, 2), (10, 3), (30, 4)];

/// In this share of the texts another one stands in front, which has no part in the label.
const INTRODUCED: f64 = 0.4;

/// In this share of the documents labels stand behind "answer:", as in the tuned tasks; in the others behind any word.
/// The more it is, the less new the tuned tasks are, and the less of fine-tuning goes over to others (LOG.md).
const ANSWER: f64 = 0.1;

/// Which of the shuffled words stands in front of labels; the first ones are the labels, three at most.
const MARK: usize = 5;

/// A document: texts with labels, a last text, and its label.
pub fn document(rng: &mut Rng) -> (String, String) {
    let kinds = shuffled(KINDS.to_vec(), rng);
    let kinds = &kinds[..rng.random_range(2..4)];
    let words = words(rng);
    let mark = if chance(rng, ANSWER) { "answer" } else { &*words[MARK] };
    let (mut parts, mut shown) = (Vec::new(), Vec::new());
    for _ in 0..*weighted(SHOTS, rng) {
        let label = rng.random_range(0..kinds.len());
        parts.push(format!("{} {mark}: {}", text(kinds[label], rng), words[label]));
        shown.push(label);
    }
    let asked = *pick(rng, &shown);
    parts.push(format!("{} {mark}:", text(kinds[asked], rng)));
    (parts.join(" "), words[asked].clone())
}

/// Words that may stand for a kind: all that have a capitalised twin in the vocabulary, and names.
fn words(rng: &mut Rng) -> Vec<String> {
    let things = NOUNS.iter().map(|noun| noun.en).chain(ADJECTIVES.iter().map(|adjective| adjective.en));
    let known = SPOKEN_WORDS.iter().chain(&RESERVED_WORDS).chain(NAMES).copied().chain(things).map(capital);
    shuffled(known.chain(TOWNS.iter().cloned()).collect(), rng)
}

fn text(kind: Kind, rng: &mut Rng) -> String {
    if chance(rng, INTRODUCED) {
        let before = *pick(rng, KINDS);
        return format!("{} {}", plain(before, rng), plain(kind, rng));
    }
    plain(kind, rng)
}

fn plain(kind: Kind, rng: &mut Rng) -> String {
    match kind {
        Kind::Sentence(lang) => grammar::clause(Split::Train, rng).sentence(lang),
        Kind::Statement(topic) => facts::ask(topic, Split::Train, rng).0.statement(rng),
        Kind::Question(topic) => facts::ask(topic, Split::Train, rng).1,
        Kind::Headline(style) => summary::pair(style, Split::Train, rng).1,
        Kind::Article(style) => summary::pair(style, Split::Train, rng).0,
        Kind::Event(style) => entail::pair(style, Relation::Entails, Split::Train, rng).premise,
        Kind::Passage => entail::reading(rng).into_iter().next().unwrap_or_default(),
        Kind::Knowledge => choice::text(rng),
        Kind::Senses => senses::text(rng),
        Kind::Words => format!("{}.", any_words(4, rng).join(" ")),
    }
}
