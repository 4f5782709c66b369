use super::*;
use crate::spec::LengthPenalty;

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
    fn reorder(&mut self, _parents: &[usize]) {}
    fn keep_inputs(&mut self, _inputs: &[usize]) {}
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
    SearchSettings { beams, max_new: 5, penalty: LengthPenalty::HuggingFace, alpha, start: 0, eos: EOS }
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
    let t5x = SearchSettings { penalty: LengthPenalty::T5x, alpha: 0.6, ..settings(2, 0.6) };
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
fn more_beams_than_continuations_still_end() {
    let mut narrow = Chain { table: [[0.0, 0.0, 1.0, 0.0], [0.0; 4], [0.0, 1.0, 0.0, 0.0], [0.0; 4]] };
    let found = pollster::block_on(search(&mut narrow, 1, &settings(4, 0.0))).unwrap();
    assert_eq!(found[0].tokens, [2, EOS]);
}
