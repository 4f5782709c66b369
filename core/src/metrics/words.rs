//! Splitting and counting words, shared by BLEU and ROUGE.

use std::collections::HashMap;
use std::hash::Hash;

/// Python's `str.isspace`, which counts the four ASCII separators where Unicode's White_Space does not:
/// the reference tools split with it.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The words between spaces, none of them empty.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// How often each run of `n` words occurs.
pub fn ngrams<T: Eq + Hash>(words: &[T], n: usize) -> HashMap<&[T], usize> {
    let mut counts = HashMap::new();
    for gram in words.windows(n) {
        *counts.entry(gram).or_insert(0) += 1;
    }
    counts
}
