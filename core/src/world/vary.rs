//! Tasks shown in context: a number of answered examples and a question, in the templates of the paper. Answers to
//! questions of kind (entailment, senses, choices) use words that change from document to document, never the
//! words True, False, Neither or the letters A to D: those are formats that only fine-tuning teaches, while the
//! ability to answer in the words that an example shows is what pretraining gives. Where no example shows what to
//! answer with, entailment and senses are answered by a sentence: what they mean is known, in another format.

use rand::Rng as _;

use super::entail::{self, Relation, Style as Entailment};
use super::facts::{self, TOWNS, Topic};
use super::lexicon::{ADJECTIVES, Lang, NAMES, NOUNS};
use super::summary::{self, Style};
use super::{capital, chance, choice, grammar, pick, senses, shuffled};
use crate::data::Split;
use crate::rng::Rng;

/// Words to answer with; all of them have a capitalised twin in the vocabulary.
pub(crate) const ANSWER_WORDS: &[&str] = &[
    "yes", "no", "right", "wrong", "good", "bad", "up", "down", "hot", "cold", "fast", "slow", "rich",
    "poor", "old", "new", "near", "far", "early", "late", "safe", "open", "maybe", "unclear", "more", "less",
    "left", "never",
];

/// Words that are formats of the fine-tuned tasks: they stand in running text, and are no answer.
pub(crate) const RESERVED_WORDS: [&str; 3] = ["true", "false", "neither"];

const LETTERS: &[[&str; 4]] = &[
    ["K", "L", "M", "N"],
    ["P", "Q", "R", "S"],
    ["W", "X", "Y", "Z"],
    ["E", "F", "G", "H"],
    ["1", "2", "3", "4"],
];

/// A kind of task that a document can show.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Family {
    Questions(Topic),
    Translation(Lang),
    Summary(Style),
    Entailment(Entailment),
    Senses,
    /// Whether a thing is of a class: an easy question, so that answering in the example's words is what is learnt.
    Kinds,
    Choice,
}

/// Answer words as the question lists them and as they are answered.
struct Words {
    listed: Vec<String>,
    answers: Vec<String>,
}

impl Words {
    /// `shots` is the number of examples that show what to answer with.
    fn draw(count: usize, family: Family, shots: usize, rng: &mut Rng) -> Self {
        let listed: Vec<String> = if chance(rng, 0.4) {
            shuffled(ANSWER_WORDS.to_vec(), rng).into_iter().take(count).map(str::to_owned).collect()
        } else {
            any_words(count, family, rng)
        };
        let answers = if shots == 0 {
            family.sentences().map(str::to_owned).to_vec()
        } else if chance(rng, 0.7) {
            listed.iter().map(|word| capital(word)).collect()
        } else {
            listed.clone()
        };
        Self { listed, answers }
    }
}

impl Family {
    /// Answers in the order of the labels: the first is the positive one.
    fn sentences(self) -> [&'static str; 3] {
        match self {
            Family::Senses => ["Alike they are.", "Unlike they are.", ""],
            Family::Entailment(Entailment::Rte) | Family::Kinds => ["Surely so.", "Hardly so.", ""],
            _ => ["Surely so.", "Impossible, surely.", "Hardly so."],
        }
    }
}

/// Every word that can be an answer where the words of answers change.
pub(super) fn answer_words() -> Vec<String> {
    let fixed = ANSWER_WORDS.iter().chain(&RESERVED_WORDS).chain(NAMES).copied();
    let known = NOUNS.iter().map(|noun| noun.en).chain(ADJECTIVES.iter().map(|adjective| adjective.en));
    fixed.chain(known).map(str::to_owned).chain(TOWNS.iter().cloned()).collect()
}

/// Distinct words of any kind; names alone for word senses, whose template has a capital in its second option.
pub(super) fn any_words(count: usize, family: Family, rng: &mut Rng) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    while words.len() < count {
        let kinds = if matches!(family, Family::Senses) { 2 } else { 4 };
        let word = match rng.random_range(0..kinds) {
            0 => (*pick(rng, NAMES)).to_owned(),
            1 => pick(rng, &TOWNS[..]).clone(),
            2 => pick(rng, NOUNS).en.to_owned(),
            _ => pick(rng, ADJECTIVES).en.to_owned(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// Number of answered examples in front, in percent: most often one, as in the evaluation. Long documents cost time
/// without showing more answers.
const SHOTS: &[(u32, usize)] = &[(36, 0), (40, 1), (9, 2), (6, 3), (9, 4)];

fn shots(rng: &mut Rng) -> usize {
    let mut left = rng.random_range(0..100);
    for (percent, count) in SHOTS {
        if left < *percent {
            return *count;
        }
        left -= percent;
    }
    unreachable!("the percentages sum up to 100")
}

/// A document of the family: "input answer input answer ... input" and the last answer.
pub(crate) fn document(family: Family, rng: &mut Rng) -> (String, String) {
    document_after(shots(rng), family, rng)
}

/// A document of the family with `count` answered examples.
pub(crate) fn document_after(count: usize, family: Family, rng: &mut Rng) -> (String, String) {
    let words = Words::draw(3, family, count, rng);
    let letters = pick(rng, LETTERS);
    let mut parts = Vec::new();
    for _ in 0..count {
        let (input, answer) = example(family, &words, letters, rng);
        parts.push(format!("{input} {answer}"));
    }
    let (input, answer) = example(family, &words, letters, rng);
    parts.push(input);
    (parts.join(" "), answer)
}

fn example(family: Family, words: &Words, letters: &[&str; 4], rng: &mut Rng) -> (String, String) {
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
        Family::Entailment(style) => entailment(style, words, rng),
        Family::Senses => {
            let same = chance(rng, 0.5);
            let [first, second, word] = senses::pair(same, Split::Train, rng);
            // The paper's template lists "true or False".
            let listed = [words.listed[0].clone(), capital(&words.listed[1])];
            (ask::sense(&first, &second, &word, &listed), words.answers[usize::from(!same)].clone())
        }
        Family::Kinds => {
            let (claim, holds) = entail::kind_claim(rng);
            (ask::claim(&claim, &words.listed[..2]), words.answers[usize::from(!holds)].clone())
        }
        Family::Choice => {
            let (question, options, right) = choice::question(Split::Train, rng);
            (ask::choice(&question, letters, &options), letters[right].to_owned())
        }
    }
}

fn entailment(style: Entailment, words: &Words, rng: &mut Rng) -> (String, String) {
    let two = style == Entailment::Rte;
    let index = rng.random_range(0..if two { 2 } else { 3 });
    let relation = match index {
        0 => Relation::Entails,
        1 if two => Relation::unfounded(rng),
        1 => Relation::Contradicts,
        _ => Relation::Open,
    };
    let pair = entail::pair(style, relation, Split::Train, rng);
    let listed = &words.listed[..if two { 2 } else { 3 }];
    let answer = &words.answers[index];
    let answer = match answer.strip_suffix('.') {
        Some(sentence) if relation != Relation::Entails => {
            format!("{sentence}, {}.", pair.difference)
        }
        _ => answer.clone(),
    };
    (ask::entailment(&pair.premise, &pair.hypothesis, listed), answer)
}

/// The paper's templates (Table 4) with answer words left open; a test holds them against the task list.
pub(super) mod ask {
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

    pub fn entailment(premise: &str, hypothesis: &str, listed: &[String]) -> String {
        format!("{premise} question: {hypothesis} Is it {}? answer:", listed.join(" or "))
    }

    pub fn claim(claim: &str, listed: &[String]) -> String {
        format!("question: {claim} Is it {}? answer:", listed.join(" or "))
    }

    pub fn sense(first: &str, second: &str, word: &str, listed: &[String]) -> String {
        let question = format!("The word {word} is used in the same way in the two sentences.");
        format!("{first} {second} question: {question} Is it {}? answer:", listed.join(" or "))
    }
}
