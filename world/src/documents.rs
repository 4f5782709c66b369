//! Pretraining text: statements, stories, translations and lists of words to be span-corrupted, and documents that
//! show tasks in context. All of it uses the training split of the world only.

use promot_core::data::Split;
use promot_core::rng::Rng;
use rand::Rng as _;

use crate::draw::{pick, pick_word, shuffled, weighted};
use crate::entail::{self, Pair, Relation, Style as Entailment};
use crate::facts::{self, Topic};
use crate::grammar;
use crate::lexicon::{Lang, NAMES};
use crate::spoken::{RESERVED_WORDS, SPOKEN_WORDS, any_words};
use crate::summary::{self, Style};
use crate::text::capital;
use crate::vary::{self, Family, Frame, Frame::Talk, Frame::Template};
use crate::{choice, labels, senses};

/// One pretraining document.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// Running text, to be span-corrupted.
    Text(String),
    /// Input and target as they are.
    Pair { input: String, target: String },
}

/// What documents are about and how often, in parts of their sum.
#[rustfmt::skip]
const MIXTURE: &[(u32, Content)] = &[
    (30, Content::Portrait), (50, Content::Telling), (20, Content::Cloze), (10, Content::Knowledge), (10, Content::Senses),
    (15, Content::Clauses), (40, Content::Bilingual), (10, Content::News), (15, Content::Shouting), (25, Content::Repeating), (30, Content::Copying),
    (50, Content::Both), (10, Content::Events), (10, Content::Dialogue), (60, Content::Reading), (300, Content::Agreeing),
    (110, Content::Task(Family::Questions(Topic::People), Talk)), (75, Content::Task(Family::Questions(Topic::Towns), Talk)),
    (70, Content::Task(Family::Translation(Lang::Fr), Talk)), (70, Content::Task(Family::Translation(Lang::De), Talk)),
    (70, Content::Task(Family::Translation(Lang::Ro), Talk)),
    (80, Content::Task(Family::Summary(Style::News), Talk)), (60, Content::Task(Family::Summary(Style::HowTo), Talk)),
    (60, Content::Meaning), (20, Content::Task(Family::Choice, Talk)), (120, Content::Labels),
    (12, Content::Task(Family::Questions(Topic::People), Template)), (10, Content::Task(Family::Questions(Topic::Towns), Template)),
    (8, Content::Task(Family::Translation(Lang::De), Template)), (8, Content::Task(Family::Translation(Lang::Ro), Template)),
    (12, Content::Task(Family::Summary(Style::News), Template)), (10, Content::Task(Family::Summary(Style::HowTo), Template)),
];

#[derive(Clone, Copy, Debug)]
enum Content {
    /// Statements about one person or town.
    Portrait,
    /// "Tell me about Ada." and all facts in one sentence.
    Telling,
    /// A statement without its last word, and that word.
    Cloze,
    /// Common knowledge.
    Knowledge,
    /// Sentences that share a sense of a word.
    Senses,
    /// Sentences of the translation grammar in one language.
    Clauses,
    /// A sentence in English and in another language.
    Bilingual,
    /// A headline and its article.
    News,
    /// Words and their capitalised twins.
    Shouting,
    /// A sentence to be said again: what is read can be written.
    Copying,
    /// Who says which word, and a request to repeat one of them.
    Repeating,
    /// Sentences of the entailment grammar that say the same.
    Events,
    /// A question that may be asked, and an answer in a full sentence.
    Dialogue,
    /// A passage with a question that it answers.
    Reading,
    /// Two lists, and what stands in both or in the second only: finding again what was read.
    Both,
    /// Entailment told as a talk of two people: what it means is learnt here, in no question's words and in no format
    /// of a task.
    Agreeing,
    /// Word senses, told likewise.
    Meaning,
    /// Texts with labels, in context.
    Labels,
    Task(Family, Frame),
}

/// A fresh random document.
pub fn document(rng: &mut Rng) -> Document {
    weighted(MIXTURE, rng).write(rng)
}

impl Content {
    fn write(self, rng: &mut Rng) -> Document {
        let pair = |(input, target)| Document::Pair { input, target };
        match self {
            Content::Portrait => Document::Text(facts::portrait_text(rng)),
            Content::Telling => pair(facts::portrait_pair(rng)),
            Content::Cloze => pair(cloze(rng)),
            Content::Knowledge => Document::Text(choice::text(rng)),
            Content::Senses => Document::Text(senses::text(rng)),
            Content::Clauses => Document::Text(clauses(rng)),
            Content::Bilingual => Document::Text(bilingual(rng)),
            Content::News => Document::Text(news(rng)),
            Content::Shouting => Document::Text(shouting(rng)),
            Content::Copying => pair(copying(rng)),
            Content::Repeating => pair(repeating(rng)),
            Content::Events => Document::Text(events(rng)),
            Content::Dialogue => Document::Text(dialogue(rng)),
            Content::Reading => pair(reading(rng)),
            Content::Both => pair(both(rng)),
            Content::Agreeing => pair(agreeing(rng)),
            Content::Meaning => pair(meaning(rng)),
            Content::Labels => pair(labels::document(rng)),
            Content::Task(family, frame) => pair(vary::document(family, frame, rng)),
        }
    }
}

/// "Ada dog red. Paul Ada big. Which are in both?", "Ada."
fn both(rng: &mut Rng) -> (String, String) {
    let words = any_words(12, rng);
    let first = &words[..rng.random_range(3..7)];
    let mut second: Vec<String> = shuffled(first.to_vec(), rng)[..rng.random_range(1..3)].to_vec();
    second.extend(words[8..8 + rng.random_range(1..4)].iter().cloned());
    let second = shuffled(second, rng);
    let wanted = rng.random::<bool>();
    let found: Vec<&str> =
        second.iter().filter(|word| first.contains(word) == wanted).map(String::as_str).collect();
    let question = if wanted { "Which are in both?" } else { "Which are new?" };
    (format!("{}. {}. {question}", first.join(" "), second.join(" ")), format!("{}.", found.join(" ")))
}

/// "Ada tells Paul: Eva bought a dog. Paul repeats: Eva never bought a dog. What does Ada think?", "Ada objects, not
/// never.": premise and hypothesis, and in the answer where they differ.
fn agreeing(rng: &mut Rng) -> (String, String) {
    let style = *weighted(&[(6, Entailment::Rte), (3, Entailment::Cb), (1, Entailment::Snli)], rng);
    let relation = match (style, rng.random_range(0..6)) {
        (_, 0 | 1) | (Entailment::Rte, 2) => Relation::Entails,
        (Entailment::Rte, _) => Relation::unfounded(rng),
        (_, 2 | 3) => Relation::Contradicts,
        _ => Relation::Open,
    };
    let Pair { premise, hypothesis, difference } = entail::pair(style, relation, Split::Train, rng);
    let people = people(rng);
    let (one, other) = (people[0], people[1]);
    let thought = match relation {
        Relation::Entails => "agrees.".to_owned(),
        Relation::Contradicts => format!("objects, {difference}."),
        Relation::Open => format!("doubts it, {difference}."),
    };
    let talk = format!("{one} tells {other}: {premise} {other} repeats: {hypothesis}");
    (format!("{talk} What does {one} think?"), format!("{one} {thought}"))
}

/// "Ada says: ... Paul says: ... Do both mean one bank?", "Both mean one bank.".
fn meaning(rng: &mut Rng) -> (String, String) {
    let same = rng.random::<bool>();
    let [first, second, word] = senses::pair(same, Split::Train, rng);
    let people = people(rng);
    let talk = format!("{} says: {first} {} says: {second}", people[0], people[1]);
    let thought = if same { format!("Both mean one {word}.") } else { format!("Each means another {word}.") };
    (format!("{talk} Do both mean one {word}?"), thought)
}

/// Everybody, in random order.
fn people(rng: &mut Rng) -> Vec<&'static str> {
    shuffled(NAMES.to_vec(), rng)
}

fn cloze(rng: &mut Rng) -> (String, String) {
    loop {
        if let Some(parts) = pick(rng, &facts::FACTS[..]).cloze() {
            return parts;
        }
    }
}

const LANGUAGES: &[Lang] = &[Lang::En, Lang::Fr, Lang::De, Lang::Ro];

fn clauses(rng: &mut Rng) -> String {
    let lang = *pick(rng, LANGUAGES);
    (0..3).map(|_| grammar::clause(Split::Train, rng).sentence(lang)).collect::<Vec<_>>().join(" ")
}

fn bilingual(rng: &mut Rng) -> String {
    let clause = grammar::clause(Split::Train, rng);
    let other = *pick(rng, &LANGUAGES[1..]);
    let sentences = [clause.sentence(Lang::En), clause.sentence(other)];
    if rng.random::<bool>() { sentences.join(" ") } else { [&*sentences[1], &*sentences[0]].join(" ") }
}

fn news(rng: &mut Rng) -> String {
    let style = if rng.random::<bool>() { Style::News } else { Style::HowTo };
    let (article, summary) = summary::pair(style, Split::Train, rng);
    format!("News: {summary} {article}")
}

/// A word to be said: one in `share` is the format of a tuned task.
fn spoken(share: u32, rng: &mut Rng) -> &'static str {
    let words = if rng.random_range(0..share) == 0 { &RESERVED_WORDS[..] } else { SPOKEN_WORDS };
    pick_word(rng, words)
}

/// "Ada whispers good and Paul shouts Good.": ties a word to its capitalised form.
fn shouting(rng: &mut Rng) -> String {
    let line = |rng: &mut Rng| {
        let word = spoken(4, rng);
        format!("{} whispers {word} and {} shouts {}.", pick(rng, NAMES), pick(rng, NAMES), capital(word))
    };
    (0..3).map(|_| line(rng)).collect::<Vec<_>>().join(" ")
}

fn copying(rng: &mut Rng) -> (String, String) {
    let sentence = grammar::clause(Split::Train, rng).sentence(*pick(rng, LANGUAGES));
    (format!("Say again: {sentence}"), sentence)
}

/// "Ada says Good and Paul says true. What does Paul say?", "Paul says true.": any word can be copied, those too that
/// are never an answer by themselves.
fn repeating(rng: &mut Rng) -> (String, String) {
    let people = people(rng);
    let lines: Vec<String> = people[..rng.random_range(2..4)]
        .iter()
        .map(|name| {
            let word = spoken(3, rng);
            format!("{name} says {}", if rng.random::<bool>() { capital(word) } else { word.to_owned() })
        })
        .collect();
    let asked = rng.random_range(0..lines.len());
    (format!("{}. What does {} say?", lines.join(" and "), people[asked]), format!("{}.", lines[asked]))
}

fn events(rng: &mut Rng) -> String {
    let style = *pick(rng, &[Entailment::Rte, Entailment::Cb, Entailment::Snli]);
    let pair = entail::pair(style, Relation::Entails, Split::Train, rng);
    format!("{} That means: {}", pair.premise, pair.hypothesis)
}

fn reading(rng: &mut Rng) -> (String, String) {
    let [passage, question, answer] = entail::reading(rng);
    let people = people(rng);
    (format!("{passage} {} asks: {question} {} answers:", people[0], people[1]), answer)
}

fn dialogue(rng: &mut Rng) -> String {
    let topic = if rng.random::<bool>() { Topic::People } else { Topic::Towns };
    let (fact, question) = facts::ask(topic, Split::Train, rng);
    let statement = fact.statement(rng);
    format!("{} asks: {question} {} says: {statement}", pick(rng, NAMES), pick(rng, NAMES))
}
