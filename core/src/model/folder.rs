//! A model folder in Hugging Face layout, as bytes: config, weights in one file or in shards, tokenizer.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;

use super::family::ModelConfig;
use super::t5::{T5, T5Config, init::RandomInit};
use super::tensors::{self, HostTensors, Precision, TensorSource};
use super::weights::{ReadAt, WeightFiles};
use super::{CausalConfig, Lm, Model};
use crate::error::{Error, Result};
use crate::record::ModelInfo;
use crate::rng::Rng;
use crate::tokenizer::{self, Tokenizer};

/// The files of a folder; `weights` holds each file's name and bytes, or a way to read them in pieces.
#[derive(Clone, Debug)]
pub struct ModelFiles<R = Vec<u8>> {
    pub config: Vec<u8>,
    pub weights: Vec<(String, R)>,
    pub tokenizer: TokenizerFile,
    /// Those of `SIDE_FILES` that are there.
    pub side: BTreeMap<String, Vec<u8>>,
}

/// Small files beside these, which a decoder-only model's folder keeps when it is saved again.
pub const SIDE_FILES: [&str; 4] =
    ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

#[derive(Clone, Debug)]
pub enum TokenizerFile {
    /// `tokenizer.json`
    Json(Vec<u8>),
    /// `spiece.model`
    SentencePiece(Vec<u8>),
}

/// A model ready for use.
#[derive(Clone)]
pub struct LoadedModel {
    pub model: Model,
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    pub info: ModelInfo,
    /// Kept as they came.
    pub side: BTreeMap<String, Vec<u8>>,
}

/// Builds the model that the files describe.
///
/// # Errors
/// Every tensor is accounted for: a missing, unused or wrongly shaped one is named.
pub fn load<R: ReadAt>(name: &str, files: &ModelFiles<R>, device: &Device) -> Result<LoadedModel> {
    let config = ModelConfig::from_json(&files.config)?;
    let mut weights = WeightFiles::open(&files.weights)?;
    let sha256 = hex(&weights.sha256()?);
    unwrap_names(&mut weights);
    let model = config.load(weights, device)?;
    let tokenizer = load_tokenizer(&files.tokenizer, &config, &files.side)?;
    let info = ModelInfo {
        name: name.to_owned(),
        model_type: config.model_type().to_owned(),
        parameters: model.num_params(),
        sha256,
    };
    Ok(LoadedModel { model, config, tokenizer, info, side: files.side.clone() })
}

/// What compilers and data-parallel wrappers put before every name.
const WRAPPERS: [&str; 2] = ["_orig_mod.", "module."];

fn unwrap_names<R: ReadAt>(weights: &mut WeightFiles<'_, R>) {
    for wrapper in WRAPPERS {
        if !weights.is_empty() && weights.names().iter().all(|name| name.starts_with(wrapper)) {
            weights.rename(&|name| Some(name.strip_prefix(wrapper).unwrap_or(name).to_owned()));
        }
    }
}

/// A new T5 with an untied head and random weights.
pub fn random(config: &T5Config, rng: Rng, device: &Device) -> Result<Model> {
    let model = Model::new(Lm::T5(T5::empty(config, true, device)?));
    Ok(model.map(&mut RandomInit::new(config, rng)))
}

/// A tokenizer as its model needs it.
///
/// # Errors
/// One with more entries than the model's embedding has, or without the tokens that end and pad its rows.
pub fn load_tokenizer(
    file: &TokenizerFile,
    config: &ModelConfig,
    side: &BTreeMap<String, Vec<u8>>,
) -> Result<Tokenizer> {
    let tokenizer = match (file, config) {
        (TokenizerFile::Json(bytes), ModelConfig::T5(_)) => Tokenizer::from_json(bytes)?,
        (TokenizerFile::Json(bytes), ModelConfig::Causal(config)) => {
            Tokenizer::decoder_only(bytes, ends(config, side)?)?
        }
        (TokenizerFile::SentencePiece(bytes), ModelConfig::T5(config)) => {
            // T5 keeps 100 sentinels behind the file's pieces; mT5 has them among its pieces already.
            let sentinels = if config.model_type == "t5" { 100 } else { 0 };
            Tokenizer::from_sentencepiece(bytes, sentinels)?
        }
        (TokenizerFile::SentencePiece(_), ModelConfig::Causal(_)) => {
            return Err(Error::mismatch(
                "tokenizer of a decoder-only model",
                "tokenizer.json",
                "spiece.model",
            ));
        }
    };
    if tokenizer.vocab_size() > config.vocab_size() {
        return Err(Error::mismatch(
            "tokenizer",
            format!("at most the {} entries of the model's vocab_size", config.vocab_size()),
            tokenizer.vocab_size(),
        ));
    }
    Ok(tokenizer)
}

/// What ends and pads a decoder-only model's rows: generation_config.json before config.json, as transformers has it, and
/// the tokenizer's own end first of all.
fn ends(config: &CausalConfig, side: &BTreeMap<String, Vec<u8>>) -> Result<tokenizer::Ends> {
    let json = |name: &str| -> Result<serde_json::Value> {
        let Some(bytes) = side.get(name) else { return Ok(serde_json::Value::Null) };
        serde_json::from_slice(bytes).map_err(|error| Error::format(name, error))
    };
    let (generation, tokens) = (json("generation_config.json")?, json("tokenizer_config.json")?);
    let text = |name: &str| {
        let token = &tokens[name];
        token.as_str().or(token["content"].as_str()).map(str::to_owned)
    };
    let id = |value: &serde_json::Value| u32::try_from(value.as_u64()?).ok();
    let stops: Vec<u32> = match &generation["eos_token_id"] {
        serde_json::Value::Array(list) => list.iter().filter_map(id).collect(),
        one => id(one).into_iter().collect(),
    };
    Ok(tokenizer::Ends {
        eos_token: text("eos_token"),
        pad_token: text("pad_token"),
        stops: if stops.is_empty() { config.eos.clone() } else { stops },
        pad: config.pad,
        bos: config.bos,
    })
}

/// Every weight under its Hugging Face name, the prompt not included.
///
/// # Errors
/// A model with adapters: the names have none for them.
pub async fn weights(model: &Model, config: &ModelConfig) -> Result<HostTensors> {
    if let Some(path) = model.adapters().0.keys().next() {
        return Err(Error::mismatch(
            "model to be saved",
            "no adapter attached (merge or export the adapter first)",
            format!("one at {path}"),
        ));
    }
    config.weights(model).await
}

/// `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json` of a model, its prompt not
/// included: what `transformers` loads unchanged.
pub async fn save(loaded: &LoadedModel, precision: Precision) -> Result<BTreeMap<String, Vec<u8>>> {
    let weights = weights(&loaded.model, &loaded.config).await?;
    let mut files = match &loaded.config {
        ModelConfig::T5(_) => {
            BTreeMap::from([("tokenizer_config.json".to_owned(), TOKENIZER_CONFIG.as_bytes().to_vec())])
        }
        ModelConfig::Causal(_) => loaded.side.clone(),
    };
    files.extend([
        ("config.json".into(), loaded.config.to_json(loaded.model.has_own_head(), precision)?),
        ("model.safetensors".into(), tensors::to_safetensors(&weights, precision)?),
        ("tokenizer.json".into(), loaded.tokenizer.to_json()?.into_bytes()),
    ]);
    Ok(files)
}

const TOKENIZER_CONFIG: &str = r#"{
  "tokenizer_class": "PreTrainedTokenizerFast",
  "pad_token": "<pad>",
  "eos_token": "</s>",
  "unk_token": "<unk>",
  "clean_up_tokenization_spaces": false
}
"#;

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
