//! T5 1.1 shapes with random weights, and the multiplications they cost.

use burn::module::{Module as _, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use promot_core::Result;
use promot_core::batch::TokenizedExample;
use promot_core::model::{Lm, Model, SoftPrompt, T5, T5Config};

/// The sizes of one model. Names are those of T5 1.1's checkpoints.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub name: &'static str,
    pub vocabulary: usize,
    pub d_model: usize,
    pub d_ff: usize,
    pub layers: usize,
    pub heads: usize,
    pub d_kv: usize,
}

pub const SMALL: Shape =
    Shape { name: "t5-small", vocabulary: 32_128, d_model: 512, d_ff: 1_024, layers: 8, heads: 6, d_kv: 64 };
pub const BASE: Shape = Shape { name: "t5-base", d_model: 768, d_ff: 2_048, layers: 12, heads: 12, ..SMALL };
pub const LARGE: Shape =
    Shape { name: "t5-large", d_model: 1_024, d_ff: 2_816, layers: 24, heads: 16, ..SMALL };
pub const TINY: Shape =
    Shape { name: "tiny", vocabulary: 96, d_model: 32, d_ff: 64, layers: 1, heads: 2, d_kv: 16 };

impl Shape {
    pub fn config(&self) -> Result<T5Config> {
        let config = serde_json::json!({
            "model_type": "t5", "vocab_size": self.vocabulary, "d_model": self.d_model, "d_kv": self.d_kv,
            "d_ff": self.d_ff, "num_layers": self.layers, "num_heads": self.heads,
            "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false, "decoder_start_token_id": 0,
        });
        T5Config::from_json(config.to_string().as_bytes())
    }

    /// A model whose weights are drawn on the device: what they are does not matter for times and sizes.
    pub fn model(&self, device: &Device) -> Result<Model> {
        Ok(Model::new(Lm::T5(T5::empty(&self.config()?, true, device)?)).map(&mut OnDevice))
    }

    /// A model whose weights are the same on every device.
    pub fn same_model(&self, device: &Device) -> Result<Model> {
        Ok(Model::new(Lm::T5(T5::empty(&self.config()?, true, device)?)).map(&mut OnHost { drawn: 0 }))
    }

    /// Floating-point operations of one forward pass of `rows` rows: two for each weight and token, and attention's.
    pub fn forward_flops(&self, rows: usize, input: usize, target: usize) -> f64 {
        let (d, inner, ff) = (self.d_model as f64, (self.heads * self.d_kv) as f64, self.d_ff as f64);
        let (s, t) = (input as f64, target as f64);
        let attention = 4.0 * d * inner;
        let encoder = s * 2.0 * (attention + 3.0 * d * ff) + 4.0 * s * s * inner;
        let decoder = t * 2.0 * (attention + 3.0 * d * ff + 2.0 * d * inner)
            + s * 2.0 * (2.0 * d * inner)
            + 4.0 * t * (t + s) * inner;
        let head = t * 2.0 * d * self.vocabulary as f64;
        rows as f64 * (self.layers as f64 * (encoder + decoder) + head)
    }
}

/// Rows of ids that differ; as in tests/gpu/pytorch.py.
pub fn rows(count: usize, input: usize, target: usize, vocabulary: usize) -> Vec<TokenizedExample> {
    let ids = |row: usize, length: usize| -> Vec<u32> {
        (0..length).map(|place| (3 + (row * 131 + place * 17) % (vocabulary - 3)) as u32).collect()
    };
    (0..count).map(|row| (ids(row, input), ids(row + 7, target)).into()).collect()
}

pub fn prompt(length: usize, width: usize, device: &Device) -> Result<SoftPrompt> {
    let values = (0..length * width).map(|index| pattern(index) - 0.5).collect();
    SoftPrompt::from_values(values, length, width, device)
}

struct OnDevice;

impl ModuleMapper for OnDevice {
    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        if R < 2 {
            return param;
        }
        let (shape, device) = (param.lazy_shape(), param.lazy_device());
        let deviation = (shape[0] as f64).powf(-0.5);
        Param::from_tensor(Tensor::random(shape, Distribution::Normal(0.0, deviation), &device))
    }
}

struct OnHost {
    /// Matrices before this one.
    drawn: usize,
}

impl ModuleMapper for OnHost {
    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        if R < 2 {
            return param;
        }
        let (shape, device) = (param.lazy_shape(), param.lazy_device());
        // Rows of an embedding table are looked up, not summed over.
        let fan_in = shape[0].min(shape[1].max(1) * 8);
        let range = (12.0 / fan_in as f32).sqrt();
        self.drawn += 1;
        let start = self.drawn * 1_000_003;
        let values: Vec<f32> =
            (0..shape.num_elements()).map(|index| (pattern(start + index) - 0.5) * range).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &device))
    }
}

/// Numbers in [0, 1) without a visible order: the mixing steps of a 32-bit hash.
fn pattern(index: usize) -> f32 {
    let mut bits = index as u32;
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x7feb_352d);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x846c_a68b);
    bits ^= bits >> 16;
    (bits >> 8) as f32 / (1u32 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T5 1.1 base has 248 million parameters; a forward pass costs about two operations for each and token.
    #[test]
    fn operations_are_about_two_a_weight_and_token() {
        let flops = BASE.forward_flops(64, 512, 64);
        assert!((7e12..10e12).contains(&flops), "{flops:e}");
    }

    #[test]
    fn the_same_model_is_the_same() {
        let model = || TINY.same_model(&Device::flex()).unwrap();
        let table = || model().embedding().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(table(), table());
    }
}
