//! `config.json` of the T5 family: T5 1.0, T5 1.1 and mT5 differ in three fields only.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::feed_forward::Activation;

/// `model_type` of the models that are known.
pub const MODEL_TYPES: [&str; 2] = ["t5", "mt5"];

/// The fields of Hugging Face's `config.json` that shape the computation, under their names there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct T5Config {
    pub model_type: String,
    pub vocab_size: usize,
    pub d_model: usize,
    /// Width of a head; `d_kv * num_heads` need not equal `d_model`.
    pub d_kv: usize,
    pub d_ff: usize,
    pub num_layers: usize,
    #[serde(default)]
    pub num_decoder_layers: Option<usize>,
    pub num_heads: usize,
    #[serde(default = "default_buckets")]
    pub relative_attention_num_buckets: usize,
    #[serde(default = "default_distance")]
    pub relative_attention_max_distance: usize,
    #[serde(default = "default_dropout")]
    pub dropout_rate: f64,
    #[serde(default = "default_epsilon")]
    pub layer_norm_epsilon: f64,
    #[serde(default = "default_projection")]
    pub feed_forward_proj: String,
    #[serde(default)]
    pub tie_word_embeddings: Option<bool>,
    /// Newer files say directly whether decoder states are scaled by `1 / sqrt(d_model)` before a tied head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_decoder_outputs: Option<bool>,
    #[serde(default)]
    pub pad_token_id: u32,
    #[serde(default = "default_eos")]
    pub eos_token_id: u32,
    #[serde(default)]
    pub decoder_start_token_id: Option<u32>,
}

fn default_buckets() -> usize {
    32
}
fn default_distance() -> usize {
    128
}
fn default_dropout() -> f64 {
    0.1
}
fn default_epsilon() -> f64 {
    1e-6
}
fn default_projection() -> String {
    "relu".into()
}
fn default_eos() -> u32 {
    1
}

impl T5Config {
    /// # Errors
    /// Names a missing field, a wrong type, a size of 0, an unknown family or projection.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let config: Self =
            serde_json::from_slice(bytes).map_err(|error| Error::format("config.json", error))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if !MODEL_TYPES.contains(&self.model_type.as_str()) {
            let expected = MODEL_TYPES.join(" or ");
            return Err(Error::mismatch("model_type of config.json", expected, &self.model_type));
        }
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("d_kv", self.d_kv),
            ("d_ff", self.d_ff),
            ("num_layers", self.num_layers),
            ("num_decoder_layers", self.decoder_layers()),
            ("num_heads", self.num_heads),
        ];
        for (name, size) in sizes {
            if size == 0 {
                return Err(Error::mismatch(format!("{name} of config.json"), "at least 1", 0));
            }
        }
        let buckets = self.relative_attention_num_buckets;
        if buckets < 4 || !buckets.is_multiple_of(4) {
            return Err(Error::mismatch(
                "relative_attention_num_buckets",
                "a positive multiple of 4",
                buckets,
            ));
        }
        if self.relative_attention_max_distance <= buckets / 2 {
            return Err(Error::mismatch(
                "relative_attention_max_distance",
                format!("more than half of the {buckets} buckets"),
                self.relative_attention_max_distance,
            ));
        }
        self.activation().map(|_| ())
    }

    pub fn decoder_layers(&self) -> usize {
        self.num_decoder_layers.unwrap_or(self.num_layers)
    }

    /// The decoder's first input.
    pub fn start(&self) -> u32 {
        self.decoder_start_token_id.unwrap_or(self.pad_token_id)
    }

    /// The non-linearity, and whether a second projection gates it.
    pub fn activation(&self) -> Result<(Activation, bool)> {
        match self.feed_forward_proj.as_str() {
            "relu" => Ok((Activation::Relu, false)),
            "gated-relu" => Ok((Activation::Relu, true)),
            "gated-gelu" => Ok((Activation::GeluTanh, true)),
            "gated-silu" => Ok((Activation::Silu, true)),
            other => Err(Error::mismatch(
                "feed_forward_proj of config.json",
                "relu, gated-relu, gated-gelu or gated-silu",
                other,
            )),
        }
    }

    /// Whether decoder states are scaled by `1 / sqrt(d_model)` before the head. `own_head` says that the
    /// weights hold a `lm_head.weight` of its own: newer transformers write `tie_word_embeddings: true` even
    /// then, so the newer key decides where it stands, and the older one only where it does not. mT5 never
    /// scales; transformers 5 writes `tie_word_embeddings: true` for it and no newer key.
    pub fn scales_head(&self, own_head: bool) -> bool {
        let older = self.model_type != "mt5" && self.tie_word_embeddings.unwrap_or(!own_head);
        self.scale_decoder_outputs.unwrap_or(older)
    }
}
