//! IA3 adapters (Liu et al., 2022) in PEFT's layout: a linear layer's outputs, its bias included, times a vector, or its
//! inputs where PEFT counts it to the feed-forward modules. A vector of outputs is stored as `[d_out, 1]`, one of inputs as
//! `[1, d_in]`.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use serde::Deserialize;
use serde_json::Value;

use super::lora::unknown;
use super::{Files, PREFIX, fused};
use crate::error::{Error, Result};
use crate::model::causal::names::Fused;
use crate::model::tensors::HostTensor;
use crate::model::{Model, ModelConfig};

/// What a linear layer is scaled by.
#[derive(Clone, Debug, PartialEq)]
pub enum Ia3Layer {
    /// `[d_in]`
    Inputs(Vec<f32>),
    /// `[d_out]`
    Outputs(Vec<f32>),
}

/// By Hugging Face's module name.
pub type Ia3Layers = BTreeMap<String, Ia3Layer>;

const FACTOR: &str = ".ia3_l";

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    modules_to_save: Value,
}

pub(super) fn read(files: &Files<'_>) -> Result<Ia3Layers> {
    let config: Config = files.config()?;
    if !config.modules_to_save.is_null() {
        let what = format!("{}, modules_to_save", files.config_name);
        return Err(Error::mismatch(what, "nothing (not supported)", config.modules_to_save));
    }
    let name = &files.weights_name;
    let layer = |(key, tensor): (&String, &HostTensor)| {
        let module = key.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(FACTOR));
        let module = module.ok_or_else(|| {
            Error::mismatch(name, format!("tensors {PREFIX}<module>{FACTOR}"), format!("`{key}`"))
        })?;
        let values = tensor.values.clone();
        let layer = match tensor.shape[..] {
            [1, d_in] if d_in > 1 => Ia3Layer::Inputs(values),
            [_, 1] => Ia3Layer::Outputs(values),
            _ => {
                let shape = format!("{:?}", tensor.shape);
                return Err(Error::mismatch(format!("{name}, `{key}`"), "[d_out, 1] or [1, d_in]", shape));
            }
        };
        Ok((module.to_owned(), layer))
    };
    files.weights.iter().map(layer).collect()
}

/// The model with the adapter in its weights: its outputs are those of PEFT's adapted model.
///
/// # Errors
/// A module that the model does not have, or a vector of another length than the layer's.
pub fn merge_ia3(mut model: Model, mut layers: Ia3Layers, config: &ModelConfig) -> Result<Model> {
    for fused in fused::fused(config) {
        let Some(layer) = layers.remove(&fused.name) else { continue };
        for (kind, ranges) in &fused.parts {
            let part = match &layer {
                Ia3Layer::Inputs(_) => layer.clone(),
                Ia3Layer::Outputs(values) => {
                    fused::check("IA3", &fused, values.len())?;
                    Ia3Layer::Outputs(Fused::of_part(values, ranges).copied().collect())
                }
            };
            layers.insert(fused.part(*kind), part);
        }
    }
    let device = model.device();
    let mut wrong = None;
    model.for_each_linear(&mut |path, linear| {
        let Some(layer) = config.layer_name(&path).and_then(|name| layers.remove(&name)) else { return };
        let [d_in, d_out] = linear.dims();
        let (side, expected, found) = match &layer {
            Ia3Layer::Inputs(values) => ("inputs", d_in, values.len()),
            Ia3Layer::Outputs(values) => ("outputs", d_out, values.len()),
        };
        if expected != found {
            let what = format!("IA3 of {}", path.linear());
            wrong.get_or_insert(Error::mismatch(what, format!("{expected} {side}"), found));
            return;
        }
        *linear = match layer {
            Ia3Layer::Inputs(values) => linear.clone().with_scaled_inputs(vector(&values, &device)),
            Ia3Layer::Outputs(values) => linear.clone().with_scaled_outputs(vector(&values, &device)),
        };
    });
    match wrong {
        Some(error) => Err(error),
        None if layers.is_empty() => Ok(model),
        None => Err(unknown("the IA3 adapter", layers.keys())),
    }
}

fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_floats(values, device)
}
