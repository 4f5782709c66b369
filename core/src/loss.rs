//! Token losses in nats, and their weighted sum over real tokens.

use burn::tensor::{Int, Tensor, activation};

/// What is added to the plain negative log-likelihood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSettings {
    /// `e`: the target's probability becomes `1 - e + e / V`, every other's `e / V` (Szegedy et al., 2016).
    pub label_smoothing: f64,
    /// Weight of `logsumexp(logits)^2` (T5X; 1e-4 in its fine-tuning settings).
    pub z_loss: f64,
}

/// Loss of every position `[B, T]`, padding included.
///
/// # Shapes
/// `logits`: `[B, T, V]`, `targets`: `[B, T]`
pub fn token_losses(logits: Tensor<3>, targets: Tensor<2, Int>, settings: LossSettings) -> Tensor<2> {
    let [rows, length, _] = logits.dims();
    let index = targets.reshape([rows, length, 1]);
    let log_probs = activation::log_softmax(logits.clone(), 2);
    let chosen = log_probs.clone().gather(2, index.clone()); // [B, T, 1]
    let mut loss = chosen.clone().neg();
    if settings.label_smoothing > 0.0 {
        let uniform = log_probs.mean_dim(2).neg();
        loss =
            loss.mul_scalar(1.0 - settings.label_smoothing).add(uniform.mul_scalar(settings.label_smoothing));
    }
    if settings.z_loss > 0.0 {
        let log_z = logits.gather(2, index).sub(chosen); // log p = logit - log Z
        loss = loss.add(log_z.square().mul_scalar(settings.z_loss));
    }
    loss.reshape([rows, length])
}

/// `sum(losses * weights) / normaliser`, one number.
pub fn reduce(losses: Tensor<2>, weights: Tensor<2>, normaliser: f64) -> Tensor<1> {
    losses.mul(weights).sum().div_scalar(normaliser)
}
