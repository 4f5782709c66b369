//! Log-probabilities of given targets, teacher forced, in nats.

use burn::module::Module;

use super::of_model::check_finite;
use crate::batch::{Batch, BatchLayout, TokenizedExample};
use crate::error::Result;
use crate::loss::{self, LossSettings};
use crate::model::{Model, Pass, tensors};

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

/// Scores the targets of `rows`, `batch` rows at a time.
pub async fn score(
    model: &Model,
    rows: &[TokenizedExample],
    layout: &BatchLayout,
    batch: usize,
) -> Result<Vec<TokenScores>> {
    let model = model.valid();
    let lengths = rows.iter().map(|row| (row.input.len() + row.target.len()).saturating_sub(1));
    model.check_length(None, lengths.max().unwrap_or(0))?;
    let mut scores = Vec::with_capacity(rows.len());
    for rows in rows.chunks(batch.max(1)) {
        let made = Batch::new(rows, layout);
        let logits = model.logits(&made, &mut Pass::eval());
        let targets = made.target_ids(&model.device());
        let losses = tensors::to_vec(loss::token_losses(logits, targets, LossSettings::default())).await?;
        for (row, losses) in rows.iter().zip(losses.chunks(made.target_width())) {
            let losses = &losses[..row.target.len()];
            check_finite("losses", losses)?;
            scores.push(TokenScores {
                token_ids: row.target.clone(),
                token_logprobs: losses.iter().map(|loss| -f64::from(*loss)).collect(),
            });
        }
    }
    Ok(scores)
}
