//! Weights of a T5 from a folder's files and back, under their Hugging Face names.

use burn::tensor::Device;
use serde_json::Value;

use super::{T5, T5Config, names};
use crate::error::{Error, Result};
use crate::model::tensors::{self, HostTensors, TensorSource};
use crate::model::weights::{self, ReadAt, WeightFiles};
use crate::model::{Lm, Model};

const HEAD: &str = "lm_head.weight";
const EMBEDDING: &str = names::EMBEDDINGS[0];

/// A model with the weights of these files.
///
/// # Errors
/// Every tensor is accounted for: a missing, unused or wrongly shaped one is named.
pub fn from_weights<R: ReadAt>(
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
    one_embedding(config, &mut weights)?;
    drop_tied_copy(config, &mut weights)?;
    let own_head = weights.shape(HEAD).is_some();
    if !own_head && config.tie_word_embeddings == Some(false) {
        return Err(weights::no_head(HEAD));
    }
    let (_, gated) = config.activation()?;
    let model = Model::new(Lm::T5(T5::empty(config, own_head, device)?));
    let naming = |path: &str| names::hugging_face(&path.parse().ok()?, gated);
    tensors::load(model, &weights, &naming, &names::UNUSED, "the checkpoint")
}

/// The embedding table under one name. It may be stored under any of its names, under several, or as the head that is
/// tied to it.
///
/// # Errors
/// Tables that differ: a T5 has one.
fn one_embedding<R: ReadAt>(config: &T5Config, weights: &mut WeightFiles<'_, R>) -> Result<()> {
    let mut there: Vec<&str> =
        names::EMBEDDINGS.into_iter().filter(|name| weights.shape(name).is_some()).collect();
    if there.is_empty() && config.tie_word_embeddings != Some(false) && weights.shape(HEAD).is_some() {
        there.push(HEAD);
    }
    let Some((first, others)) = there.split_first() else { return Ok(()) };
    for other in others {
        if !weights.same(first, other)? {
            let problem = format!("`{first}` and `{other}` differ, and are one table in the model");
            return Err(Error::Tensors { what: "the checkpoint".into(), problems: vec![problem] });
        }
        weights.remove(other);
    }
    weights.rename(&|name| Some(if name == *first { EMBEDDING } else { name }.to_owned()));
    Ok(())
}

/// A tied head that was saved all the same is the embedding table once more, not a head of its own.
fn drop_tied_copy<R: ReadAt>(config: &T5Config, weights: &mut WeightFiles<'_, R>) -> Result<()> {
    let tied = config.tie_word_embeddings != Some(false);
    let both = weights.shape(EMBEDDING).is_some() && weights.shape(HEAD).is_some();
    if tied && both && weights.same(EMBEDDING, HEAD)? {
        weights.remove(HEAD);
    }
    Ok(())
}

/// Every weight under its Hugging Face name, the prompt not included.
pub async fn weights(model: &Model, config: &T5Config) -> Result<HostTensors> {
    let (_, gated) = config.activation()?;
    let model = model.clone().with_prompt(None);
    tensors::read(&model, &|_| true, &|path| names::hugging_face(&path.parse().ok()?, gated)).await
}

/// Says both in the older key and in the newer one whether the head is tied, since readers differ.
pub fn config_json(config: &T5Config, own_head: bool, dtype: &str) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(config)?;
    let architecture = config.model_type.to_uppercase();
    value["architectures"] = serde_json::json!([format!("{architecture}ForConditionalGeneration")]);
    value["is_encoder_decoder"] = true.into();
    value["tie_word_embeddings"] = (!own_head).into();
    value["scale_decoder_outputs"] = config.scales_head(own_head).into();
    value["num_decoder_layers"] = config.decoder_layers().into();
    value["decoder_start_token_id"] = config.start().into();
    value["torch_dtype"] = dtype.into();
    Ok(value)
}
