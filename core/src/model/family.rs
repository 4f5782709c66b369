//! The families of models by their `config.json`: what a folder needs to know of each.

use burn::module::Module as _;
use burn::tensor::Device;
use serde::Deserialize;
use serde_json::Value;

use super::causal::{self, CausalConfig};
use super::t5::{self, T5Config};
use super::tensors::{HostTensors, Precision};
use super::weights::{ReadAt, WeightFiles};
use super::{Causal, Lm, Model, ParamPath, T5};
use crate::content;
use crate::error::{Error, Result};
use crate::rng::Rng;

/// A model's `config.json`.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // one a model
pub enum ModelConfig {
    T5(T5Config),
    Causal(CausalConfig),
}

impl From<T5Config> for ModelConfig {
    fn from(config: T5Config) -> Self {
        Self::T5(config)
    }
}

impl From<CausalConfig> for ModelConfig {
    fn from(config: CausalConfig) -> Self {
        Self::Causal(config)
    }
}

/// What tells the families apart.
#[derive(Deserialize)]
struct Head {
    model_type: Option<String>,
}

impl ModelConfig {
    /// # Errors
    /// Names the families that are known where `model_type` is another one; otherwise as the family's own reader.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let head: Head = content::json("config.json", bytes)?;
        let causal = causal::MODEL_TYPES.map(|(name, _)| name);
        match head.model_type {
            Some(name) if t5::MODEL_TYPES.contains(&&*name) => T5Config::from_json(bytes).map(Self::T5),
            Some(name) if causal.contains(&&*name) => CausalConfig::from_json(bytes).map(Self::Causal),
            other => {
                let expected = format!("one of {}", [&t5::MODEL_TYPES[..], &causal[..]].concat().join(", "));
                let found = other.map_or("none".to_owned(), |name| format!("`{name}`"));
                Err(Error::mismatch("model_type of config.json", expected, found))
            }
        }
    }

    pub fn model_type(&self) -> &str {
        match self {
            Self::T5(config) => &config.model_type,
            Self::Causal(config) => &config.model_type,
        }
    }

    /// D, the width of hidden states and of a soft prompt.
    pub fn d_model(&self) -> usize {
        match self {
            Self::T5(config) => config.d_model,
            Self::Causal(config) => config.d_model,
        }
    }

    pub fn vocab_size(&self) -> usize {
        match self {
            Self::T5(config) => config.vocab_size,
            Self::Causal(config) => config.vocab_size,
        }
    }

    /// What decoding begins with. A decoder-only model goes on from its input, and this id is not looked at.
    pub fn start(&self) -> u32 {
        match self {
            Self::T5(config) => config.start(),
            Self::Causal(_) => 0,
        }
    }

    /// Whether a row is one sequence, its target behind its input.
    pub fn is_decoder_only(&self) -> bool {
        matches!(self, Self::Causal(_))
    }

    /// A configuration of a T5.
    pub fn t5(&self) -> Option<&T5Config> {
        match self {
            Self::T5(config) => Some(config),
            Self::Causal(_) => None,
        }
    }

    /// A new model with random weights. A T5's head is its own whatever the file says.
    pub(super) fn random(&self, rng: Rng, device: &Device) -> Result<Model> {
        match self {
            Self::T5(config) => {
                let model = Model::new(Lm::T5(T5::empty(config, true, device)?));
                Ok(model.map(&mut t5::init::RandomInit::new(config, rng)))
            }
            Self::Causal(config) => {
                let model = Model::new(Lm::Causal(Causal::empty(config, !config.tied, device)));
                let deviation = config.initializer_range();
                Ok(model.map(&mut causal::init::RandomInit { deviation, rng }))
            }
        }
    }

    /// A model whose parameters take memory when they are first used.
    ///
    /// # Errors
    /// More layers than any model has: even without numbers they take memory.
    pub(super) fn outline(&self) -> Result<Model> {
        const MOST: usize = 10_000;
        let layers = match self {
            Self::T5(config) => config.num_layers.max(config.decoder_layers()),
            Self::Causal(config) => config.num_layers,
        };
        if layers > MOST {
            return Err(Error::mismatch("layers of config.json", format!("at most {MOST}"), layers));
        }
        let device = Device::flex();
        Ok(Model::new(match self {
            Self::T5(config) => {
                Lm::T5(T5::empty(config, config.tie_word_embeddings == Some(false), &device)?)
            }
            Self::Causal(config) => Lm::Causal(Causal::empty(config, !config.tied, &device)),
        }))
    }

    /// A model with the weights of these files, under their Hugging Face names.
    pub(super) fn load<R: ReadAt>(&self, weights: WeightFiles<'_, R>, device: &Device) -> Result<Model> {
        match self {
            Self::T5(config) => t5::load::from_weights(config, weights, device),
            Self::Causal(config) => causal::load::from_weights(config, weights, device),
        }
    }

    /// Whether linear layers are stored as they are multiplied, `[in, out]`, which PEFT wants to be told.
    pub fn fan_in_fan_out(&self) -> bool {
        matches!(self, Self::Causal(config) if config.family == causal::Family::Gpt2)
    }

    /// Every weight under its Hugging Face name, prompt and adapters not included.
    pub(super) async fn weights(&self, model: &Model) -> Result<HostTensors> {
        match self {
            Self::T5(config) => t5::load::weights(model, config).await,
            Self::Causal(config) => causal::load::weights(model, config).await,
        }
    }

    /// The Hugging Face name of a linear layer's module, such as `model.layers.0.self_attn.q_proj`; of one that shares its
    /// module with others with its letter, such as `transformer.h.0.attn.c_attn[q]`.
    pub fn layer_name(&self, path: &ParamPath) -> Option<String> {
        match self {
            Self::T5(config) => {
                let (_, gated) = config.activation().ok()?;
                t5::names::module(path, gated)
            }
            Self::Causal(config) => causal::names::layer(path, config.family),
        }
    }

    /// `config.json` again, for weights with or without a head of their own.
    pub(super) fn to_json(&self, own_head: bool, precision: Precision) -> Result<Vec<u8>> {
        let dtype = if precision == Precision::F16 { "float16" } else { "float32" };
        let failed = |error| Error::format("config.json to be written", error);
        let value: Value = match self {
            Self::T5(config) => t5::load::config_json(config, own_head, dtype).map_err(failed)?,
            Self::Causal(config) => config.to_json(own_head, dtype),
        };
        serde_json::to_vec_pretty(&value).map_err(failed)
    }
}
