//! Initial weights as T5 1.1 draws them (the factors of T5's released code and of Hugging Face's
//! `_init_weights` with `initializer_factor` 1), drawn on the host so that all devices start alike.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use super::T5Config;
use crate::model::path::{Component, Kind, ParamPath, Walk};
use crate::model::tensors;
use crate::rng::{Rng, normal};

/// Draws every matrix of a model in the order of its modules; norms stay one.
pub struct RandomInit<'a> {
    pub config: &'a T5Config,
    pub rng: Rng,
    path: Walk,
}

impl<'a> RandomInit<'a> {
    pub fn new(config: &'a T5Config, rng: Rng) -> Self {
        Self { config, rng, path: Walk::default() }
    }

    fn deviation(&self, path: &ParamPath) -> f64 {
        let (d_model, d_kv, d_ff) =
            (self.config.d_model as f64, self.config.d_kv as f64, self.config.d_ff as f64);
        let inner = d_kv * self.config.num_heads as f64;
        match (path.component, path.kind) {
            (Component::Embedding, _) => 1.0,
            (_, Some(Kind::Q)) => (d_model * d_kv).powf(-0.5),
            (_, Some(Kind::O)) => inner.powf(-0.5),
            (_, Some(Kind::Wo)) => d_ff.powf(-0.5),
            // Of the head, too, which is small as T5 1.1's own: logits of a new model are close to uniform.
            _ => d_model.powf(-0.5),
        }
    }
}

impl ModuleMapper for RandomInit<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        if R < 2 {
            return param;
        }
        let deviation = self.deviation(&self.path.param());
        let shape = param.lazy_shape();
        let values: Vec<f32> =
            (0..shape.num_elements()).map(|_| (normal(&mut self.rng) * deviation) as f32).collect();
        tensors::replaced(param, TensorData::new(values, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::t5::T5;
    use crate::model::{Lm, Model};
    use crate::rng::Streams;
    use burn::module::Module as _;
    use burn::tensor::Device;

    fn config() -> T5Config {
        T5Config {
            model_type: "t5".into(),
            vocab_size: 40,
            d_model: 64,
            d_kv: 16,
            d_ff: 32,
            num_layers: 2,
            num_decoder_layers: None,
            num_heads: 4,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            dropout_rate: 0.0,
            layer_norm_epsilon: 1e-6,
            feed_forward_proj: "gated-gelu".into(),
            tie_word_embeddings: Some(false),
            scale_decoder_outputs: None,
            pad_token_id: 0,
            eos_token_id: vec![1],
            decoder_start_token_id: None,
        }
    }

    #[test]
    fn weights_are_drawn_as_t5_does() {
        let device = Device::flex();
        let model = Model::new(Lm::T5(T5::empty(&config(), true, &device).unwrap()));
        let model = model.map(&mut RandomInit::new(&config(), Streams::new(3).stream("init")));
        let Lm::T5(model) = model.lm else { panic!("a T5") };
        let attention = &model.encoder.blocks[0].self_attention;
        for (name, weights, expected) in [
            ("shared", model.shared.val(), 1.0),
            ("q", attention.q.weight.val(), (64.0_f64 * 16.0).powf(-0.5)),
            ("k", attention.k.weight.val(), 64.0_f64.powf(-0.5)),
            ("o", attention.o.weight.val(), 64.0_f64.powf(-0.5)),
        ] {
            let values: Vec<f32> = weights.into_data().try_to_vec().unwrap();
            let squares: f64 = values.iter().map(|value| f64::from(value * value)).sum();
            let deviation = (squares / values.len() as f64).sqrt();
            assert!((deviation / expected - 1.0).abs() < 0.1, "{name}: {deviation}, not {expected}");
        }
    }
}
