//! Initial weights as transformers draws them for these families: every matrix from one normal distribution, biases zero,
//! norms one. Drawn on the host so that all devices start alike.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use crate::model::tensors;
use crate::rng::{Rng, normal};

/// Draws every matrix of a model in the order of its modules.
pub struct RandomInit {
    /// `initializer_range` of config.json.
    pub deviation: f64,
    pub rng: Rng,
}

impl ModuleMapper for RandomInit {
    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        if R < 2 {
            return param;
        }
        let shape = param.lazy_shape();
        let values: Vec<f32> =
            (0..shape.num_elements()).map(|_| (normal(&mut self.rng) * self.deviation) as f32).collect();
        tensors::replaced(param, TensorData::new(values, shape))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use crate::model::folder::{random, weights};
    use crate::model::{CausalConfig, ModelConfig};
    use crate::rng::Streams;

    /// Deviation of the values of a tensor of a new model with this `config.json`.
    fn deviation(config: &str, name: &str) -> f64 {
        let config = ModelConfig::from(CausalConfig::from_json(config.as_bytes()).unwrap());
        let model = random(&config, Streams::new(3).stream("init"), &Device::flex()).unwrap();
        let values = pollster::block_on(weights(&model, &config)).unwrap().remove(name).unwrap().values;
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
        (squares / values.len() as f64).sqrt()
    }

    #[test]
    fn matrices_are_drawn_with_the_files_deviation_and_norms_are_one() {
        let llama = |range: &str, tied: bool| {
            format!(
                r#"{{"model_type": "llama", "vocab_size": 40, "hidden_size": 64, "intermediate_size": 96,
                "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                "tie_word_embeddings": {tied}{range}}}"#
            )
        };
        for (range, expected) in [("", 0.02), (r#", "initializer_range": 0.5"#, 0.5)] {
            for name in [
                "model.embed_tokens.weight",
                "model.layers.1.self_attn.k_proj.weight",
                "model.layers.0.mlp.down_proj.weight",
                "lm_head.weight",
            ] {
                let found = deviation(&llama(range, false), name);
                assert!((found / expected - 1.0).abs() < 0.1, "{name}: {found}, not {expected}");
            }
            assert_eq!(deviation(&llama(range, false), "model.norm.weight"), 0.0);
        }
        // A tied model has no head of its own.
        let config = ModelConfig::from(CausalConfig::from_json(llama("", true).as_bytes()).unwrap());
        let model = random(&config, Streams::new(3).stream("init"), &Device::flex()).unwrap();
        assert!(!model.has_own_head());
    }
}
