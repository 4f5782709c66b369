//! To which split of the data a drawn text belongs, and the rows of one split.

use std::collections::HashSet;

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;

use crate::draw::shuffled;

/// The seed of everything in the world; another seed would be another world, and another bundled model.
pub const SEED: u64 = 41;

/// Rows a split where the world has enough: as many as a few hundred training steps and a steady score need.
pub fn wanted(split: Split) -> usize {
    match split {
        Split::Train => 4000,
        Split::Validation => 200,
        Split::Test => 400,
    }
}

/// The split that a text belongs to by its hash (FNV-1a, mixed): 70 % training, 10 % validation, 20 % test.
pub fn split_of(key: &str) -> Split {
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
pub fn within<T>(split: Split, rng: &mut Rng, mut draw: impl FnMut(&mut Rng) -> (T, Vec<String>)) -> T {
    loop {
        let (value, keys) = draw(rng);
        if keys.iter().all(|key| split_of(key) == split) {
            return value;
        }
    }
}

/// Distinct rows from a generator that is asked for row 0, 1, 2, ... (so that it can balance its labels), shuffled.
pub fn distinct(
    split: Split,
    rng: &mut Rng,
    mut draw: impl FnMut(usize, &mut Rng) -> Example,
) -> Vec<Example> {
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
