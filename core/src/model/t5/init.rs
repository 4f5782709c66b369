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
    /// Whether the encoder's heads begin by looking for words like their own: keys are drawn as the queries are, so
    /// that their product is close to a multiple of the identity (mimetic initialisation, Trockman and Kolter, 2023),
    /// and every other head keeps from its own position. What it gains is in LOG.md.
    pub matching: bool,
    path: Vec<String>,
    /// The queries drawn last.
    queries: Vec<f32>,
}

/// The bias that keeps a head from its own position; a like word's logit is sqrt(d_kv) at the start, an unlike one's 0 ± 1.
const AWAY: f32 = -8.0;

impl<'a> RandomInit<'a> {
    pub fn new(config: &'a T5Config, matching: bool, rng: Rng) -> Self {
        Self { config, rng, matching, path: Vec::new(), queries: Vec::new() }
    }

    /// Makes heads look for words like their own.
    fn match_words(&mut self, values: &mut Vec<f32>) {
        if self.path.first().is_none_or(|stack| stack != "encoder") {
            return;
        }
        match self.path.last().map(String::as_str) {
            Some("q") => self.queries.clone_from(values),
            Some("k") => {
                let scale = (self.config.d_kv as f32).sqrt();
                *values = self.queries.iter().map(|value| value * scale).collect();
            }
            // [buckets, heads]; bucket 0 is a position's distance to itself.
            Some("relative_bias") => {
                values.iter_mut().take(self.config.num_heads).step_by(2).for_each(|bias| *bias = AWAY);
            }
            _ => {}
        }
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
        let mut values: Vec<f32> =
            (0..shape.num_elements()).map(|_| (normal(&mut self.rng) * deviation) as f32).collect();
        if self.matching {
            self.match_words(&mut values);
        }
        param.map(|old| Tensor::from_data(TensorData::new(values, shape), &old.device()))
    }
}

/// A standard normal number (Box and Muller, 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::t5::T5;
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
            eos_token_id: 1,
            decoder_start_token_id: None,
        }
    }

    /// Mean logit of a word for itself, and the mean size of its logits for others, over all heads of a layer.
    fn logits(q: Tensor<2>, k: Tensor<2>, table: Tensor<2>, heads: usize) -> (f32, f32) {
        let [words, width] = table.dims();
        let norm = table.clone().powf_scalar(2.0).mean_dim(1).sqrt();
        let split = |x: Tensor<2>| x.reshape([words, heads, width / heads]).swap_dims(0, 1);
        let table = table / norm;
        let product = split(table.clone().matmul(q)).matmul(split(table.matmul(k)).swap_dims(1, 2));
        let values: Vec<f32> = product.into_data().try_to_vec().unwrap();
        let (mut own, mut other) = (0.0, 0.0);
        for (at, value) in values.iter().enumerate() {
            let place = at % (words * words);
            if place / words == place % words { own += value } else { other += value.abs() }
        }
        let pairs = (heads * words) as f32;
        (own / pairs, other / (pairs * (words - 1) as f32))
    }

    #[test]
    fn matching_heads_look_for_their_own_word_and_plain_ones_for_none() {
        let device = Device::flex();
        for (matching, least, most) in [(true, 3.0, 6.0), (false, -0.5, 0.5)] {
            let rng = Streams::new(3).stream("init");
            let model = T5::empty(&config(), true, &device).unwrap();
            let model = model.map(&mut RandomInit::new(&config(), matching, rng));
            for block in &model.encoder.blocks {
                let attention = &block.self_attention;
                let (own, other) =
                    logits(attention.q.val(), attention.k.val(), model.shared.val(), config().num_heads);
                assert!((least..most).contains(&own), "matching {matching}: {own}");
                assert!((0.5..1.2).contains(&other), "matching {matching}: {other}");
            }
            let cross = model.decoder.blocks[0].cross_attention.as_ref().unwrap();
            let (own, _) = logits(cross.q.val(), cross.k.val(), model.shared.val(), config().num_heads);
            assert!(own.abs() < 0.5, "the decoder is drawn as ever: {own}");
            let bias: Vec<f32> = model.encoder.relative_bias.val().into_data().try_to_vec().unwrap();
            let away: Vec<bool> = bias[..4].iter().map(|bias| *bias == AWAY).collect();
            assert_eq!(away, [matching, false, matching, false]);
            assert!(bias[4..].iter().all(|bias| bias.abs() < 1.0));
        }
    }
}
