//! Models by name: a bundled one, a folder in Hugging Face layout, a GGUF file, or a snapshot in the hub cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use promot_core::model::ModelConfig;
use promot_core::model::folder::{
    ModelFiles, SIDE_FILES, TokenizerFile, configuration, is_gguf, load_tokenizer,
};
use promot_core::model::weights::ReadAt;
use promot_core::tokenizer::Tokenizer;

use super::hub::{Hub, HubId, WEIGHTS, shards};
use super::on_disk::OnDisk;
use crate::bundled;

/// Sentinels that are not in T5's `spiece.model`.
const T5_SENTINELS: usize = 100;

/// A weights file, read when its tensors are.
type Weights = Box<dyn ReadAt>;

/// The files of the model called `name`: a bundled one, a folder, a GGUF file, or a hub id.
pub fn read(name: &str) -> anyhow::Result<ModelFiles<Weights>> {
    if let Some(model) = bundled::by_name(name) {
        let ModelFiles { config, weights, tokenizer, side } = model.folder()?;
        let weights = weights.into_iter().map(|(name, bytes)| (name, Box::new(bytes) as Weights)).collect();
        return Ok(ModelFiles { config, weights, tokenizer, side });
    }
    if Path::new(name).is_file() {
        return gguf(Path::new(name));
    }
    let folder = locate(name)?;
    Ok(ModelFiles {
        config: read_file(&folder.join("config.json"))?,
        weights: weights(&folder)?,
        tokenizer: tokenizer_file(&folder)?,
        side: side_files(&folder)?,
    })
}

/// A GGUF file, with the `tokenizer.json` beside it where there is one.
fn gguf(path: &Path) -> anyhow::Result<ModelFiles<Weights>> {
    let bytes: Weights = Box::new(OnDisk::open(path).with_context(|| format!("reading {}", path.display()))?);
    if !is_gguf(&bytes) {
        bail!(
            "--model {}: expected a folder in Hugging Face layout or a GGUF file, found another file",
            path.display()
        );
    }
    let beside = path.with_file_name("tokenizer.json");
    let tokenizer = beside.is_file().then(|| read_file(&beside)).transpose()?;
    Ok(ModelFiles::of_gguf(&path.display().to_string(), bytes, tokenizer)?)
}

/// Those that are there.
fn side_files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let there = SIDE_FILES.into_iter().filter(|name| folder.join(name).is_file());
    there.map(|name| Ok((name.to_owned(), read_file(&folder.join(name))?))).collect()
}

/// Only the tokenizer, for which a folder needs neither weights nor config.
pub fn read_tokenizer(name: &str) -> anyhow::Result<Tokenizer> {
    read_without_weights(name).map(|(_, tokenizer)| tokenizer)
}

/// The tokenizer, and the configuration where there is one.
pub fn read_without_weights(name: &str) -> anyhow::Result<(Option<ModelConfig>, Tokenizer)> {
    if let Some(model) = bundled::by_name(name) {
        return without_weights(&model.folder()?);
    }
    if Path::new(name).is_file() {
        return without_weights(&gguf(Path::new(name))?);
    }
    let folder = locate(name)?;
    let (file, config) = (tokenizer_file(&folder)?, folder.join("config.json"));
    let found = if config.is_file() {
        configured(&read_file(&config)?, &file, &side_files(&folder)?)
    } else {
        let tokenizer = match &file {
            TokenizerFile::Json(bytes) => Tokenizer::from_json(bytes),
            TokenizerFile::SentencePiece(bytes) => Tokenizer::from_sentencepiece(bytes, T5_SENTINELS),
            TokenizerFile::Bytes => Tokenizer::of_bytes(None),
        };
        tokenizer.map(|tokenizer| (None, tokenizer)).map_err(anyhow::Error::from)
    };
    found.with_context(|| folder.display().to_string())
}

fn without_weights<R>(files: &ModelFiles<R>) -> anyhow::Result<(Option<ModelConfig>, Tokenizer)> {
    configured(&files.config, &files.tokenizer, &files.side)
}

fn configured(
    config: &[u8],
    tokenizer: &TokenizerFile,
    side: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<(Option<ModelConfig>, Tokenizer)> {
    let config = configuration(config, side)?;
    let tokenizer = load_tokenizer(tokenizer, &config, side)?;
    Ok((Some(config), tokenizer))
}

fn tokenizer_file(folder: &Path) -> anyhow::Result<TokenizerFile> {
    let (json, pieces) = (folder.join("tokenizer.json"), folder.join("spiece.model"));
    if json.is_file() {
        Ok(TokenizerFile::Json(read_file(&json)?))
    } else if pieces.is_file() {
        Ok(TokenizerFile::SentencePiece(read_file(&pieces)?))
    } else {
        let tokens = folder.join("tokenizer_config.json");
        let said = tokens.is_file().then(|| read_file(&tokens)).transpose()?;
        let bytes = said.map(|said| TokenizerFile::without_file(&said)).transpose();
        let bytes = bytes.with_context(|| folder.display().to_string())?.flatten();
        bytes.with_context(|| {
            let found = "found neither, nor a tokenizer of bytes (ByT5) in tokenizer_config.json";
            format!("{}: expected tokenizer.json or spiece.model, {found}", folder.display())
        })
    }
}

fn weights(folder: &Path) -> anyhow::Result<Vec<(String, Weights)>> {
    let there = |name: &str| folder.join(name).is_file();
    let names = match WEIGHTS.into_iter().find(|(whole, index)| there(whole) || there(index)) {
        Some((whole, _)) if there(whole) => BTreeSet::from([whole.to_owned()]),
        Some((_, index)) => shards(&folder.join(index))?,
        None => {
            let names = WEIGHTS.map(|(whole, index)| format!("{whole}, {index}")).join(", ");
            bail!("{}: expected one of {names}, found none", folder.display())
        }
    };
    let open = |name: String| {
        let path = folder.join(&name);
        let file = OnDisk::open(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok((name, Box::new(file) as Weights))
    };
    names.into_iter().map(open).collect()
}

/// The folder of a model: the path itself, or its snapshot in the hub cache.
fn locate(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let bundled = bundled::names();
    let Some(id) = HubId::parse(name) else {
        bail!("--model {name}: expected a folder, a GGUF file, a hub id or one of {bundled}, found none");
    };
    let none = || format!("--model: no such folder, and not one of {bundled}");
    let hub = Hub::from_env().with_context(none)?;
    match hub.cached(&id)? {
        Some(folder) => Ok(folder),
        None => hub.fetch(&id, &mut |said| eprintln!("{said}")).with_context(none),
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}
