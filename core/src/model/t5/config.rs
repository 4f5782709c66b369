//! `config.json` of the T5 family: T5 1.0, T5 1.1 and mT5 differ in three fields only, umT5 in where its biases are.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::content;
use crate::error::{Error, Result};
use crate::model::feed_forward::Activation;
use crate::model::fields::{self, Fields};

/// `model_type` of the models that are known.
pub const MODEL_TYPES: [&str; 3] = ["t5", "mt5", "umt5"];

/// The fields of Hugging Face's `config.json` that shape the computation, under their names there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct T5Config {
    pub model_type: String,
    pub vocab_size: usize,
    pub d_model: usize,
    /// Width of a head; `d_kv * num_heads` need not equal `d_model`.
    pub d_kv: usize,
    pub d_ff: usize,
    pub num_layers: usize,
    pub num_decoder_layers: Option<usize>,
    pub num_heads: usize,
    pub relative_attention_num_buckets: usize,
    pub relative_attention_max_distance: usize,
    pub dropout_rate: f64,
    pub layer_norm_epsilon: f64,
    pub feed_forward_proj: String,
    pub tie_word_embeddings: Option<bool>,
    /// Newer files say directly whether decoder states are scaled by `1 / sqrt(d_model)` before a tied head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_decoder_outputs: Option<bool>,
    pub pad_token_id: u32,
    /// What may end an output; empty where the file does not say.
    #[serde(serialize_with = "one_or_list")]
    pub eos_token_id: Vec<u32>,
    pub decoder_start_token_id: Option<u32>,
}

fn one_or_list<S: Serializer>(ids: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    match ids {
        [] => serializer.serialize_none(),
        [one] => serializer.serialize_u32(*one),
        several => serializer.collect_seq(several),
    }
}

impl T5Config {
    /// # Errors
    /// Names a missing field, a wrong type, a size that cannot be, an unknown family or projection.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let file: Map<String, Value> = content::json("config.json", bytes)?;
        let fields = Fields(&file);
        let first = |name: &str| fields.ids(name).map(|ids| ids.first().copied());
        let config = Self {
            model_type: fields.text("model_type")?.unwrap_or_default(),
            vocab_size: fields.size("vocab_size")?,
            d_model: fields.size("d_model")?,
            d_kv: fields.size("d_kv")?,
            d_ff: fields.size("d_ff")?,
            num_layers: fields.size("num_layers")?,
            num_decoder_layers: fields.optional("num_decoder_layers")?,
            num_heads: fields.size("num_heads")?,
            relative_attention_num_buckets: fields.optional("relative_attention_num_buckets")?.unwrap_or(32),
            relative_attention_max_distance: fields
                .optional("relative_attention_max_distance")?
                .unwrap_or(128),
            dropout_rate: fields.share("dropout_rate")?.unwrap_or(0.1),
            layer_norm_epsilon: fields.number("layer_norm_epsilon")?.unwrap_or(1e-6),
            feed_forward_proj: fields.text("feed_forward_proj")?.unwrap_or("relu".into()),
            tie_word_embeddings: fields.optional_flag("tie_word_embeddings")?,
            scale_decoder_outputs: fields.optional_flag("scale_decoder_outputs")?,
            pad_token_id: first("pad_token_id")?.unwrap_or(0),
            eos_token_id: fields.ids("eos_token_id")?,
            decoder_start_token_id: first("decoder_start_token_id")?,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if !MODEL_TYPES.contains(&self.model_type.as_str()) {
            let expected = format!("one of {}", MODEL_TYPES.join(", "));
            return Err(Error::mismatch("model_type of config.json", expected, &self.model_type));
        }
        fields::check_products(&[
            (self.vocab_size, self.d_model),
            (self.num_heads, self.d_kv),
            (self.num_heads.saturating_mul(self.d_kv), self.d_model),
            (self.d_ff, self.d_model),
            (self.relative_attention_num_buckets, self.num_heads),
        ])?;
        let buckets = self.relative_attention_num_buckets;
        if buckets < 4 || !buckets.is_multiple_of(4) {
            return Err(Error::mismatch(
                "relative_attention_num_buckets of config.json",
                "a positive multiple of 4",
                buckets,
            ));
        }
        if self.relative_attention_max_distance <= buckets / 2 {
            return Err(Error::mismatch(
                "relative_attention_max_distance of config.json",
                format!("more than half of the {buckets} buckets"),
                self.relative_attention_max_distance,
            ));
        }
        self.activation().map(|_| ())
    }

    pub fn decoder_layers(&self) -> usize {
        self.num_decoder_layers.unwrap_or(self.num_layers)
    }

    /// Whether each block has a relative position bias of its own (umT5; Chung et al., 2023), not one each stack.
    pub fn has_bias_in_each_block(&self) -> bool {
        self.model_type == "umt5"
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
    /// scales; transformers 5 writes `tie_word_embeddings: true` for it and no newer key. So it does for umT5, which scales
    /// before a tied head alone (transformers 5 itself scales always, and is wrong about Google's weights).
    pub fn scales_head(&self, own_head: bool) -> bool {
        let older = match self.model_type.as_str() {
            "mt5" => false,
            "umt5" => !own_head,
            _ => self.tie_word_embeddings.unwrap_or(!own_head),
        };
        self.scale_decoder_outputs.unwrap_or(older)
    }
}
