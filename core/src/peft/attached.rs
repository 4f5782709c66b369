//! LoRA between PEFT's files and a model: names there, paths here.

use std::collections::BTreeMap;

use super::{LoraLayer, LoraLayers, by_path, fused};
use crate::error::{Error, Result};
use crate::model::tensors::{HostTensor, to_vec};
use crate::model::{Adapters, Lora, Model, ModelConfig, ParamPath};

/// Every linear layer of the model by its path: what its weight is called, and `[d_in, d_out]`.
fn linear_layers(model: &Model) -> BTreeMap<String, (ParamPath, [usize; 2])> {
    let mut found = BTreeMap::new();
    model.clone().for_each_linear(&mut |path, linear| {
        found.insert(path.linear(), (path, linear.dims()));
    });
    found
}

/// The model with an adapter as PEFT stored it on its linear layers, in place of any that is there.
///
/// # Errors
/// A module that the model does not have, or factors of other sizes than the layer's.
pub fn attach_lora(model: Model, layers: LoraLayers, config: &ModelConfig) -> Result<Model> {
    let (device, known) = (model.device(), linear_layers(&model));
    let name = |path: &str| known.get(path).and_then(|(path, _)| config.layer_name(path));
    let layers = by_path(fused::split(layers, config)?, known.keys().map(String::as_str), &name)?;
    let attach = |(path, layer): (String, LoraLayer)| {
        let (_, dims) = known[&path];
        let (a, b) = (layer.a, layer.b);
        let rank = a.shape[1];
        if (&a.shape[..], &b.shape[..]) != (&[dims[0], rank][..], &[rank, dims[1]][..]) {
            let expected =
                format!("factors [{}, {rank}] and [{rank}, {}], as the layer has them", dims[0], dims[1]);
            return Err(Error::mismatch(
                format!("LoRA of {path}"),
                expected,
                format!("{:?} and {:?}", a.shape, b.shape),
            ));
        }
        Ok((path, Lora::from_values(a.values, b.values, dims, rank, layer.scale, &device)?))
    };
    let adapters = layers.into_iter().map(attach).collect::<Result<_>>()?;
    Ok(model.with_adapters(&Adapters(adapters)))
}

/// A folder that PEFT loads, of adapters that are, or could be, on this model.
///
/// # Errors
/// A layer that has no module in Hugging Face's layout, or a device that cannot be read.
pub async fn lora_folder(
    adapters: &Adapters,
    model: &Model,
    config: &ModelConfig,
    base_model: &str,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let known = linear_layers(model);
    let mut layers = LoraLayers::new();
    for (path, lora) in &adapters.0 {
        let ([d_in, d_out], rank) = (lora.dims(), lora.rank());
        let a = HostTensor { shape: vec![d_in, rank], values: to_vec(lora.a.val()).await? };
        let b = HostTensor { shape: vec![rank, d_out], values: to_vec(lora.b.val()).await? };
        let name = known.get(path).and_then(|(path, _)| config.layer_name(path)).ok_or_else(|| {
            Error::mismatch(format!("LoRA of {path}"), "a layer with a name in Hugging Face's layout", "none")
        })?;
        layers.insert(name, LoraLayer { a, b, scale: lora.scale });
    }
    let layers = fused::join(layers, config);
    super::write_lora(&layers, base_model, super::TaskType::of(model), config.fan_in_fan_out())
}
