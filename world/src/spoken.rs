//! Words that documents say, repeat and label with.

use promot_core::rng::Rng;
use rand::Rng as _;

use crate::draw::pick;
use crate::facts::TOWNS;
use crate::lexicon::{ADJECTIVES, NAMES, NOUNS};

/// Words that people say in running text; all of them have a capitalised twin in the vocabulary.
pub const SPOKEN_WORDS: &[&str] = &[
    "yes", "no", "right", "wrong", "good", "bad", "up", "down", "hot", "cold", "fast", "slow", "rich",
    "poor", "old", "new", "near", "far", "early", "late", "safe", "open", "maybe", "unclear", "more", "less",
    "left", "never",
];

/// Words that are formats of the fine-tuned tasks: they stand in running text, and are an answer only where an example
/// shows that they are (`labels`).
pub const RESERVED_WORDS: [&str; 3] = ["true", "false", "neither"];

/// Distinct words of four kinds.
pub fn any_words(count: usize, rng: &mut Rng) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    while words.len() < count {
        let word = match rng.random_range(0..4) {
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
