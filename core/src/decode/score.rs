//! Log-probabilities of given targets, teacher forced, in nats.

use burn::module::Module;

use crate::batch::Batch;
use crate::error::Result;
use crate::loss::{self, LossSettings};
use crate::model::{Dropout, Model, tensors};

/// One target's tokens and their log-probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScores {
    pub token_ids: Vec<u32>,
    pub token_logprobs: Vec<f64>,
}

impl TokenScores {
    pub fn logprob(&self) -> f64 {
        self.token_logprobs.iter().sum()
    }
}

/// Scores pairs of input and target ids, `batch` at a time.
pub async fn score(
    model: &Model,
    pairs: &[(Vec<u32>, Vec<u32>)],
    pad: u32,
    start: u32,
    batch: usize,
) -> Result<Vec<TokenScores>> {
    let model = model.valid();
    let mut scores = Vec::with_capacity(pairs.len());
    for chunk in pairs.chunks(batch.max(1)) {
        let rows: Vec<(&[u32], &[u32])> = chunk.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let made = Batch::new(&rows, pad, start, 1);
        let logits = model.logits(&made, &mut Dropout::off());
        let targets = made.target_ids(&model.device());
        let losses = tensors::to_vec(loss::token_losses(logits, targets, LossSettings::default())).await?;
        for ((_, target), row) in rows.iter().zip(losses.chunks(made.target_width())) {
            scores.push(TokenScores {
                token_ids: target.to_vec(),
                token_logprobs: row[..target.len()].iter().map(|loss| -f64::from(*loss)).collect(),
            });
        }
    }
    Ok(scores)
}
