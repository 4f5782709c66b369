//! Random choices.

use promot_core::rng::{Rng, permutation};
use rand::Rng as _;

pub fn shuffled<T>(items: Vec<T>, rng: &mut Rng) -> Vec<T> {
    let mut slots: Vec<Option<T>> = items.into_iter().map(Some).collect();
    permutation(slots.len(), rng).into_iter().filter_map(|index| slots[index].take()).collect()
}

pub fn pick<'a, T>(rng: &mut Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

/// One of the items, each as often as its weight says.
pub fn weighted<'a, T>(items: &'a [(u32, T)], rng: &mut Rng) -> &'a T {
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
pub fn pick_word(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.random_range(0..words.len())]
}

pub fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.random::<f64>() < probability
}
