//! Mimetic initialisation (Trockman and Kolter, 2023) of a T5 encoder: its heads begin by looking for words like their
//! own, a help to compare sentences. What it gains is in LOG.md.

use burn::module::{ModuleMapper, Param};
use burn::tensor::Tensor;
use promot_core::model::ParamPath;
use promot_core::model::path::{Component, Kind, StackKind, Walk};

/// Keys become multiples of the queries, so that their product is close to a multiple of the identity, and every other
/// head keeps from its own position. Everything else stays as it is.
pub struct Mimetic {
    n_heads: usize,
    /// A like word's logit is this at the start, an unlike one's 0 ± 1.
    scale: f32,
    path: Walk,
    /// The queries that were passed last, flat.
    queries: Option<Tensor<1>>,
}

/// The bias that keeps a head from its own position.
const AWAY: f32 = -8.0;

impl Mimetic {
    pub fn new(n_heads: usize, d_kv: usize) -> Self {
        Self { n_heads, scale: (d_kv as f32).sqrt(), path: Walk::default(), queries: None }
    }

    /// The new values of the encoder's parameter at this path, `[n]`.
    fn changed(&mut self, path: &ParamPath, values: Tensor<1>) -> Tensor<1> {
        match (path.component, path.kind) {
            (_, Some(Kind::Q)) => {
                self.queries = Some(values.clone());
                values
            }
            (_, Some(Kind::K)) => {
                self.queries.take().map_or(values, |queries| queries.mul_scalar(self.scale))
            }
            // [buckets, heads]; bucket 0 is a position's distance to itself.
            (Component::RelativeBias, _) => {
                let n = values.dims()[0];
                let away = (0..n).map(|place| place < self.n_heads && place % 2 == 0);
                let away: Vec<f32> = away.map(|away| if away { 1.0 } else { 0.0 }).collect();
                let away = Tensor::<1>::from_floats(away.as_slice(), &values.device());
                values.mask_fill(away.greater_elem(0.5), AWAY)
            }
            _ => values,
        }
    }
}

impl ModuleMapper for Mimetic {
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
        let path = self.path.param();
        if path.stack != Some(StackKind::Encoder) {
            return param;
        }
        param.map(|values| {
            let dims = values.dims();
            self.changed(&path, values.reshape([dims.iter().product::<usize>()])).reshape(dims)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module as _;
    use burn::tensor::Device;
    use promot_core::model::folder::{random, weights};
    use promot_core::model::tensors::HostTensors;
    use promot_core::model::{Model, T5Config};
    use promot_core::rng::Streams;

    use super::*;

    const N_HEADS: usize = 4;
    const D_MODEL: usize = 64;
    const D_KV: usize = 16;

    fn config() -> T5Config {
        T5Config {
            model_type: "t5".into(),
            vocab_size: 40,
            d_model: D_MODEL,
            d_kv: D_KV,
            d_ff: 32,
            num_layers: 2,
            num_decoder_layers: None,
            num_heads: N_HEADS,
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

    fn read(model: &Model) -> HostTensors {
        pollster::block_on(weights(model, &config().into())).expect("the weights")
    }

    /// `row` times a matrix in Hugging Face's layout, [out, in].
    fn project(row: &[f32], matrix: &[f32]) -> Vec<f32> {
        matrix.chunks(row.len()).map(|out| out.iter().zip(row).map(|(w, x)| w * x).sum()).collect()
    }

    /// Mean logit of a word for itself, and the mean size of its logits for others, over all heads.
    fn logits(tensors: &HostTensors, attention: &str) -> (f32, f32) {
        let projected = |part: &str| -> Vec<Vec<f32>> {
            let words = tensors["shared.weight"].values.chunks(D_MODEL);
            words
                .map(|word| {
                    let norm = (word.iter().map(|x| x * x).sum::<f32>() / D_MODEL as f32).sqrt();
                    let word: Vec<f32> = word.iter().map(|x| x / norm).collect();
                    project(&word, &tensors[&format!("{attention}.{part}.weight")].values)
                })
                .collect()
        };
        let (queries, keys) = (projected("q"), projected("k"));
        let (mut own, mut other, n) = (0.0, 0.0, queries.len());
        for (a, query) in queries.iter().enumerate() {
            for (b, key) in keys.iter().enumerate() {
                for (query, key) in query.chunks(D_KV).zip(key.chunks(D_KV)) {
                    let logit: f32 = query.iter().zip(key).map(|(q, k)| q * k).sum();
                    if a == b { own += logit } else { other += logit.abs() }
                }
            }
        }
        let words = (N_HEADS * n) as f32;
        (own / words, other / (words * (n - 1) as f32))
    }

    #[test]
    fn the_encoders_heads_look_for_their_own_word_and_nothing_else_changes() {
        let device = Device::flex();
        let model = random(&config().into(), Streams::new(3).stream("init"), &device).expect("a model");
        let (plain, mimetic) = (read(&model), read(&model.clone().map(&mut Mimetic::new(N_HEADS, D_KV))));
        for layer in 0..2 {
            let attention = format!("encoder.block.{layer}.layer.0.SelfAttention");
            let (own, other) = logits(&mimetic, &attention);
            assert!((3.0..6.0).contains(&own) && (0.5..1.2).contains(&other), "{own} {other}");
            assert!(logits(&plain, &attention).0.abs() < 0.5);
            let [q, k] = ["q", "k"].map(|part| &mimetic[&format!("{attention}.{part}.weight")].values);
            assert!(q.iter().zip(k).all(|(q, k)| q * 4.0 == *k));
        }
        const BIAS: &str = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        let bias = &mimetic[BIAS].values;
        let away: Vec<bool> = bias[..N_HEADS].iter().map(|bias| *bias == AWAY).collect();
        assert_eq!(away, [true, false, true, false]);
        for (name, tensor) in &plain {
            let changed = &mimetic[name].values;
            let moved = tensor.values.iter().zip(changed).filter(|(old, new)| old != new).count();
            let is_key = name.starts_with("encoder.") && name.ends_with(".k.weight");
            let expected = if is_key {
                tensor.values.len()
            } else if name == BIAS {
                2
            } else {
                0
            };
            assert_eq!(moved, expected, "{name}");
        }
    }
}
