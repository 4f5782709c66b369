//! Soft prompts and LoRA on disk: a folder in PEFT's layout; a prompt may also be a `.npy` file.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use promot_core::Error;
use promot_core::peft::{self, Adapter, Matrix};
use promot_core::spec::MAX_PROMPT;

/// Reads a prompt folder or a `.npy` file: [P, d_model].
pub fn read(path: &Path) -> anyhow::Result<Matrix> {
    let name = path.display().to_string();
    if path.is_dir() {
        let (config, weights) = folder(path)?;
        return Ok(peft::read_prompt(&name, &config, &weights)?);
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(peft::parse_npy(&read_file(path)?, &name)?),
        _ if path.exists() => bail!("--prompt {name}: expected a folder in PEFT layout or a .npy file"),
        _ => bail!("--prompt {name}: no such folder or file"),
    }
}

/// Whatever a folder in PEFT's layout holds.
pub fn adapter(path: &Path) -> anyhow::Result<Adapter> {
    if !path.is_dir() {
        bail!("--adapter {}: expected a folder with {}", path.display(), peft::CONFIG_FILE);
    }
    let (config, weights) = folder(path)?;
    Ok(peft::read(&path.display().to_string(), &config, &weights)?)
}

/// The bytes of configuration and weights.
fn folder(path: &Path) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let (weights, torch) = (path.join(peft::WEIGHTS_FILE), path.join(peft::TORCH_FILE));
    let weights = if !weights.exists() && torch.exists() { torch } else { weights };
    Ok((read_file(&path.join(peft::CONFIG_FILE))?, read_file(&weights)?))
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

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::atomic;

    #[test]
    fn a_folder_is_read_and_anything_else_is_refused_by_name() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("prompt");
        let prompt = Matrix { shape: [4, 2], values: (0..8).map(|n| n as f32 / 2.0).collect() };
        atomic::write_folder(
            &folder,
            &peft::write_prompt(&prompt, "mini", peft::TaskType::Seq2SeqLm).unwrap(),
        )
        .unwrap();
        assert_eq!(read(&folder).unwrap(), prompt);
        let problem = |path: &Path| format!("{:#}", read(path).unwrap_err());
        assert!(problem(&root.path().join("none")).contains("no such folder"));
        fs::write(root.path().join("x.bin"), "").unwrap();
        assert!(problem(&root.path().join("x.bin")).contains("expected a folder"));
        fs::remove_file(folder.join(peft::WEIGHTS_FILE)).unwrap();
        assert!(problem(&folder).contains(peft::WEIGHTS_FILE));
    }
}
