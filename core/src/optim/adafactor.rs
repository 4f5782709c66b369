//! Adafactor (Shazeer and Stern, 2018) with T5X's rules and no momentum. Burn's own Adafactor differs: it factors
//! every matrix and multiplies the weight decay by the rate.

use burn::tensor::Tensor;

use super::update::{Slots, Update};

pub const SLOTS: [&str; 3] = ["v", "v_row", "v_col"];

/// A matrix is factored only if both sides have at least this many entries (T5X).
const MIN_FACTORED: usize = 128;
/// Added to squared gradients.
const EPSILON_1: f64 = 1e-30;
/// Smallest parameter scale.
const EPSILON_2: f64 = 1e-3;
/// Largest root mean square of an update.
const CLIPPING: f64 = 1.0;

pub struct Settings {
    pub decay: f64,
    pub weight_decay: f64,
    pub scale_parameter: bool,
}

/// `param * (1 - weight_decay) - rate * u / max(1, rms(u))` with `u = grad / sqrt(v)`.
pub fn update(settings: &Settings, update: Update, slots: &mut Slots) -> Tensor<2> {
    let Update { param, grad, is_matrix, time, rate, .. } = update;
    let beta_2 = 1.0 - (time as f64).powf(-settings.decay);
    let square = grad.clone().square().add_scalar(EPSILON_1);
    let [rows, columns] = param.dims();
    let direction = if is_matrix && rows >= MIN_FACTORED && columns >= MIN_FACTORED {
        factored(grad, square, beta_2, slots)
    } else {
        let v = average(slots, "v", square, beta_2);
        grad.div(v.sqrt())
    };
    let norm = rms(direction.clone()).div_scalar(CLIPPING).clamp_min(1.0);
    let mut step = direction.div(norm).mul_scalar(rate);
    if settings.scale_parameter {
        step = step.mul(rms(param.clone()).clamp_min(EPSILON_2));
    }
    if settings.weight_decay == 0.0 {
        param.sub(step)
    } else {
        param.mul_scalar(1.0 - settings.weight_decay).sub(step)
    }
}

/// `v_ij = row_i * col_j / mean(row)` with running means of the squared gradient's rows and columns.
fn factored(grad: Tensor<2>, square: Tensor<2>, beta_2: f64, slots: &mut Slots) -> Tensor<2> {
    let row = average(slots, "v_row", square.clone().mean_dim(1), beta_2); // [R, 1]
    let column = average(slots, "v_col", square.mean_dim(0), beta_2); // [1, C]
    let row_factor = row.clone().div(row.mean_dim(0)).sqrt().recip();
    grad.mul(row_factor).mul(column.sqrt().recip())
}

fn average(slots: &mut Slots, name: &'static str, value: Tensor<2>, beta_2: f64) -> Tensor<2> {
    let new = match slots.remove(name) {
        Some(old) => old.mul_scalar(beta_2).add(value.mul_scalar(1.0 - beta_2)),
        None => value.mul_scalar(1.0 - beta_2),
    };
    slots.insert(name, new.clone());
    new
}

/// Root mean square, `[1, 1]`.
fn rms(tensor: Tensor<2>) -> Tensor<2> {
    tensor.square().mean().sqrt().reshape([1, 1])
}
