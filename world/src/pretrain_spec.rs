//! What a bundled model is made from, and the files beside its weights that follow from that.

use std::collections::BTreeMap;

use promot_core::error::{Error, Result};
use promot_core::model::{CausalConfig, ModelConfig, T5Config, folder};
use promot_core::spec::StageSpec;
use promot_core::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokenizers::PostProcessorWrapper;

/// What a bundled model is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainSpec {
    pub name: String,
    pub seed: u64,
    #[serde(default, skip_serializing_if = "Architecture::is_t5")]
    pub architecture: Architecture,
    pub d_model: usize,
    pub d_kv: usize,
    pub d_ff: usize,
    /// Blocks of each stack.
    pub layers: usize,
    pub heads: usize,
    /// Heads of keys and values of a decoder-only model; as many as `heads` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<usize>,
    /// Whether the head is the embedding table: what the model reads it can then write, without learning each word
    /// twice.
    pub tied: bool,
    /// Whether the encoder's heads begin by looking for words like their own, a help to compare sentences.
    #[serde(default)]
    pub matching: bool,
    /// Share of the answered documents that a decoder-only model reads as running text: all of their tokens are
    /// predicted, not the answer alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub running: f64,
    /// Longest input in tokens, of a decoder-only model input and target together; longer documents are left out.
    pub max_input: usize,
    /// The first steps see short documents only: several times faster, and enough to learn words, grammar and
    /// facts before answered examples come in front.
    pub short_steps: usize,
    pub short_input: usize,
    pub training: StageSpec,
}

/// The family of a bundled model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// An encoder-decoder as T5 1.1 is.
    #[default]
    T5,
    /// A decoder alone, with rotary positions and heads that share keys and values.
    Llama,
}

impl Architecture {
    fn is_t5(&self) -> bool {
        *self == Self::T5
    }
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// What stands beside the weights in a model's folder.
pub struct Described {
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    /// The small files that a decoder-only model's folder has more.
    pub side: BTreeMap<String, Vec<u8>>,
}

impl PretrainSpec {
    /// # Errors
    /// A setting that the architecture does not have, and sizes that cannot be.
    pub fn describe(&self) -> Result<Described> {
        self.check()?;
        match self.architecture {
            Architecture::T5 => self.t5(),
            Architecture::Llama => self.llama(),
        }
    }

    fn check(&self) -> Result<()> {
        let only = |setting: &str, whose: &str| {
            Err(Error::mismatch(setting, "none (it is of another architecture)", whose))
        };
        match self.architecture {
            Architecture::T5 if self.kv_heads.is_some() => only("kv_heads", "one beside architecture t5"),
            Architecture::T5 if self.running != 0.0 => only("running", "one beside architecture t5"),
            Architecture::Llama if self.matching => only("matching", "one beside architecture llama"),
            _ if !(0.0..=1.0).contains(&self.running) => {
                Err(Error::mismatch("running", "a share from 0 to 1", self.running))
            }
            _ => Ok(()),
        }
    }

    fn t5(&self) -> Result<Described> {
        let tokenizer = Tokenizer::new(crate::tokenizer::train()?)?;
        let config = T5Config {
            model_type: "t5".into(),
            vocab_size: tokenizer.vocab_size(),
            d_model: self.d_model,
            d_kv: self.d_kv,
            d_ff: self.d_ff,
            num_layers: self.layers,
            num_decoder_layers: None,
            num_heads: self.heads,
            relative_attention_num_buckets: 64,
            relative_attention_max_distance: 256,
            dropout_rate: 0.1,
            layer_norm_epsilon: 1e-6,
            feed_forward_proj: "gated-gelu".into(),
            tie_word_embeddings: Some(self.tied),
            scale_decoder_outputs: None,
            pad_token_id: tokenizer.pad,
            eos_token_id: vec![tokenizer.eos],
            decoder_start_token_id: Some(tokenizer.pad),
        };
        Ok(Described { config: config.into(), tokenizer, side: BTreeMap::new() })
    }

    /// The tokenizer is the same but for the end, which it does not put behind a text: a target goes on from its input.
    fn llama(&self) -> Result<Described> {
        let mut tokenizer = crate::tokenizer::train()?;
        tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        let config = json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": tokenizer.get_vocab_size(true),
            "hidden_size": self.d_model,
            "intermediate_size": self.d_ff,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads.unwrap_or(self.heads),
            "head_dim": self.d_kv,
            "hidden_act": "silu",
            "max_position_embeddings": 1024,
            "initializer_range": 0.02,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10_000.0,
            "attention_bias": false,
            "attention_dropout": 0.0,
            "mlp_bias": false,
            "tie_word_embeddings": self.tied,
            "bos_token_id": null,
            "eos_token_id": tokenizer.token_to_id("</s>"),
            "pad_token_id": tokenizer.token_to_id("<pad>"),
            "use_cache": true,
        });
        let config = ModelConfig::from(CausalConfig::from_json(config.to_string().as_bytes())?);
        let tokens = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": "<pad>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "clean_up_tokenization_spaces": false,
        });
        let side =
            BTreeMap::from([("tokenizer_config.json".to_owned(), format!("{tokens:#}\n").into_bytes())]);
        let failed = |error| Error::format("the corpus's tokenizer", error);
        let json = folder::TokenizerFile::Json(tokenizer.to_string(false).map_err(failed)?.into_bytes());
        let tokenizer = folder::load_tokenizer(&json, &config, &side)?;
        Ok(Described { config, tokenizer, side })
    }
}

#[cfg(test)]
mod tests {
    use promot_core::checkpoint::fingerprint;

    use super::*;

    const T5: &str = include_str!("../presets/pretrain-mini.toml");
    const LLAMA: &str = include_str!("../presets/pretrain-mini-llama.toml");

    fn spec(text: &str) -> PretrainSpec {
        toml::from_str(text).expect("a spec")
    }

    #[test]
    fn a_spec_without_an_architecture_is_a_t5_and_has_the_checkpoints_that_it_had() {
        let old = spec(T5);
        assert_eq!(old.architecture, Architecture::T5);
        let named = spec(&format!("architecture = \"t5\"\n{T5}"));
        assert_eq!(fingerprint(&old).expect("a hash"), fingerprint(&named).expect("a hash"));
        let text = toml::to_string(&old).expect("TOML");
        assert!(!["architecture", "kv_heads", "running"].iter().any(|field| text.contains(field)), "{text}");
        let Described { config, tokenizer, side } = old.describe().expect("a T5");
        assert!(config.t5().is_some() && !tokenizer.is_decoder_only() && side.is_empty());
    }

    #[test]
    fn both_architectures_share_a_vocabulary() {
        let t5 = spec(T5).describe().expect("a T5").tokenizer;
        let Described { config, tokenizer, .. } = spec(LLAMA).describe().expect("a Llama");
        assert_eq!(config.model_type(), "llama");
        assert_eq!((tokenizer.vocab_size(), tokenizer.pad, tokenizer.eos), (t5.vocab_size(), t5.pad, t5.eos));
        let text = "Q: Where does Ada live? A:";
        let mut ids = t5.encode_input(text).expect("ids");
        assert_eq!(ids.pop(), Some(t5.eos));
        assert_eq!(tokenizer.encode_input(text).expect("ids"), ids);
        let target = tokenizer.encode_target(text, "In Paris.").expect("ids");
        assert_eq!(target, t5.encode_target(text, "In Paris.").expect("ids"));
    }

    #[test]
    fn settings_of_the_other_architecture_are_refused() {
        for (text, change, part) in [
            (T5, "kv_heads = 2", "kv_heads: expected none"),
            (T5, "running = 0.5", "running: expected none"),
            (LLAMA, "matching = true", "matching: expected none"),
        ] {
            let error = spec(&format!("{change}\n{text}")).describe().err().expect(change).to_string();
            assert!(error.contains(part), "{error}");
        }
        for (change, part) in [
            (
                PretrainSpec { running: 1.5, ..spec(LLAMA) },
                "running: expected a share from 0 to 1, found 1.5",
            ),
            (PretrainSpec { kv_heads: Some(3), ..spec(LLAMA) }, "num_key_value_heads of config.json"),
            (PretrainSpec { d_kv: 5, ..spec(LLAMA) }, "head size of config.json"),
        ] {
            let error = change.describe().err().expect(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
