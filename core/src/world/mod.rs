//! The mini world: a small closed world told by grammars of ours, as rows of twelve tasks and as pretraining text.
//! Everything is a function of fixed seeds. A sentence (or fact, or summary) belongs to one split by the hash of
//! its text, and pretraining uses the training split only, so that what is asked in an evaluation never stands in
//! pretraining or fine-tuning text in the form that is asked.

use std::collections::HashSet;

use rand::Rng as _;

use crate::data::{Example, Split};
use crate::error::{Error, Result};
use crate::rng::{Rng, Streams, permutation};

mod choice;
mod entail;
mod facts;
mod grammar;
mod labels;
mod lexicon;
pub mod pretrain;
mod senses;
mod summary;
pub mod tokenizer;
mod vary;

#[cfg(test)]
mod tests;

/// Names of the tasks that the world has rows for.
pub const TASK_NAMES: &[&str] = &[
    "rte-mini",
    "cb-mini",
    "wic-mini",
    "snli-mini",
    "openbookqa-mini",
    "triviaqa-mini",
    "web_questions-mini",
    "wmt_enfr-mini",
    "wmt_ende-mini",
    "wmt_enro-mini",
    "xsum-mini",
    "wikilingua-mini",
];

/// The seed of everything in the world; another seed would be another world, and another bundled model.
const SEED: u64 = 41;

/// The rows of `task`, in a fixed order, labels balanced; the first `limit` of them, or all where it is 0.
///
/// # Errors
/// An unknown task lists the nearest names.
pub fn rows(task: &str, split: Split, limit: usize) -> Result<Vec<Example>> {
    let rng = &mut Streams::new(SEED).stream(&format!("{task} {split:?}"));
    let mut rows = match task {
        "rte-mini" => entail::rows(entail::Style::Rte, split, rng),
        "cb-mini" => entail::rows(entail::Style::Cb, split, rng),
        "snli-mini" => entail::rows(entail::Style::Snli, split, rng),
        "wic-mini" => senses::rows(split, rng),
        "openbookqa-mini" => choice::rows(split, rng),
        "triviaqa-mini" => facts::rows(facts::Topic::People, split, rng),
        "web_questions-mini" => facts::rows(facts::Topic::Towns, split, rng),
        "wmt_enfr-mini" => grammar::rows(lexicon::Lang::Fr, split, rng),
        "wmt_ende-mini" => grammar::rows(lexicon::Lang::De, split, rng),
        "wmt_enro-mini" => grammar::rows(lexicon::Lang::Ro, split, rng),
        "xsum-mini" => summary::rows(summary::Style::News, split, rng),
        "wikilingua-mini" => summary::rows(summary::Style::HowTo, split, rng),
        _ => return Err(Error::unknown("task of the mini world", task, TASK_NAMES.iter().copied())),
    };
    if limit > 0 {
        rows.truncate(limit);
    }
    Ok(rows)
}

/// Rows a split where the world has enough: as many as a few hundred training steps and a steady score need.
fn wanted(split: Split) -> usize {
    match split {
        Split::Train => 4000,
        Split::Validation => 200,
        Split::Test => 400,
    }
}

/// The split that a text belongs to by its hash (FNV-1a, mixed): 70 % training, 10 % validation, 20 % test.
fn split_of(key: &str) -> Split {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    match (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 {
        high if high % 10 < 2 => Split::Test,
        high if high % 10 == 2 => Split::Validation,
        _ => Split::Train,
    }
}

/// Draws until a drawn value belongs to `split` by every one of its keys.
fn within<T>(split: Split, rng: &mut Rng, mut draw: impl FnMut(&mut Rng) -> (T, Vec<String>)) -> T {
    loop {
        let (value, keys) = draw(rng);
        if keys.iter().all(|key| split_of(key) == split) {
            return value;
        }
    }
}

/// Distinct rows from a generator that is asked for row 0, 1, 2, ... (so that it can balance its labels), shuffled.
fn distinct(split: Split, rng: &mut Rng, mut draw: impl FnMut(usize, &mut Rng) -> Example) -> Vec<Example> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    let mut failures = 0;
    while rows.len() < wanted(split) && failures < 2000 {
        let row = draw(rows.len(), rng);
        if seen.insert(serde_json::to_string(&row.0).unwrap_or_default()) {
            rows.push(row);
        } else {
            failures += 1;
        }
    }
    shuffled(rows, rng)
}

fn shuffled<T>(items: Vec<T>, rng: &mut Rng) -> Vec<T> {
    let mut slots: Vec<Option<T>> = items.into_iter().map(Some).collect();
    permutation(slots.len(), rng).into_iter().filter_map(|index| slots[index].take()).collect()
}

fn pick<'a, T>(rng: &mut Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

/// One of the items, each as often as its weight says.
fn weighted<'a, T>(items: &'a [(u32, T)], rng: &mut Rng) -> &'a T {
    let total: u32 = items.iter().map(|(weight, _)| weight).sum();
    let mut left = rng.random_range(0..total);
    for (weight, item) in items {
        if left < *weight {
            return item;
        }
        left -= weight;
    }
    unreachable!("the weights sum up to the total")
}

/// `pick` for words, which are handed out as they are.
fn pick_word(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.random_range(0..words.len())]
}

fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.random::<f64>() < probability
}

/// The text with its first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "a" or "an" before `word`.
fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
