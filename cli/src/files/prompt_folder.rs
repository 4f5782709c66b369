//! Soft prompts on disk: PEFT's layout (`adapter_config.json`, `adapter_model.safetensors` with
//! `prompt_embeddings` [P, d_model]), written and read; `.npy` [P, d_model], read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use promot_core::Error;
use promot_core::model::prompt::{PEFT_TENSOR, peft_config};
use promot_core::spec::MAX_PROMPT;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Deserialize;

use super::atomic;
use super::npy::{self, Matrix};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// What matters of PEFT's `PromptTuningConfig`.
#[derive(Deserialize)]
struct Config {
    peft_type: String,
    num_virtual_tokens: usize,
    num_transformer_submodules: Option<usize>,
}

/// Reads a prompt folder or a `.npy` file: [P, d_model].
pub fn read(path: &Path) -> anyhow::Result<Matrix> {
    if path.is_dir() {
        return read_folder(path);
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(npy::parse(&read_file(path)?, &path.display().to_string())?),
        _ if path.exists() => {
            bail!("--prompt {}: expected a folder in PEFT layout or a .npy file", path.display())
        }
        _ => bail!("--prompt {}: no such folder or file", path.display()),
    }
}

/// # Errors
/// A prompt of another width than the model, or longer than allowed.
pub fn check(prompt: &Matrix, name: &str, d_model: usize) -> promot_core::Result<()> {
    let [length, width] = prompt.shape;
    let what = || format!("soft prompt {name}");
    if width != d_model {
        return Err(Error::mismatch(
            what(),
            format!("vectors of the model's width {d_model}"),
            format!("width {width}"),
        ));
    }
    if length > MAX_PROMPT {
        return Err(Error::mismatch(what(), format!("at most {MAX_PROMPT} vectors"), length));
    }
    Ok(())
}

fn read_folder(folder: &Path) -> anyhow::Result<Matrix> {
    let (config_path, weights_path) = (folder.join(CONFIG), folder.join(WEIGHTS));
    let config: Config = serde_json::from_slice(&read_file(&config_path)?)
        .map_err(|error| Error::format(config_path.display(), error))?;
    if config.peft_type != "PROMPT_TUNING" {
        return Err(
            Error::mismatch(config_path.display(), "peft_type PROMPT_TUNING", config.peft_type).into()
        );
    }
    let mut prompt = tensor(&read_file(&weights_path)?, &weights_path.display().to_string())?;
    // PEFT doubles the prompt of an encoder-decoder unless told not to: rows P to 2P would go in front of the
    // decoder's input, and its own `generate` leaves them out, as we do.
    let length = config.num_virtual_tokens;
    let copies = config.num_transformer_submodules.unwrap_or(1).max(1);
    if prompt.shape[0] != length && prompt.shape[0] != length * copies {
        let expected = format!("{length} rows (num_virtual_tokens)");
        return Err(Error::mismatch(weights_path.display(), expected, prompt.shape[0]).into());
    }
    prompt.values.truncate(length * prompt.shape[1]);
    prompt.shape[0] = length;
    Ok(prompt)
}

fn tensor(bytes: &[u8], name: &str) -> anyhow::Result<Matrix> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| Error::format(name, error))?;
    let view = file.tensor(PEFT_TENSOR).map_err(|_| {
        let found = file.names().join(", ");
        Error::mismatch(name, format!("a tensor `{PEFT_TENSOR}`"), found)
    })?;
    let &[rows, columns] = view.shape() else {
        return Err(Error::mismatch(name, "two dimensions", format!("shape {:?}", view.shape())).into());
    };
    Ok(Matrix { shape: [rows, columns], values: floats(&view, name)? })
}

fn floats(view: &TensorView<'_>, name: &str) -> anyhow::Result<Vec<f32>> {
    let halves =
        |read: fn([u8; 2]) -> f32| view.data().as_chunks::<2>().0.iter().map(|two| read(*two)).collect();
    match view.dtype() {
        Dtype::F32 => {
            Ok(view.data().as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
        }
        Dtype::F16 => Ok(halves(|two| half::f16::from_le_bytes(two).to_f32())),
        Dtype::BF16 => Ok(halves(|two| half::bf16::from_le_bytes(two).to_f32())),
        other => Err(Error::mismatch(name, "values in f32, f16 or bf16", format!("{other:?}")).into()),
    }
}

/// Writes a folder that PEFT loads: `PeftModel.from_pretrained(model, folder)`.
pub fn write(folder: &Path, prompt: &Matrix, base_model: &str) -> anyhow::Result<()> {
    let [rows, columns] = prompt.shape;
    let config = peft_config(rows, columns, base_model);
    let data: Vec<u8> = prompt.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view =
        TensorView::new(Dtype::F32, vec![rows, columns], &data).context("a prompt of its own shape")?;
    // transformers and PEFT refuse files that do not name the framework.
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    let weights = safetensors::serialize([(PEFT_TENSOR, view)], metadata).context("writing a prompt")?;
    let files = BTreeMap::from([
        (CONFIG.to_owned(), (serde_json::to_string_pretty(&config)? + "\n").into_bytes()),
        (WEIGHTS.to_owned(), weights),
    ]);
    atomic::write_folder(folder, &files)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt() -> Matrix {
        Matrix { shape: [4, 2], values: (0..8).map(|n| n as f32 / 2.0).collect() }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("prompt");
        write(&folder, &prompt(), "mini").unwrap();
        assert_eq!(read(&folder).unwrap(), prompt());
    }

    #[test]
    fn of_a_doubled_prompt_the_encoder_half_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("prompt");
        write(&folder, &prompt(), "mini").unwrap();
        let edit = |from: &str, to: &str| {
            let text = fs::read_to_string(folder.join(CONFIG)).unwrap();
            assert!(text.contains(from));
            fs::write(folder.join(CONFIG), text.replace(from, to)).unwrap();
        };
        edit("\"num_virtual_tokens\": 4", "\"num_virtual_tokens\": 2");
        assert!(read(&folder).unwrap_err().to_string().contains("expected 2 rows"));
        edit("submodules\": 1", "submodules\": 2");
        let half = read(&folder).unwrap();
        assert_eq!((half.shape, half.values), ([2, 2], vec![0.0, 0.5, 1.0, 1.5]));
    }

    #[test]
    fn other_adapters_and_files_are_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("prompt");
        write(&folder, &prompt(), "mini").unwrap();
        let text = fs::read_to_string(folder.join(CONFIG)).unwrap();
        fs::write(folder.join(CONFIG), text.replace("PROMPT_TUNING", "LORA")).unwrap();
        assert!(read(&folder).unwrap_err().to_string().contains("found LORA"));
        assert!(read(&root.path().join("none")).unwrap_err().to_string().contains("no such folder"));
        fs::write(root.path().join("x.bin"), "").unwrap();
        assert!(read(&root.path().join("x.bin")).unwrap_err().to_string().contains("expected a folder"));
    }
}
