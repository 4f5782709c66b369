//! Span corruption.

use promot_core::rng::{Rng, choose};

/// T5's span corruption (Raffel et al., 2020, section 3.1.4): 15 % of the ids, in spans of three on average, are
/// replaced by one sentinel a span; the target holds the sentinels with what they stand for and a last sentinel.
/// Both end with `eos`. `ids` come without it; `sentinel(n)` is the id of `<extra_id_n>`, n below 31.
///
/// # Panics
/// If `ids` is empty.
pub fn corrupt_spans(
    ids: &[u32],
    sentinel: impl Fn(usize) -> u32,
    eos: u32,
    rng: &mut Rng,
) -> (Vec<u32>, Vec<u32>) {
    assert!(!ids.is_empty(), "nothing to corrupt");
    let noise = ((ids.len() as f64 * 0.15).round() as usize).clamp(1, ids.len().max(2) - 1);
    let kept = ids.len() - noise;
    let spans = ((noise as f64 / 3.0).round() as usize).clamp(1, kept.clamp(1, 30));
    let noise_lengths = segments(noise, spans, rng);
    let kept_lengths = segments(kept, spans, rng);
    let (mut input, mut target, mut at) = (Vec::new(), Vec::new(), 0);
    for (index, (kept, noise)) in kept_lengths.into_iter().zip(noise_lengths).enumerate() {
        input.extend_from_slice(&ids[at..at + kept]);
        input.push(sentinel(index));
        target.push(sentinel(index));
        target.extend_from_slice(&ids[at + kept..at + kept + noise]);
        at += kept + noise;
    }
    target.push(sentinel(spans));
    input.push(eos);
    target.push(eos);
    (input, target)
}

/// Random lengths, each at least 1 where there is enough, that sum up to `total`.
fn segments(total: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut ends: Vec<usize> = choose(total.saturating_sub(1), count - 1, rng)
        .into_iter()
        .map(|cut| cut + 1)
        .chain([total])
        .collect();
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(|end| end - std::mem::replace(&mut start, end)).collect()
}
