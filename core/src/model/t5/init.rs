//! Initial weights as T5 1.1 draws them (the factors of T5's released code and of Hugging Face's
//! `_init_weights` with `initializer_factor` 1), drawn on the host so that all devices start alike.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand::Rng as _;

use super::T5Config;
use crate::rng::Rng;

/// Draws every matrix of a model in the order of its modules; norms stay one.
pub struct RandomInit<'a> {
    pub config: &'a T5Config,
    pub rng: Rng,
    path: Vec<String>,
}

impl<'a> RandomInit<'a> {
    pub fn new(config: &'a T5Config, rng: Rng) -> Self {
        Self { config, rng, path: Vec::new() }
    }

    /// Standard deviation by the last part of the parameter's path.
    fn deviation(&self) -> f64 {
        let (d_model, d_kv, d_ff) =
            (self.config.d_model as f64, self.config.d_kv as f64, self.config.d_ff as f64);
        let inner = d_kv * self.config.num_heads as f64;
        match self.path.last().map(String::as_str) {
            Some("shared") => 1.0,
            // Small, as T5 1.1's own head: logits of a new model are close to uniform.
            Some("lm_head") => d_model.powf(-0.5),
            Some("q") => (d_model * d_kv).powf(-0.5),
            Some("o") => inner.powf(-0.5),
            Some("wo") => d_ff.powf(-0.5),
            _ => d_model.powf(-0.5),
        }
    }
}

impl ModuleMapper for RandomInit<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        if R < 2 {
            return param;
        }
        let deviation = self.deviation();
        let shape = param.lazy_shape();
        let values: Vec<f32> =
            (0..shape.num_elements()).map(|_| (normal(&mut self.rng) * deviation) as f32).collect();
        param.map(|old| Tensor::from_data(TensorData::new(values, shape), &old.device()))
    }
}

/// A standard normal number (Box and Muller, 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
