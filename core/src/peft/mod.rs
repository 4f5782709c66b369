//! Adapters in the layout of Hugging Face's PEFT, as bytes: `adapter_config.json` and `adapter_model.safetensors`, read and
//! written for program and page. Soft prompts are also read from NumPy's `.npy`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::content;
use crate::error::{Error, Result};
use crate::model::tensors::{self, HostTensors, Precision};
use crate::model::{Model, SoftPrompt};

mod attached;
mod fused;
mod ia3;
mod lora;
mod npy;
mod prompt;

pub use attached::{attach_lora, lora_folder};
pub use ia3::{Ia3Layer, Ia3Layers, merge_ia3};
pub use lora::{LoraLayer, LoraLayers, by_path, write as write_lora};
pub use npy::parse as parse_npy;
pub use prompt::write as write_prompt;

/// The files of an adapter's folder.
pub const CONFIG_FILE: &str = "adapter_config.json";
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";
/// What older folders have in its place: `read` takes its bytes, too.
pub const TORCH_FILE: &str = "adapter_model.bin";

/// Rows, columns and the values row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub shape: [usize; 2],
    pub values: Vec<f32>,
}

impl Matrix {
    /// A soft prompt's numbers, `[P, D]`.
    pub async fn of(prompt: &SoftPrompt) -> Result<Self> {
        let shape = [prompt.length(), prompt.width()];
        Ok(Self { shape, values: tensors::to_vec(prompt.value.val()).await? })
    }
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Adapter {
    /// `[P, D]`
    Prompt(Matrix),
    Lora(LoraLayers),
    Ia3(Ia3Layers),
}

/// What an adapter's model does, as its configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskType {
    Seq2SeqLm,
    CausalLm,
}

impl TaskType {
    pub fn of(model: &Model) -> Self {
        if model.is_decoder_only() { Self::CausalLm } else { Self::Seq2SeqLm }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Seq2SeqLm => "SEQ_2_SEQ_LM",
            Self::CausalLm => "CAUSAL_LM",
        }
    }
}

/// What compilers put into names.
const INSERTED: &str = "_orig_mod.";

const PROMPT_TUNING: &str = "PROMPT_TUNING";
const LORA: &str = "LORA";
const IA3: &str = "IA3";

/// What the names of an adapter's tensors begin with.
const PREFIX: &str = "base_model.model.";

/// Reads the two files of a folder; `folder` names it in errors.
///
/// # Errors
/// Another `peft_type`, a setting that changes what the adapter computes and is not supported, or tensors that the
/// configuration does not describe.
pub fn read(folder: &str, config: &[u8], weights: &[u8]) -> Result<Adapter> {
    let files = Files::new(folder, config, weights)?;
    match files.peft_type.as_str() {
        PROMPT_TUNING => prompt::read(&files).map(Adapter::Prompt),
        LORA => lora::read(&files).map(Adapter::Lora),
        IA3 => ia3::read(&files).map(Adapter::Ia3),
        _ => Err(files.wrong_type(&[PROMPT_TUNING, LORA, IA3])),
    }
}

/// As `read`, for a folder that must hold a soft prompt.
pub fn read_prompt(folder: &str, config: &[u8], weights: &[u8]) -> Result<Matrix> {
    let files = Files::new(folder, config, weights)?;
    if files.peft_type == PROMPT_TUNING {
        prompt::read(&files)
    } else {
        Err(files.wrong_type(&[PROMPT_TUNING]))
    }
}

/// The two files, opened.
struct Files<'a> {
    config: &'a [u8],
    config_name: String,
    peft_type: String,
    weights: HostTensors,
    weights_name: String,
}

#[derive(Deserialize)]
struct Kind {
    peft_type: String,
}

impl<'a> Files<'a> {
    fn new(folder: &str, config: &'a [u8], weights: &[u8]) -> Result<Self> {
        let config_name = format!("{folder}/{CONFIG_FILE}");
        let weights_name = format!("{folder}/{WEIGHTS_FILE}");
        let Kind { peft_type } = parsed(config, &config_name)?;
        let weights = tensors::from_safetensors(weights, &weights_name)?;
        let plain = |name: String| {
            let name = name.replace(INSERTED, "");
            name.strip_prefix("module.").map(str::to_owned).unwrap_or(name)
        };
        let weights: HostTensors = weights.into_iter().map(|(name, tensor)| (plain(name), tensor)).collect();
        if weights.is_empty() {
            return Err(Error::mismatch(weights_name, "the adapter's tensors", "none"));
        }
        for (name, tensor) in &weights {
            tensor.check_finite(format!("`{name}` in {weights_name}"))?;
        }
        Ok(Self { config, config_name, peft_type, weights, weights_name })
    }

    fn config<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        parsed(self.config, &self.config_name)
    }

    fn wrong_type(&self, known: &[&str]) -> Error {
        let expected = format!("peft_type {}", known.join(" or "));
        Error::mismatch(&self.config_name, expected, &self.peft_type)
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(config: &[u8], name: &str) -> Result<T> {
    content::json(name, config)
}

/// A folder's files, by name.
fn folder(config: &serde_json::Value, weights: &HostTensors) -> Result<BTreeMap<String, Vec<u8>>> {
    Ok(BTreeMap::from([
        (CONFIG_FILE.to_owned(), format!("{config:#}\n").into_bytes()),
        (WEIGHTS_FILE.to_owned(), tensors::to_safetensors(weights, Precision::F32)?),
    ]))
}

#[cfg(test)]
mod tests;
