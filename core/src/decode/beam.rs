//! Beam search, with the stopping rule of Hugging Face's `generate` (early stopping off): an input is done when
//! its finished hypotheses are full and the best running one, at its present length, cannot beat the worst of
//! them. Hypotheses that reach the longest length count as finished. Greedy search is width 1.

use super::{NextToken, SearchSettings};
use crate::error::Result;

/// One output: tokens up to and including the end-of-sequence token, if it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    pub tokens: Vec<u32>,
    /// Summed log-probability in nats, divided by the length's normaliser.
    pub score: f64,
}

impl Hypothesis {
    /// Whether it ends with one of these end-of-sequence tokens; it was cut at the longest length otherwise.
    pub fn is_ended(&self, eos: &[u32]) -> bool {
        self.tokens.last().is_some_and(|last| eos.contains(last))
    }
}

/// The best hypothesis of each of `inputs` inputs.
pub async fn search<N: NextToken>(
    model: &mut N,
    inputs: usize,
    settings: &SearchSettings,
) -> Result<Vec<Hypothesis>> {
    let beams = settings.beams;
    let vocabulary = model.vocab_size();
    let mut states: Vec<Beam> = (0..inputs).map(|_| Beam::new(settings)).collect();
    let mut live: Vec<usize> = (0..inputs).collect();
    let mut done: Vec<Option<Hypothesis>> = vec![None; inputs];
    let mut tokens = vec![settings.decoder_start_id; inputs * beams];
    for length in 1..=settings.max_new_tokens {
        let logits = model.step(&tokens).await?;
        for (place, input) in live.iter().enumerate() {
            let rows = &logits[place * beams * vocabulary..(place + 1) * beams * vocabulary];
            states[*input].extend(rows, vocabulary, length, settings);
        }
        let (open, closed): (Vec<usize>, Vec<usize>) =
            (0..live.len()).partition(|place| !states[live[*place]].is_done(length, settings));
        for place in closed {
            done[live[place]] = states[live[place]].best();
        }
        if open.is_empty() {
            break;
        }
        let parents: Vec<usize> = live
            .iter()
            .enumerate()
            .flat_map(|(place, input)| states[*input].running.iter().map(move |r| place * beams + r.parent))
            .collect();
        model.reorder_cache(&parents);
        if open.len() < live.len() {
            model.retain_inputs(&open);
            live = open.iter().map(|place| live[*place]).collect();
        }
        tokens = live
            .iter()
            .flat_map(|input| {
                states[*input].running.iter().map(|running| running.last(settings.decoder_start_id))
            })
            .collect();
    }
    Ok(done.into_iter().map(|best| best.unwrap_or(Hypothesis { tokens: Vec::new(), score: 0.0 })).collect())
}

/// The search state of one input.
struct Beam {
    /// Always `beams` of them, best first.
    running: Vec<Running>,
    /// At most `beams`, best first.
    finished: Vec<Hypothesis>,
    open: bool,
}

#[derive(Clone)]
struct Running {
    tokens: Vec<u32>,
    log_prob: f64,
    /// The row, within the input's rows, that this one continues.
    parent: usize,
}

impl Running {
    fn last(&self, decoder_start_id: u32) -> u32 {
        self.tokens.last().copied().unwrap_or(decoder_start_id)
    }
}

/// Stands for a hypothesis that must not be chosen, finite so that sums stay ordered.
const IMPOSSIBLE: f64 = -1e9;

impl Beam {
    /// Only the first hypothesis counts at the start, or all would be the same.
    fn new(settings: &SearchSettings) -> Self {
        let running = (0..settings.beams)
            .map(|row| Running {
                tokens: Vec::new(),
                log_prob: if row == 0 { 0.0 } else { IMPOSSIBLE },
                parent: row,
            })
            .collect();
        Self { running, finished: Vec::new(), open: true }
    }

    /// Chooses so many continuations that `beams` remain even if all ends of each are among them: twice `beams` with one
    /// end-of-sequence token, as Hugging Face's `generate` does.
    fn extend(&mut self, logits: &[f32], vocabulary: usize, length: usize, settings: &SearchSettings) {
        let barred: &[u32] = if length <= settings.min_new_tokens { &settings.eos } else { &[] };
        let count = (1 + settings.eos.len()).max(2) * settings.beams;
        let candidates = best_continuations(&self.running, logits, vocabulary, count, barred);
        let last = length == settings.max_new_tokens;
        let mut running = Vec::with_capacity(settings.beams);
        for (rank, candidate) in candidates.into_iter().enumerate() {
            let mut tokens = self.running[candidate.row].tokens.clone();
            tokens.push(candidate.token);
            if settings.eos.contains(&candidate.token) || last {
                // Beyond the first `beams` a candidate is only there to keep the search going.
                if rank < settings.beams && self.open {
                    let score = candidate.log_prob / settings.normaliser(length);
                    self.finished.push(Hypothesis { tokens, score });
                }
            } else if running.len() < settings.beams {
                running.push(Running { tokens, log_prob: candidate.log_prob, parent: candidate.row });
            }
        }
        self.finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.finished.truncate(settings.beams);
        // A vocabulary smaller than the beam leaves gaps; dead hypotheses keep the row count.
        while running.len() < settings.beams && !last {
            running.push(Running {
                tokens: vec![settings.decoder_start_id],
                log_prob: IMPOSSIBLE,
                parent: 0,
            });
        }
        if !last {
            self.running = running;
        }
    }

    fn is_done(&mut self, length: usize, settings: &SearchSettings) -> bool {
        if length == settings.max_new_tokens {
            return true;
        }
        let full = self.finished.len() == settings.beams;
        let possible = self.running[0].log_prob / settings.normaliser(length);
        if full && self.finished.last().is_some_and(|worst| possible <= worst.score) {
            self.open = false;
        }
        !self.open
    }

    fn best(&self) -> Option<Hypothesis> {
        self.finished.first().cloned()
    }
}

struct Candidate {
    row: usize,
    token: u32,
    log_prob: f64,
}

/// The `count` best (row, token) pairs by summed log-probability, `barred` not among them; ties go to the lower row and
/// token.
fn best_continuations(
    running: &[Running],
    logits: &[f32],
    vocabulary: usize,
    count: usize,
    barred: &[u32],
) -> Vec<Candidate> {
    let mut best: Vec<Candidate> = Vec::with_capacity(count + 1);
    for (row, state) in running.iter().enumerate() {
        let logits = &logits[row * vocabulary..(row + 1) * vocabulary];
        let base = state.log_prob - log_sum_exp(logits);
        for (chunk, logits) in logits.chunks(CHUNK).enumerate() {
            let too_low = |logit: f32, best: &[Candidate]| {
                best.len() == count && best[count - 1].log_prob >= base + f64::from(logit)
            };
            // Nearly all of a large vocabulary is passed over here.
            if too_low(largest(logits), &best) {
                continue;
            }
            for (token, logit) in logits.iter().enumerate().filter(|(_, logit)| !logit.is_nan()) {
                let token = (chunk * CHUNK + token) as u32;
                if too_low(*logit, &best) || barred.contains(&token) {
                    continue;
                }
                let log_prob = base + f64::from(*logit);
                let place = best.partition_point(|candidate| candidate.log_prob >= log_prob);
                best.insert(place, Candidate { row, token, log_prob });
                best.truncate(count);
            }
        }
    }
    best
}

/// Logits that are passed over together.
const CHUNK: usize = 256;

/// Numbers that an instruction can take at once.
const LANES: usize = 16;

fn largest(logits: &[f32]) -> f32 {
    let (chunks, rest) = logits.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane = if *logit > *lane { *logit } else { *lane };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// `ln(sum(exp(x)))` in f64.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = largest(logits);
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from((logit - largest).exp());
        }
    }
    let rest: f64 = rest.iter().map(|logit| f64::from((logit - largest).exp())).sum();
    f64::from(largest) + (lanes.iter().sum::<f64>() + rest).ln()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
