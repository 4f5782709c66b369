//! T5 (Raffel et al., 2020), T5 1.1 and mT5 (Xue et al., 2021): one encoder-decoder, three settings.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, module::embedding, module::linear};

pub mod bias;
mod cache;
mod config;
pub mod init;
mod layers;
pub mod names;
mod stack;

pub use cache::Cache;
pub use config::T5Config;
pub use layers::{Attention, FeedForward, RmsNorm};
pub use stack::{Block, Stack};

use super::{Dropout, Encoded};
use crate::error::Result;
use layers::weight;

/// Encoder, decoder, one embedding table for both, and a head of its own unless it is tied to that table.
#[derive(Module, Debug)]
pub struct T5 {
    /// `[V, D]`
    pub shared: Param<Tensor<2>>,
    pub encoder: Stack,
    pub decoder: Stack,
    /// `[D, V]`; the transposed embedding table where `None`.
    pub lm_head: Option<Param<Tensor<2>>>,
    head_scale: f64,
}

impl T5 {
    /// A model with all weights zero (norms one), to be filled by `tensors::load` or `init::random`.
    pub fn empty(config: &T5Config, own_head: bool, device: &Device) -> Result<Self> {
        let scale = if config.scales_head(own_head) { (config.d_model as f64).powf(-0.5) } else { 1.0 };
        Ok(Self {
            shared: weight(config.vocab_size, config.d_model, device),
            encoder: Stack::encoder(config, device)?,
            decoder: Stack::decoder(config, device)?,
            lm_head: own_head.then(|| weight(config.d_model, config.vocab_size, device)),
            head_scale: scale,
        })
    }

    pub fn vocab_size(&self) -> usize {
        self.shared.lazy_shape()[0]
    }

    pub fn d_model(&self) -> usize {
        self.shared.lazy_shape()[1]
    }

    /// `[B, L]` to `[B, L, D]`.
    pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embedding(self.shared.val(), ids)
    }

    /// `embedded`: `[B, L, D]`, `mask`: `[B, L]`; result `[B, L, D]`.
    pub fn encode(&self, embedded: Tensor<3>, mask: Tensor<2>, dropout: &mut Dropout) -> Tensor<3> {
        self.encoder.encode(embedded, mask, dropout)
    }

    /// Decoder states `[B, T, D]` of ids `[B, T]`, each position seeing itself and those before it.
    pub fn decode(&self, ids: Tensor<2, Int>, encoded: &Encoded, dropout: &mut Dropout) -> Tensor<3> {
        self.decoder.decode(self.embed(ids), encoded, dropout)
    }

    /// Logits `[B, T, V]` of decoder states `[B, T, D]`.
    pub fn head(&self, hidden: Tensor<3>) -> Tensor<3> {
        let hidden = if self.head_scale == 1.0 { hidden } else { hidden.mul_scalar(self.head_scale) };
        match &self.lm_head {
            Some(head) => linear(hidden, head.val(), None),
            None => linear(hidden, self.shared.val().transpose(), None),
        }
    }
}
