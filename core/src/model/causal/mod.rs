//! Decoder-only models: Llama (Touvron et al., 2023), Mistral, Qwen 2 and 3, SmolLM 2; GPT-NeoX and Pythia (Biderman et
//! al., 2023); GPT-2 (Radford et al., 2019). One stack, whose parts a configuration chooses.
//!
//! A row is one sequence: the soft prompt, the input, the target. Its padding stands on the right, where no real position
//! sees it; positions are counted from the prompt's first vector.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, module::embedding};

mod attention;
mod cache;
mod config;
pub mod init;
pub mod load;
pub mod names;
pub(super) mod rope;
mod stack;

pub use attention::Attention;
pub use cache::Cache;
pub use config::{CausalConfig, Family, MODEL_TYPES};
pub use rope::{Rope, Scaling};
pub use stack::{Block, Stack};

use super::linear::{project, zeros};
use super::path::{Component, ParamPath};
use super::{Linear, Pass, SoftPrompt};
use crate::batch::Batch;

/// A stack with its embedding table, and a head of its own unless it is tied to that table.
#[derive(Module, Debug)]
pub struct Causal {
    /// `[V, D]`
    pub shared: Param<Tensor<2>>,
    pub decoder: Stack,
    /// The transposed embedding table where `None`.
    pub lm_head: Option<Linear>,
}

impl Causal {
    /// A model with all weights zero (norms one), to be filled by `load`.
    pub fn empty(config: &CausalConfig, own_head: bool, device: &Device) -> Self {
        Self {
            shared: zeros(config.vocab_size, config.d_model, device),
            decoder: Stack::new(config, device),
            lm_head: own_head.then(|| Linear::zeros(config.d_model, config.vocab_size, device)),
        }
    }

    pub fn vocab_size(&self) -> usize {
        self.shared.lazy_shape()[0]
    }

    pub fn d_model(&self) -> usize {
        self.shared.lazy_shape()[1]
    }

    /// Positions of the longest sequence, prompt included; `None` where positions have no end.
    pub fn most_positions(&self) -> Option<usize> {
        self.decoder.most_positions()
    }

    /// Calls `visit` with every linear layer and the path of its weight.
    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(ParamPath, &mut Linear)) {
        self.decoder.for_each_linear(visit);
        if let Some(head) = &mut self.lm_head {
            visit(ParamPath::of(Component::Head), head);
        }
    }

    /// `[B, L]` to `[B, L, D]`.
    fn embed_tokens(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embedding(self.shared.val(), ids)
    }

    /// `[B, L]` to `[B, P + L, D]`.
    fn embed_behind(&self, prompt: Option<&SoftPrompt>, ids: Tensor<2, Int>) -> Tensor<3> {
        let embedded = self.embed_tokens(ids);
        match prompt {
            Some(prompt) => prompt.before(embedded),
            None => embedded,
        }
    }

    /// Hidden states `[B, T, D]` from which the target tokens are predicted: each that of the position before.
    ///
    /// # Panics
    /// Panics if there is nothing, neither prompt nor input, before a row's target.
    pub(super) fn hidden(
        &self,
        prompt: Option<&SoftPrompt>,
        batch: &Batch,
        pass: &mut Pass<'_>,
    ) -> Tensor<3> {
        let device = self.shared.val().device();
        let length = prompt.map_or(0, SoftPrompt::length);
        let embedded = self.embed_behind(prompt, batch.sequence_ids(&device));
        let (width, targets) = (embedded.dims()[1], batch.target_width());
        let places: Vec<usize> = batch
            .input_lengths()
            .iter()
            .flat_map(|input| {
                let before = (length + input).checked_sub(1).expect("a prompt or an input before the target");
                // Padding may stand behind the sequence's end.
                (0..targets).map(move |target| (before + target).min(width - 1))
            })
            .collect();
        self.decoder.forward(embedded, &places, pass, &mut |_| {})
    }

    /// Logits `[B, T, V]` of hidden states `[B, T, D]`.
    pub fn lm_head(&self, hidden: Tensor<3>) -> Tensor<3> {
        match &self.lm_head {
            Some(head) => head.forward(hidden),
            None => project(hidden, self.shared.val().transpose()),
        }
    }
}
