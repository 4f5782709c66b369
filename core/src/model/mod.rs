//! A language model with an optional soft prompt. It knows no task, no tokenizer and no method.
//!
//! Notation, here and below: B rows, S input length, T target length, P prompt length, D model width, H heads,
//! K width of a head, V vocabulary. A prompt stands before the embedded encoder input (Lester et al., 2021), so
//! the encoder sees P + S positions.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::batch::Batch;

pub mod adapters;
pub mod dropout;
pub mod folder;
mod host_tensor;
pub mod linear;
pub mod parameters;
pub mod pass;
pub mod path;
pub mod prompt;
pub mod t5;
pub mod tensors;
pub mod weights;

pub use adapters::Adapters;
pub use dropout::{Dropout, Rates, Site};
pub use linear::{Linear, Lora};
pub use pass::Pass;
pub use path::ParamPath;
pub use prompt::SoftPrompt;
pub use t5::{Cache, T5, T5Config};

/// The model families. The one variant of today is where the causal family will join.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Lm {
    T5(T5),
}

/// What is trained and evaluated.
#[derive(Module, Debug)]
pub struct Model {
    pub lm: Lm,
    /// Kept for the tuned task, taken off for every other.
    pub prompt: Option<SoftPrompt>,
}

/// What the encoder leaves for the decoder: hidden states `[B, P + S, D]` and mask `[B, P + S]`, 1 on real positions.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub hidden_states: Tensor<3>,
    pub mask: Tensor<2>,
}

impl Model {
    pub fn new(lm: Lm) -> Self {
        Self { lm, prompt: None }
    }

    pub fn with_prompt(mut self, prompt: Option<SoftPrompt>) -> Self {
        self.prompt = prompt;
        self
    }

    /// With this prompt in front, or with its own where none is given.
    pub fn behind(mut self, prompt: Option<&SoftPrompt>) -> Self {
        if let Some(prompt) = prompt {
            self.prompt = Some(prompt.clone());
        }
        self
    }

    pub fn device(&self) -> Device {
        self.t5().shared.val().device()
    }

    /// D, the width of hidden states and of a soft prompt.
    pub fn width(&self) -> usize {
        self.t5().d_model()
    }

    pub fn vocab_size(&self) -> usize {
        self.t5().vocab_size()
    }

    /// Blocks of a stack.
    pub fn num_blocks(&self, stack: path::StackKind) -> usize {
        match stack {
            path::StackKind::Encoder => self.t5().encoder.blocks.len(),
            path::StackKind::Decoder => self.t5().decoder.blocks.len(),
        }
    }

    /// The embedding table `[V, D]`, without a graph.
    pub fn embedding(&self) -> Tensor<2> {
        self.t5().shared.val().detach()
    }

    /// Encodes token ids with the prompt, if there is one, in front.
    ///
    /// # Shapes
    /// - `ids`: `[B, S]`, `mask`: `[B, S]`, 1 on real tokens
    /// - result: `[B, P + S, D]`
    pub fn encode(&self, ids: Tensor<2, Int>, mask: Tensor<2>, pass: &mut Pass<'_>) -> Encoded {
        let embedded = self.t5().embed_tokens(ids);
        let (embedded, mask) = match &self.prompt {
            Some(prompt) => prompt.prepend(embedded, mask),
            None => (embedded, mask),
        };
        let hidden_states = self.t5().encode(embedded, mask.clone(), pass);
        Encoded { hidden_states, mask }
    }

    /// Hidden states `[B, T, D]` at every target position, teacher forced.
    pub fn hidden(&self, batch: &Batch, pass: &mut Pass<'_>) -> Tensor<3> {
        let device = self.device();
        let encoded = self.encode(batch.input_ids(&device), batch.input_mask(&device), pass);
        self.t5().decode(batch.decoder_ids(&device), &encoded, pass)
    }

    /// Logits `[B, T, V]` of hidden states `[B, T, D]`.
    pub fn lm_head(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.t5().lm_head(hidden)
    }

    /// Logits of every target position, teacher forced: `[B, T, V]`.
    pub fn logits(&self, batch: &Batch, pass: &mut Pass<'_>) -> Tensor<3> {
        self.lm_head(self.hidden(batch, pass))
    }

    /// Begins decoding, `num_beams` hypotheses an input. Without autodiff (`Module::valid`).
    ///
    /// # Shapes
    /// `ids`: `[B, S]`, `mask`: `[B, S]`, 1 on real tokens
    pub fn decoder(&self, ids: Tensor<2, Int>, mask: Tensor<2>, num_beams: usize) -> Cache {
        let encoded = self.encode(ids, mask, &mut Pass::eval());
        Cache::new(self.t5(), &encoded, num_beams)
    }

    /// Feeds one token a row, `ids` `[B * num_beams, 1]`; gives its logits `[B * num_beams, V]`.
    pub fn step(&self, cache: &mut Cache, ids: Tensor<2, Int>) -> Tensor<2> {
        cache.step(self.t5(), ids)
    }

    fn t5(&self) -> &T5 {
        let Lm::T5(t5) = &self.lm;
        t5
    }
}
