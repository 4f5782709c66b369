//! A model folder in Hugging Face layout, as bytes: config, weights in one file or in shards, tokenizer.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::Module;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::family::ModelConfig;
use super::gguf;
use super::tensors::{self, HostTensors, Precision, TensorSource};
use super::weights::{ReadAt, WeightFiles};
use super::{CausalConfig, Model};
use crate::content;
use crate::error::{Error, Result};
use crate::record::ModelInfo;
use crate::rng::Rng;
use crate::tokenizer::{self, ChatTemplate, Tokenizer, is_sentinel};

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
    /// None: tokens are bytes, as tokenizer_config.json says.
    Bytes,
}

impl TokenizerFile {
    /// Of a folder that has neither file: `tokens` is its tokenizer_config.json.
    ///
    /// # Errors
    /// A file that is no JSON.
    pub fn without_file(tokens: &[u8]) -> Result<Option<Self>> {
        let tokens: Value = content::json("tokenizer_config.json", tokens)?;
        Ok((tokens["tokenizer_class"] == tokenizer::OF_BYTES).then_some(Self::Bytes))
    }
}

/// Whether a file is a GGUF file, by its first bytes.
pub fn is_gguf(bytes: &impl ReadAt) -> bool {
    let mut start = [0; 4];
    bytes.read_at(0, &mut start).is_ok() && gguf::is_one(&start)
}

impl<R: ReadAt> ModelFiles<R> {
    /// The folder that a GGUF file stands for; a `tokenizer.json` that is given counts more than the file's own.
    ///
    /// # Errors
    /// An architecture or a tokenizer that is not known here.
    pub fn of_gguf(file: &str, bytes: R, tokenizer: Option<Vec<u8>>) -> Result<Self> {
        let described = gguf::describe(file, &bytes, tokenizer.is_none())?;
        let tokenizer = tokenizer.or(described.tokenizer).unwrap_or_default();
        Ok(Self {
            config: described.config,
            weights: vec![(file.to_owned(), bytes)],
            tokenizer: TokenizerFile::Json(tokenizer),
            side: described.side,
        })
    }
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
    let config = configuration(&files.config, &files.side)?;
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

/// What compilers and parallel wrappers put into names, at their beginning or before a wrapped layer.
const INSERTED: [&str; 3] = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."];

/// What data-parallel wrappers and training frameworks put before every name.
const WRAPPERS: [&str; 2] = ["module.", "model."];

fn unwrap_names<R: ReadAt>(weights: &mut WeightFiles<'_, R>) {
    weights.rename(&|name| {
        Some(INSERTED.iter().fold(name.to_owned(), |name, inserted| name.replace(inserted, "")))
    });
    let wrapper = |weights: &WeightFiles<'_, R>| {
        let before_all = |wrapper: &&str| weights.names().iter().all(|name| name.starts_with(wrapper));
        WRAPPERS.into_iter().find(before_all).filter(|_| !weights.is_empty())
    };
    // The Llama family's own names may begin with `model.`: without it they are known as well.
    while let Some(wrapper) = wrapper(weights) {
        weights.rename(&|name| Some(name.strip_prefix(wrapper).unwrap_or(name).to_owned()));
    }
}

/// A new model with random weights, drawn as its family's reference does. A T5's head is untied.
///
/// # Errors
/// A T5 with an activation that is not known here.
pub fn random(config: &ModelConfig, rng: Rng, device: &Device) -> Result<Model> {
    config.random(rng, device)
}

/// A model of this configuration that takes no memory, for its parameters' names and sizes.
///
/// # Errors
/// A T5 with an activation that is not known here.
pub fn outline(config: &ModelConfig) -> Result<Model> {
    config.outline()
}

/// The configuration of a model as the files of its folder say together: what generation_config.json says of an
/// encoder-decoder's first and last tokens counts more than config.json, as in transformers.
pub fn configuration(config: &[u8], side: &BTreeMap<String, Vec<u8>>) -> Result<ModelConfig> {
    let mut config = ModelConfig::from_json(config)?;
    let generation: GenerationConfig = side_file(side, "generation_config.json")?.unwrap_or_default();
    match &mut config {
        ModelConfig::T5(config) => {
            let first = generation.decoder_start_token_id.first();
            config.decoder_start_token_id = first.copied().or(config.decoder_start_token_id);
            if !generation.eos_token_id.is_empty() {
                config.eos_token_id = generation.eos_token_id;
            }
        }
        ModelConfig::Causal(config) => {
            if !generation.eos_token_id.is_empty() {
                config.eos = generation.eos_token_id;
            }
        }
    }
    let (start, vocab_size) = (config.start(), config.vocab_size());
    if start as usize >= vocab_size {
        let expected = format!("below vocab_size {vocab_size}");
        return Err(Error::mismatch("decoder_start_token_id", expected, start));
    }
    Ok(config)
}

/// What generation_config.json says; an id may be one, a list, or null there.
#[derive(Default, Deserialize)]
struct GenerationConfig {
    #[serde(default, deserialize_with = "ids")]
    eos_token_id: Vec<u32>,
    #[serde(default, deserialize_with = "ids")]
    decoder_start_token_id: Vec<u32>,
}

/// A negative id, as some files have it, is none.
fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(i64),
        Several(Vec<i64>),
    }
    let ids = match Option::<Ids>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Ids::One(id)) => vec![id],
        Some(Ids::Several(ids)) => ids,
    };
    Ok(ids.into_iter().filter_map(|id| u32::try_from(id).ok()).collect())
}

fn side_file<T: DeserializeOwned>(side: &BTreeMap<String, Vec<u8>>, name: &str) -> Result<Option<T>> {
    side.get(name).map(|bytes| content::json(name, bytes)).transpose()
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
    let tokens: Value = side_file(side, "tokenizer_config.json")?.unwrap_or_default();
    let tokenizer = match (file, config) {
        (TokenizerFile::Json(bytes), ModelConfig::T5(config)) => {
            Tokenizer::from_json(bytes)?.with_stops(&config.eos_token_id)
        }
        (TokenizerFile::Json(bytes), ModelConfig::Causal(config)) => {
            Tokenizer::decoder_only(bytes, ends(config, &tokens))?
        }
        (TokenizerFile::SentencePiece(bytes), ModelConfig::T5(config)) => {
            // T5 keeps 100 sentinels behind the file's pieces and umT5 300; mT5 has them among its pieces already.
            let usual = match config.model_type.as_str() {
                "t5" => 100,
                "umt5" => 300,
                _ => 0,
            };
            let sentinels = sentinels(&tokens)?.map_or(usual, |said| said as usize);
            Tokenizer::from_sentencepiece(bytes, sentinels)?.with_stops(&config.eos_token_id)
        }
        (TokenizerFile::Bytes, ModelConfig::T5(config)) => {
            // transformers writes down that there are none, and names each.
            let named: BTreeSet<String> =
                special(&tokens).into_iter().filter(|name| is_sentinel(name)).collect();
            let said = if named.is_empty() { sentinels(&tokens)? } else { Some(named.len() as u32) };
            Tokenizer::of_bytes(said)?.with_stops(&config.eos_token_id)
        }
        (TokenizerFile::SentencePiece(_) | TokenizerFile::Bytes, ModelConfig::Causal(_)) => {
            let found = if matches!(file, TokenizerFile::Bytes) { "none" } else { "spiece.model" };
            return Err(Error::mismatch("tokenizer of a decoder-only model", "tokenizer.json", found));
        }
    };
    let mut special = special(&tokens);
    special.extend(special_of_map(side)?);
    let tokenizer = tokenizer.with_special(&special).with_chat(ChatTemplate::of(side)?);
    tokenizer.for_vocabulary(config.vocab_size())
}

/// The sentinels behind the vocabulary, where tokenizer_config.json says how many.
///
/// # Errors
/// More than any vocabulary has.
fn sentinels(tokens: &Value) -> Result<Option<u32>> {
    const MOST: u64 = 10_000;
    match &tokens["extra_ids"] {
        Value::Null => Ok(None),
        said => match said.as_u64() {
            Some(count @ 0..=MOST) => Ok(Some(count as u32)),
            _ => Err(Error::mismatch("extra_ids of tokenizer_config.json", format!("0 to {MOST}"), said)),
        },
    }
}

/// What ends and pads a decoder-only model's rows: the tokenizer's own end first of all.
fn ends(config: &CausalConfig, tokens: &Value) -> tokenizer::Ends {
    tokenizer::Ends {
        eos_token: token(&tokens["eos_token"]),
        pad_token: token(&tokens["pad_token"]),
        stops: config.eos.clone(),
        pad: config.pad,
        bos: config.bos,
    }
}

/// The text of a token, which may be an object there.
fn token(token: &Value) -> Option<String> {
    token.as_str().or(token["content"].as_str()).map(str::to_owned)
}

/// The fields of tokenizer_config.json and special_tokens_map.json that hold special tokens.
const SPECIAL: [&str; 9] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
    "additional_special_tokens",
    "extra_special_tokens",
];

/// The special tokens that tokenizer_config.json names beside those that the tokenizer marks.
fn special(tokens: &Value) -> Vec<String> {
    let added = tokens["added_tokens_decoder"].as_object().into_iter().flat_map(|added| added.values());
    let marked = added.filter(|token| token["special"] == true).filter_map(token);
    let named = SPECIAL.iter().flat_map(|name| match &tokens[*name] {
        Value::Array(list) => list.iter().filter_map(token).collect::<Vec<_>>(),
        one => token(one).into_iter().collect(),
    });
    marked.chain(named).collect()
}

fn special_of_map(side: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>> {
    let map: Option<Value> = side_file(side, "special_tokens_map.json")?;
    Ok(map.map(|map| special(&map)).unwrap_or_default())
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

/// `config.json`, `model.safetensors`, `tokenizer.json` (or `spiece.model`, where it comes from one; neither for ByT5) and
/// `tokenizer_config.json` of a model, its prompt not included: what `transformers` loads unchanged.
pub async fn save(loaded: &LoadedModel, precision: Precision) -> Result<BTreeMap<String, Vec<u8>>> {
    let weights = weights(&loaded.model, &loaded.config).await?;
    let mut files = match &loaded.config {
        ModelConfig::T5(_) => {
            let config = tokenizer_config(&loaded.tokenizer);
            BTreeMap::from([("tokenizer_config.json".to_owned(), config.into_bytes())])
        }
        ModelConfig::Causal(_) => loaded.side.clone(),
    };
    files.extend([
        ("config.json".into(), loaded.config.to_json(loaded.model.has_own_head(), precision)?),
        ("model.safetensors".into(), tensors::to_safetensors(weights, precision)?),
    ]);
    if let Some(pieces) = loaded.tokenizer.sentencepiece() {
        // The file itself, since a tokenizer.json would not cut every text alike.
        files.insert("spiece.model".into(), pieces.to_vec());
    } else if loaded.tokenizer.sentinels_of_bytes().is_none() {
        files.insert("tokenizer.json".into(), loaded.tokenizer.to_json()?.into_bytes());
    }
    Ok(files)
}

/// Of an encoder-decoder's tokenizer. Sentinels of a `spiece.model`'s own are not counted there.
fn tokenizer_config(tokenizer: &Tokenizer) -> String {
    let (class, more) = if tokenizer.sentencepiece().is_some() {
        let sentinels = tokenizer.sentinels_behind().into();
        ("T5Tokenizer", vec![("extra_ids", sentinels), ("legacy", false.into())])
    } else if let Some(sentinels) = tokenizer.sentinels_of_bytes() {
        (tokenizer::OF_BYTES, vec![("extra_ids", sentinels.into())])
    } else {
        ("PreTrainedTokenizerFast", vec![("clean_up_tokenization_spaces", false.into())])
    };
    let mut config = Map::from_iter([
        ("tokenizer_class".to_owned(), class.into()),
        ("pad_token".to_owned(), "<pad>".into()),
        ("eos_token".to_owned(), "</s>".into()),
        ("unk_token".to_owned(), "<unk>".into()),
    ]);
    config.extend(more.into_iter().map(|(field, value)| (field.to_owned(), value)));
    format!("{:#}\n", Value::Object(config))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
