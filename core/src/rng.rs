//! One seeded stream of random numbers per purpose, drawn on the host, so that a spec gives the same run
//! on every device: `Streams::new(seed).stream("dropout")`.

use rand::{Rng as _, RngCore, SeedableRng, seq::index};
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

/// A standard normal number (Box and Muller, 1958).
pub fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A uniform permutation of `0..n` (Fisher-Yates).
pub fn permutation(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// `count` distinct indices below `n`, in random order; fewer where `n` is smaller. Costs `n` draws and is kept as it
/// is: recorded few-shot scores depend on what it chooses. `sample` is for large `n`.
pub fn choose(n: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order = permutation(n, rng);
    order.truncate(count);
    order
}

/// As `choose`, in time and memory that depend on `count` alone.
pub fn sample(n: usize, count: usize, rng: &mut impl RngCore) -> Vec<usize> {
    index::sample(rng, n, count.min(n)).into_vec()
}

/// Counts what is drawn.
#[cfg(test)]
pub(crate) struct Counting {
    pub inner: Rng,
    pub draws: usize,
}

#[cfg(test)]
impl RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        self.draws += 1;
        self.inner.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.draws += 1;
        self.inner.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.draws += bytes.len().div_ceil(8);
        self.inner.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_distinct_uniform_and_takes_few_draws() {
        let mut rng = Counting { inner: Streams::new(0).stream("sample"), draws: 0 };
        let mut seen = [0; 5];
        for _ in 0..5000 {
            let found = sample(5, 2, &mut rng);
            assert!(found.len() == 2 && found[0] != found[1], "{found:?}");
            // The first of the two, so that an order that is not random shows, too.
            seen[found[0]] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        rng.draws = 0;
        assert_eq!(sample(40_000_000, 4, &mut rng).len(), 4);
        assert!(rng.draws < 40, "{} draws", rng.draws);
        let mut all = sample(3, 10, &mut rng);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    }

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
