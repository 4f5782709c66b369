//! One seeded stream of random numbers per purpose, drawn on the host, so that a spec gives the same run
//! on every device: `Streams::new(seed).stream("dropout")`.

use rand::{Rng as _, SeedableRng};
use sha2::{Digest, Sha256};

/// ChaCha with 8 rounds: the same numbers on every platform and in every version of the crate.
pub type Rng = rand_chacha::ChaCha8Rng;

/// The root of all streams of one run.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream called `name`: independent of every other name and of how much they were used.
    pub fn stream(&self, name: &str) -> Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(name.as_bytes());
        Rng::from_seed(hash.finalize().into())
    }
}

/// A uniform permutation of `0..n` (Fisher-Yates).
pub fn permutation(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// `count` distinct indices below `n`, in random order; fewer where `n` is smaller.
pub fn choose(n: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order = permutation(n, rng);
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_name_and_seed_and_repeat() {
        let draw = |seed, name: &str| Streams::new(seed).stream(name).random::<u64>();
        assert_eq!(draw(1, "init"), draw(1, "init"));
        assert_ne!(draw(1, "init"), draw(1, "dropout"));
        assert_ne!(draw(1, "init"), draw(2, "init"));
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = permutation(100, &mut Streams::new(0).stream("shuffle"));
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
