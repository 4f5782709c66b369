//! A language model with an optional soft prompt. It knows no task, no tokenizer and no method.
//!
//! Notation, here and below: B rows, S input length, T target length, P prompt length, D model width, H heads,
//! K width of a head, V vocabulary. A prompt stands before the embedded input (Lester et al., 2021), so an encoder
//! sees P + S positions, and a decoder-only model P + S + T.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};

use crate::batch::{Batch, Inputs};
use crate::error::{Error, Result};

pub mod adapters;
mod blocks;
pub mod causal;
pub mod dropout;
mod family;
mod feed_forward;
mod fields;
pub mod folder;
mod gguf;
mod host_tensor;
pub mod linear;
mod nonlinear;
mod norm;
pub mod parameters;
pub mod pass;
pub mod path;
mod place;
pub mod prompt;
mod read_at;
pub mod t5;
pub mod tensors;
mod torch;
pub mod weights;

pub use adapters::Adapters;
pub use causal::{Causal, CausalConfig};
pub use dropout::{Dropout, Rates, Site};
pub use family::ModelConfig;
pub use feed_forward::{Activation, FeedForward};
pub use linear::{Linear, Lora};
pub use norm::{LayerNorm, Norm, RmsNorm};
pub use pass::Pass;
pub use path::ParamPath;
pub use prompt::SoftPrompt;
pub use t5::{T5, T5Config};

/// The model families: encoder-decoders, and decoder-only models. Each is one folder.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Lm {
    T5(T5),
    Causal(Causal),
}

/// What decoding keeps between tokens.
#[derive(Clone, Debug)]
pub enum Cache {
    T5(t5::Cache),
    Causal(causal::Cache),
}

impl Cache {
    /// Row i of the next step continues what row `parents[i]` decoded.
    pub fn reorder_cache(&mut self, parents: &[usize]) {
        match self {
            Self::T5(cache) => cache.reorder_cache(parents),
            Self::Causal(cache) => cache.reorder_cache(parents),
        }
    }

    /// Keeps only these inputs (all their hypotheses): finished ones need no more work.
    pub fn retain_inputs(&mut self, inputs: &[usize]) {
        match self {
            Self::T5(cache) => cache.retain_inputs(inputs),
            Self::Causal(cache) => cache.retain_inputs(inputs),
        }
    }
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
        self.shared().val().device()
    }

    /// D, the width of hidden states and of a soft prompt.
    pub fn width(&self) -> usize {
        self.shared().lazy_shape()[1]
    }

    pub fn vocab_size(&self) -> usize {
        self.shared().lazy_shape()[0]
    }

    /// Whether a row is one sequence, its target behind its input.
    pub fn is_decoder_only(&self) -> bool {
        matches!(self.lm, Lm::Causal(_))
    }

    /// # Errors
    /// A sequence of so many tokens, input and target together, that does not fit behind the prompt, the given one
    /// or its own: learned positions have an end.
    pub fn check_length(&self, prompt: Option<&SoftPrompt>, tokens: usize) -> Result<()> {
        let Lm::Causal(causal) = &self.lm else { return Ok(()) };
        let prompt = prompt.or(self.prompt.as_ref()).map_or(0, SoftPrompt::length);
        match causal.most_positions() {
            Some(most) if prompt + tokens > most => Err(Error::mismatch(
                "length of a sequence, soft prompt, input and target together",
                format!("at most the model's {most} positions (see max_input)"),
                prompt + tokens,
            )),
            _ => Ok(()),
        }
    }

    /// Blocks of a stack; a decoder-only model has no encoder.
    pub fn num_blocks(&self, stack: path::StackKind) -> usize {
        match (&self.lm, stack) {
            (Lm::T5(t5), path::StackKind::Encoder) => t5.encoder.blocks.len(),
            (Lm::T5(t5), path::StackKind::Decoder) => t5.decoder.blocks.len(),
            (Lm::Causal(_), path::StackKind::Encoder) => 0,
            (Lm::Causal(causal), path::StackKind::Decoder) => causal.decoder.blocks.len(),
        }
    }

    /// The embedding table `[V, D]`, without a graph.
    pub fn embedding(&self) -> Tensor<2> {
        self.shared().val().detach()
    }

    /// Encodes token ids with the prompt, if there is one, in front; `None` without an encoder.
    ///
    /// # Shapes
    /// - `ids`: `[B, S]`, `mask`: `[B, S]`, 1 on real tokens
    /// - result: `[B, P + S, D]`
    pub fn encode(&self, ids: Tensor<2, Int>, mask: Tensor<2>, pass: &mut Pass<'_>) -> Option<Encoded> {
        match &self.lm {
            Lm::T5(t5) => Some(self.encode_with(t5, ids, mask, pass)),
            Lm::Causal(_) => None,
        }
    }

    fn encode_with(&self, t5: &T5, ids: Tensor<2, Int>, mask: Tensor<2>, pass: &mut Pass<'_>) -> Encoded {
        let embedded = t5.embed_tokens(ids);
        let (embedded, mask) = match &self.prompt {
            Some(prompt) => prompt.prepend(embedded, mask),
            None => (embedded, mask),
        };
        let hidden_states = t5.encode(embedded, mask.clone(), pass);
        Encoded { hidden_states, mask }
    }

    /// Hidden states `[B, T, D]` at every target position, teacher forced.
    pub fn hidden(&self, batch: &Batch, pass: &mut Pass<'_>) -> Tensor<3> {
        match &self.lm {
            Lm::T5(t5) => {
                let device = self.device();
                let (ids, mask) = (batch.input_ids(&device), batch.input_mask(&device));
                let encoded = self.encode_with(t5, ids, mask, pass);
                t5.decode(batch.decoder_ids(&device), &encoded, pass)
            }
            Lm::Causal(causal) => causal.hidden(self.prompt.as_ref(), batch, pass),
        }
    }

    /// Logits `[B, T, V]` of hidden states `[B, T, D]`.
    pub fn lm_head(&self, hidden: Tensor<3>) -> Tensor<3> {
        match &self.lm {
            Lm::T5(t5) => t5.lm_head(hidden),
            Lm::Causal(causal) => causal.lm_head(hidden),
        }
    }

    /// Logits of every target position, teacher forced: `[B, T, V]`.
    pub fn logits(&self, batch: &Batch, pass: &mut Pass<'_>) -> Tensor<3> {
        self.lm_head(self.hidden(batch, pass))
    }

    /// Begins decoding, `num_beams` hypotheses an input. Without autodiff (`Module::valid`).
    pub fn decoder(&self, inputs: &Inputs, num_beams: usize) -> Cache {
        match &self.lm {
            Lm::T5(t5) => {
                let device = self.device();
                let (ids, mask) = (inputs.ids(&device), inputs.mask(&device));
                let encoded = self.encode_with(t5, ids, mask, &mut Pass::eval());
                Cache::T5(t5::Cache::new(t5, &encoded, num_beams))
            }
            Lm::Causal(causal) => {
                Cache::Causal(causal::Cache::new(causal, self.prompt.as_ref(), inputs, num_beams))
            }
        }
    }

    /// Feeds one token a row, `ids` `[B * num_beams, 1]`; gives the logits of what may follow, `[B * num_beams, V]`. What
    /// the first step feeds is an encoder-decoder's start token; a decoder-only model goes on from its input.
    ///
    /// # Panics
    /// Panics if the cache is of another family.
    pub fn step(&self, cache: &mut Cache, ids: Tensor<2, Int>) -> Tensor<2> {
        match (&self.lm, cache) {
            (Lm::T5(t5), Cache::T5(cache)) => cache.step(t5, ids),
            (Lm::Causal(causal), Cache::Causal(cache)) => cache.step(causal, ids),
            _ => panic!("a cache is of the model that began it"),
        }
    }

    /// Whether the head has weights of its own, not the embedding table's.
    pub fn has_own_head(&self) -> bool {
        match &self.lm {
            Lm::T5(t5) => t5.lm_head.is_some(),
            Lm::Causal(causal) => causal.lm_head.is_some(),
        }
    }

    fn shared(&self) -> &Param<Tensor<2>> {
        match &self.lm {
            Lm::T5(t5) => &t5.shared,
            Lm::Causal(causal) => &causal.shared,
        }
    }
}
