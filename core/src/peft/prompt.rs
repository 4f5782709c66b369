//! Soft prompts: PEFT's `PromptTuningConfig` and the tensor `prompt_embeddings` [P, d_model].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Files, Matrix, PROMPT_TUNING, TaskType, folder};
use crate::error::{Error, Result};
use crate::model::tensors::{HostTensor, HostTensors};

const TENSOR: &str = "prompt_embeddings";

/// What matters of the configuration.
#[derive(Deserialize)]
struct Config {
    num_virtual_tokens: usize,
    num_transformer_submodules: Option<usize>,
    task_type: Option<String>,
}

pub(super) fn read(files: &Files<'_>) -> Result<Matrix> {
    let config: Config = files.config()?;
    let name = &files.weights_name;
    let tensor = files.weights.get(TENSOR).ok_or_else(|| {
        let found = files.weights.keys().cloned().collect::<Vec<_>>().join(", ");
        Error::mismatch(name, format!("a tensor `{TENSOR}`"), found)
    })?;
    let &[rows, width] = tensor.shape.as_slice() else {
        return Err(Error::mismatch(name, "two dimensions", format!("shape {:?}", tensor.shape)));
    };
    // By default, which null stands for, PEFT doubles the prompt of an encoder-decoder: rows P to 2P would go before the
    // decoder's input, and its own `generate` leaves them out, as we do.
    let length = config.num_virtual_tokens;
    let default = if config.task_type.as_deref() == Some(TaskType::Seq2SeqLm.name()) { 2 } else { 1 };
    let copies = config.num_transformer_submodules.unwrap_or(default).max(1);
    if rows != length && Some(rows) != length.checked_mul(copies) {
        return Err(Error::mismatch(name, format!("{length} rows (num_virtual_tokens)"), rows));
    }
    Ok(Matrix { shape: [length, width], values: tensor.values[..length * width].to_vec() })
}

/// A folder that PEFT loads: `PeftModel.from_pretrained(model, folder)`.
pub fn write(prompt: &Matrix, base_model: &str, task: TaskType) -> Result<BTreeMap<String, Vec<u8>>> {
    let [length, width] = prompt.shape;
    let config = json!({
        "peft_type": PROMPT_TUNING,
        "task_type": task.name(),
        "base_model_name_or_path": base_model,
        "inference_mode": true,
        "num_virtual_tokens": length,
        "token_dim": width,
        // PEFT's default of two, for encoder and decoder, doubles the rows.
        "num_transformer_submodules": 1,
        "num_attention_heads": null,
        "num_layers": null,
        "prompt_tuning_init": "RANDOM",
        "prompt_tuning_init_text": null,
        "tokenizer_name_or_path": null,
        "revision": null,
    });
    let tensor = HostTensor { shape: vec![length, width], values: prompt.values.clone() };
    folder(&config, &HostTensors::from([(TENSOR.to_owned(), tensor)]))
}
