//! T5 (Raffel et al., 2020), T5 1.1, mT5 (Xue et al., 2021), umT5 (Chung et al., 2023) and ByT5 (Xue et al., 2022): one
//! encoder-decoder, a few settings.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, module::embedding};

pub mod bias;
mod cache;
mod config;
pub mod init;
mod layers;
pub mod load;
pub mod names;
mod stack;

pub use cache::Cache;
pub use config::{MODEL_TYPES, T5Config};
pub use layers::Attention;
pub use stack::{Block, Stack};

use super::linear::{project, zeros};
use super::path::{Component, ParamPath, StackKind};
use super::{Encoded, Linear, Pass};
use crate::error::Result;

/// Encoder, decoder, one embedding table for both, and a head of its own unless it is tied to that table.
#[derive(Module, Debug)]
pub struct T5 {
    /// `[V, D]`
    pub shared: Param<Tensor<2>>,
    pub encoder: Stack,
    pub decoder: Stack,
    /// The transposed embedding table where `None`.
    pub lm_head: Option<Linear>,
    head_scale: f64,
}

impl T5 {
    /// A model with all weights zero (norms one), to be filled by `tensors::load` or `init::random`.
    pub fn empty(config: &T5Config, own_head: bool, device: &Device) -> Result<Self> {
        let scale = if config.scales_head(own_head) { (config.d_model as f64).powf(-0.5) } else { 1.0 };
        Ok(Self {
            shared: zeros(config.vocab_size, config.d_model, device),
            encoder: Stack::encoder(config, device)?,
            decoder: Stack::decoder(config, device)?,
            lm_head: own_head.then(|| Linear::zeros(config.d_model, config.vocab_size, device)),
            head_scale: scale,
        })
    }

    pub fn vocab_size(&self) -> usize {
        self.shared.lazy_shape()[0]
    }

    pub fn d_model(&self) -> usize {
        self.shared.lazy_shape()[1]
    }

    /// Calls `visit` with every linear layer and the path of its weight.
    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(ParamPath, &mut Linear)) {
        self.encoder.for_each_linear(StackKind::Encoder, visit);
        self.decoder.for_each_linear(StackKind::Decoder, visit);
        if let Some(head) = &mut self.lm_head {
            visit(ParamPath::of(Component::Head), head);
        }
    }

    /// `[B, L]` to `[B, L, D]`.
    pub fn embed_tokens(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embedding(self.shared.val(), ids)
    }

    /// `embedded`: `[B, L, D]`, `mask`: `[B, L]`; result `[B, L, D]`.
    pub fn encode(&self, embedded: Tensor<3>, mask: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<3> {
        self.encoder.encode(embedded, mask, pass)
    }

    /// Decoder states `[B, T, D]` of ids `[B, T]`, each position seeing itself and those before it.
    pub fn decode(&self, ids: Tensor<2, Int>, encoded: &Encoded, pass: &mut Pass<'_>) -> Tensor<3> {
        self.decoder.decode(self.embed_tokens(ids), encoded, pass)
    }

    /// Logits `[B, T, V]` of decoder states `[B, T, D]`.
    pub fn lm_head(&self, hidden: Tensor<3>) -> Tensor<3> {
        let hidden = if self.head_scale == 1.0 { hidden } else { hidden.mul_scalar(self.head_scale) };
        match &self.lm_head {
            Some(head) => head.forward(hidden),
            None => project(hidden, self.shared.val().transpose()),
        }
    }
}
