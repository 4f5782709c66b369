//! AdamW (Loshchilov and Hutter, 2019), by Burn's own implementation.

use burn::optim::{AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::Tensor;

use super::update::{Slots, Update};

pub const SLOTS: [&str; 2] = ["m", "v_adam"];

pub struct Settings {
    pub beta_1: f64,
    pub beta_2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
}

pub fn update(settings: &Settings, update: Update, slots: &mut Slots) -> Tensor<2> {
    let rule = AdamWConfig::new()
        .with_beta_1(settings.beta_1 as f32)
        .with_beta_2(settings.beta_2 as f32)
        .with_epsilon(settings.epsilon as f32)
        .with_weight_decay(settings.weight_decay as f32)
        .build();
    let state = match (slots.remove(SLOTS[0]), slots.remove(SLOTS[1])) {
        (Some(moment_1), Some(moment_2)) => {
            let momentum =
                AdaptiveMomentumState { time: update.time - 1, moment_1, moment_2, max_moment_2: None };
            Some(AdamWState::new(momentum))
        }
        _ => None,
    };
    let (param, state) = rule.step(update.rate, update.param, update.grad, state);
    if let Some(state) = state {
        slots.insert(SLOTS[0], state.momentum.moment_1);
        slots.insert(SLOTS[1], state.momentum.moment_2);
    }
    param
}
