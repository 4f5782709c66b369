//! Muon (Jordan et al., 2024): momentum, made orthogonal by Burn's Newton-Schulz iteration, with the step size that
//! lets it share AdamW's learning rate (Liu et al., 2025). For the matrices inside the blocks; embeddings, head, norms
//! and biases are AdamW's.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdjustLrFn, MuonConfig, Optimizer};
use burn::tensor::Tensor;

use super::adamw;
use super::update::{Slots, Update};

pub const SLOTS: [&str; 1] = ["velocity"];

pub struct Settings {
    pub momentum: f64,
    /// For what is no matrix of a block.
    pub others: adamw::Settings,
}

pub fn update(settings: &Settings, update: Update, slots: &mut Slots) -> Tensor<2> {
    if !update.in_block {
        return adamw::update(&settings.others, update, slots);
    }
    // Nesterov's momentum is kept here: Burn's state does not give its tensor back.
    let velocity = match slots.remove(SLOTS[0]) {
        Some(old) => old * settings.momentum + update.grad.clone(),
        None => update.grad.clone(),
    };
    let direction = update.grad + velocity.clone() * settings.momentum;
    slots.insert(SLOTS[0], velocity);
    let rule = MuonConfig::new()
        .with_momentum(MomentumConfig { momentum: 0.0, dampening: 0.0, nesterov: false })
        .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
        .build();
    rule.step(update.rate, update.param, direction, None).0
}
