//! A model folder in Hugging Face layout, as bytes: config, weights in one file or in shards, tokenizer.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;

use super::t5::{T5, T5Config, init::RandomInit, names};
use super::tensors::{self, HostTensors, Precision, TensorSource};
use super::weights::{ReadAt, WeightFiles};
use super::{Lm, Model};
use crate::error::{Error, Result};
use crate::record::ModelInfo;
use crate::rng::Rng;
use crate::tokenizer::Tokenizer;

/// The files of a folder; `weights` holds each file's name and bytes, or a way to read them in pieces.
#[derive(Clone, Debug)]
pub struct ModelFiles<R = Vec<u8>> {
    pub config: Vec<u8>,
    pub weights: Vec<(String, R)>,
    pub tokenizer: TokenizerFile,
}

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
    pub config: T5Config,
    pub tokenizer: Tokenizer,
    pub info: ModelInfo,
}

/// Builds the model that the files describe.
///
/// # Errors
/// Every tensor is accounted for: a missing, unused or wrongly shaped one is named.
pub fn load<R: ReadAt>(name: &str, files: &ModelFiles<R>, device: &Device) -> Result<LoadedModel> {
    let config = T5Config::from_json(&files.config)?;
    let weights = WeightFiles::open(&files.weights)?;
    let sha256 = hex(&weights.sha256()?);
    let model = from_weights(&config, weights, device)?;
    let tokenizer = load_tokenizer(&files.tokenizer, &config)?;
    let info = ModelInfo {
        name: name.to_owned(),
        model_type: config.model_type.clone(),
        parameters: model.num_params(),
        sha256,
    };
    Ok(LoadedModel { model, config, tokenizer, info })
}

/// A model with the weights of these files, under their Hugging Face names.
fn from_weights<R: ReadAt>(
    config: &T5Config,
    mut weights: WeightFiles<'_, R>,
    device: &Device,
) -> Result<Model> {
    // A wrong config must not make more layers than memory holds.
    let layers = config.num_layers.saturating_add(config.decoder_layers());
    if layers > weights.len() {
        let expected = format!("no more layers than the {} tensors of the weights", weights.len());
        return Err(Error::mismatch("num_layers and num_decoder_layers of config.json", expected, layers));
    }
    drop_tied_copy(config, &mut weights)?;
    let own_head = weights.shape(HEAD).is_some();
    let (_, gated) = config.activation()?;
    let model = Model::new(Lm::T5(T5::empty(config, own_head, device)?));
    let naming = |path: &str| names::hugging_face(&path.parse().ok()?, gated);
    tensors::load(model, &weights, &naming, &names::ALIASES, "the checkpoint")
}

const HEAD: &str = "lm_head.weight";
const EMBEDDING: &str = "shared.weight";

/// A tied head that was saved all the same is the embedding table once more, not a head of its own.
fn drop_tied_copy<R: ReadAt>(config: &T5Config, weights: &mut WeightFiles<'_, R>) -> Result<()> {
    let tied = config.tie_word_embeddings != Some(false);
    let alike = weights.shape(EMBEDDING).is_some() && weights.shape(EMBEDDING) == weights.shape(HEAD);
    if tied && alike && weights.tensor(EMBEDDING)? == weights.tensor(HEAD)? {
        weights.remove(HEAD);
    }
    Ok(())
}

/// A new model with an untied head and random weights.
pub fn random(config: &T5Config, rng: Rng, device: &Device) -> Result<Model> {
    let model = Model::new(Lm::T5(T5::empty(config, true, device)?));
    Ok(model.map(&mut RandomInit::new(config, rng)))
}

fn load_tokenizer(file: &TokenizerFile, config: &T5Config) -> Result<Tokenizer> {
    let tokenizer = match file {
        TokenizerFile::Json(bytes) => Tokenizer::from_json(bytes)?,
        TokenizerFile::SentencePiece(bytes) => {
            // T5 keeps 100 sentinels behind the file's pieces; mT5 has them among its pieces already.
            let sentinels = if config.model_type == "t5" { 100 } else { 0 };
            Tokenizer::from_sentencepiece(bytes, sentinels)?
        }
    };
    if tokenizer.vocab_size() > config.vocab_size {
        return Err(Error::mismatch(
            "tokenizer",
            format!("at most the {} entries of the model's vocab_size", config.vocab_size),
            tokenizer.vocab_size(),
        ));
    }
    Ok(tokenizer)
}

/// Every weight under its Hugging Face name, the prompt not included.
///
/// # Errors
/// A model with adapters: the names have none for them.
pub async fn weights(model: &Model, config: &T5Config) -> Result<HostTensors> {
    if let Some(path) = model.adapters().0.keys().next() {
        return Err(Error::mismatch(
            "model to be saved",
            "no adapter attached (merge or export the adapter first)",
            format!("one at {path}"),
        ));
    }
    let (_, gated) = config.activation()?;
    let model = model.clone().with_prompt(None);
    tensors::read(&model, &|_| true, &|path| names::hugging_face(&path.parse().ok()?, gated)).await
}

/// `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json` of a model, its prompt not
/// included: what `transformers` loads unchanged.
pub async fn save(loaded: &LoadedModel, precision: Precision) -> Result<BTreeMap<String, Vec<u8>>> {
    let weights = weights(&loaded.model, &loaded.config).await?;
    let own_head = weights.contains_key(HEAD);
    Ok(BTreeMap::from([
        ("config.json".into(), config_json(&loaded.config, own_head, precision)?),
        ("model.safetensors".into(), tensors::to_safetensors(&weights, precision)?),
        ("tokenizer.json".into(), loaded.tokenizer.to_json()?.into_bytes()),
        ("tokenizer_config.json".into(), TOKENIZER_CONFIG.as_bytes().to_vec()),
    ]))
}

/// Says both in the older key and in the newer one whether the head is tied, since readers differ.
fn config_json(config: &T5Config, own_head: bool, precision: Precision) -> Result<Vec<u8>> {
    let failed = |error| Error::format("config.json to be written", error);
    let mut value = serde_json::to_value(config).map_err(failed)?;
    let architecture = if config.model_type == "mt5" { "MT5" } else { "T5" };
    value["architectures"] = serde_json::json!([format!("{architecture}ForConditionalGeneration")]);
    value["is_encoder_decoder"] = true.into();
    value["tie_word_embeddings"] = (!own_head).into();
    value["scale_decoder_outputs"] = config.scales_head(own_head).into();
    value["num_decoder_layers"] = config.decoder_layers().into();
    value["decoder_start_token_id"] = config.start().into();
    value["torch_dtype"] = if precision == Precision::F16 { "float16" } else { "float32" }.into();
    serde_json::to_vec_pretty(&value).map_err(failed)
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
