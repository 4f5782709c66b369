use super::*;
use crate::decode::LengthPenalty;
use crate::decode::Suppressed;

const EOS: u32 = 1;

/// A Markov chain over four tokens: what follows depends on the last token alone.
struct Chain {
    /// Probabilities of the next token, by last token.
    table: [[f32; 4]; 4],
}

impl NextToken for Chain {
    async fn step(&mut self, tokens: &[u32]) -> crate::Result<Vec<f32>> {
        Ok(tokens.iter().flat_map(|token| self.table[*token as usize].map(f32::ln)).collect())
    }
    fn reorder_cache(&mut self, _parents: &[usize]) {}
    fn retain_inputs(&mut self, _inputs: &[usize]) {}
    fn vocab_size(&self) -> usize {
        4
    }
}

/// From the start (0) token 2 looks best, but what follows it is spread out; token 3 ends at once.
fn chain() -> Chain {
    Chain {
        table: [[0.0, 0.0, 0.6, 0.4], [0.0, 1.0, 0.0, 0.0], [0.0, 0.4, 0.3, 0.3], [0.0, 0.9, 0.05, 0.05]],
    }
}

fn settings(beams: usize, alpha: f64) -> SearchSettings {
    SearchSettings {
        beams,
        max_new_tokens: 5,
        min_new_tokens: 0,
        length_penalty: LengthPenalty::HuggingFace,
        alpha,
        decoder_start_id: 0,
        eos: vec![EOS],
    }
}

fn best(beams: usize, alpha: f64) -> Hypothesis {
    pollster::block_on(search(&mut chain(), 1, &settings(beams, alpha))).unwrap().remove(0)
}

#[test]
fn greedy_takes_the_best_token_and_beams_the_best_sentence() {
    assert_eq!(best(1, 0.0).tokens, [2, EOS]); // 0.6 * 0.4 = 0.24
    assert_eq!(best(2, 0.0).tokens, [3, EOS]); // 0.4 * 0.9 = 0.36
    assert!((best(2, 0.0).score - 0.36f64.ln()).abs() < 1e-6);
}

#[test]
fn scores_are_divided_by_the_length_with_its_end() {
    assert!((best(2, 1.0).score - 0.36f64.ln() / 2.0).abs() < 1e-6);
    let t5x = SearchSettings { length_penalty: LengthPenalty::T5x, alpha: 0.6, ..settings(2, 0.6) };
    assert!((t5x.normaliser(7) - 2f64.powf(0.6)).abs() < 1e-12);
}

#[test]
fn the_longest_length_ends_every_hypothesis() {
    let mut endless = Chain { table: [[0.0, 0.0, 0.5, 0.5]; 4] };
    let found = pollster::block_on(search(&mut endless, 2, &settings(2, 1.0))).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].tokens.len(), 5);
    assert_eq!(found[0], found[1]);
}

#[test]
fn no_output_ends_before_its_least_length() {
    let mut ends =
        Chain { table: [[0.0, 0.7, 0.2, 0.1], [0.0; 4], [0.0, 0.9, 0.0, 0.1], [0.0, 1.0, 0.0, 0.0]] };
    let mut found = |beams, min_new_tokens| {
        let settings = SearchSettings { min_new_tokens, ..settings(beams, 0.0) };
        pollster::block_on(search(&mut ends, 1, &settings)).unwrap().remove(0)
    };
    for beams in [1, 2] {
        assert_eq!(found(beams, 0).tokens, [EOS]);
        // What is barred keeps its share: 0.2 * 0.9, not 0.2 / 0.3 * 0.9.
        let one = found(beams, 1);
        assert_eq!(one.tokens, [2, EOS]);
        assert!((one.score - 0.18f64.ln()).abs() < 1e-6);
        assert_eq!(found(beams, 2).tokens, [2, 3, EOS]);
    }
    let settings = SearchSettings { min_new_tokens: 1, ..settings(4, 0.6) };
    assert_eq!(settings.signature(), "beam4:hf0.6:min1");
}

#[test]
fn more_beams_than_continuations_still_end() {
    let mut narrow = Chain { table: [[0.0, 0.0, 1.0, 0.0], [0.0; 4], [0.0, 1.0, 0.0, 0.0], [0.0; 4]] };
    let found = pollster::block_on(search(&mut narrow, 1, &settings(4, 0.0))).unwrap();
    assert_eq!(found[0].tokens, [2, EOS]);
}

/// The same token again and again, in a vocabulary longer than what is passed over at once.
struct Large {
    logits: Vec<f32>,
}

impl NextToken for Large {
    async fn step(&mut self, tokens: &[u32]) -> crate::Result<Vec<f32>> {
        Ok(tokens.iter().flat_map(|_| self.logits.clone()).collect())
    }
    fn reorder_cache(&mut self, _parents: &[usize]) {}
    fn retain_inputs(&mut self, _inputs: &[usize]) {}
    fn vocab_size(&self) -> usize {
        self.logits.len()
    }
}

#[test]
fn the_best_of_a_large_vocabulary_is_found_wherever_it_stands() {
    for place in [2, 255, 256, 700, 1002] {
        let mut logits: Vec<f32> = (0..1003).map(|token| -1.0 - (token * 37 % 101) as f32 / 100.0).collect();
        logits[place] = 0.5;
        logits[EOS as usize] = f32::NEG_INFINITY;
        let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let found = pollster::block_on(search(&mut Large { logits }, 1, &settings(4, 1.0))).unwrap();
        assert_eq!(found[0].tokens, [place as u32; 5]);
        assert!((found[0].score - (0.5 - sum.ln())).abs() < 1e-6, "{}", found[0].score);
    }
}

#[test]
fn a_suppressed_token_never_follows() {
    let best = |tokens: &[u32]| {
        let mut without = Suppressed { inner: chain(), tokens };
        pollster::block_on(search(&mut without, 1, &settings(2, 0.0))).unwrap().remove(0)
    };
    assert_eq!(best(&[]).tokens, [3, EOS]);
    // Without token 3, token 2 has all of the first step's probability and 4/7 of what ends the second.
    let found = best(&[3]);
    assert_eq!(found.tokens, [2, EOS]);
    assert!((found.score - (4f64 / 7.0).ln()).abs() < 1e-6, "{}", found.score);
}
