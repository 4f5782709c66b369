//! A language model with an optional soft prompt. It knows no task, no tokenizer and no method.
//!
//! Notation, here and below: B rows, S input length, T target length, P prompt length, D model width, H heads,
//! K width of a head, V vocabulary. A prompt stands before the embedded encoder input (Lester et al., 2021), so
//! the encoder sees P + S positions.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::batch::Batch;

pub mod dropout;
pub mod folder;
pub mod prompt;
pub mod t5;
pub mod tensors;

pub use dropout::Dropout;
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

/// What the encoder leaves for the decoder: states `[B, P + S, D]` and mask `[B, P + S]`, 1 on real positions.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub states: Tensor<3>,
    pub mask: Tensor<2>,
}

impl Model {
    pub fn new(lm: Lm) -> Self {
        Self { lm, prompt: None }
    }

    pub fn t5(&self) -> &T5 {
        let Lm::T5(t5) = &self.lm;
        t5
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

    /// Encodes token ids with the prompt, if there is one, in front.
    ///
    /// # Shapes
    /// - `ids`: `[B, S]`, `mask`: `[B, S]`, 1 on real tokens
    /// - result: `[B, P + S, D]`
    pub fn encode(&self, ids: Tensor<2, Int>, mask: Tensor<2>, dropout: &mut Dropout) -> Encoded {
        let embedded = self.t5().embed(ids);
        let (embedded, mask) = match &self.prompt {
            Some(prompt) => prompt.prepend(embedded, mask),
            None => (embedded, mask),
        };
        let states = self.t5().encode(embedded, mask.clone(), dropout);
        Encoded { states, mask }
    }

    /// Logits of every target position, teacher forced: `[B, T, V]`.
    pub fn logits(&self, batch: &Batch, dropout: &mut Dropout) -> Tensor<3> {
        let device = self.device();
        let encoded = self.encode(batch.input_ids(&device), batch.input_mask(&device), dropout);
        let hidden = self.t5().decode(batch.decoder_ids(&device), &encoded, dropout); // [B, T, D]
        self.t5().head(hidden)
    }
}
