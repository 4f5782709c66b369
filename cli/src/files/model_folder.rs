//! Models on disk, in Hugging Face layout: a folder, the bundled model, or a snapshot in the hub cache.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use promot_core::content;
use promot_core::model::folder::{ModelFiles, SIDE_FILES, TokenizerFile, configuration, load_tokenizer};
use promot_core::model::weights::ReadAt;
use promot_core::tokenizer::Tokenizer;

use super::on_disk::OnDisk;
use crate::bundled;

/// Sentinels that are not in T5's `spiece.model`.
const T5_SENTINELS: usize = 100;

/// A weights file, read when its tensors are.
type Weights = Box<dyn ReadAt>;

/// The files of the model called `name`: `mini`, a folder, or a hub id.
pub fn read(name: &str) -> anyhow::Result<ModelFiles<Weights>> {
    if name == bundled::NAME {
        let files = bundled::files()?;
        return Ok(ModelFiles {
            config: files.config.to_vec(),
            weights: vec![("model.safetensors".to_owned(), Box::new(files.model))],
            tokenizer: TokenizerFile::Json(files.tokenizer.to_vec()),
            side: BTreeMap::new(),
        });
    }
    let folder = locate(name)?;
    Ok(ModelFiles {
        config: read_file(&folder.join("config.json"))?,
        weights: weights(&folder)?,
        tokenizer: tokenizer_file(&folder)?,
        side: side_files(&folder)?,
    })
}

/// Those that are there.
fn side_files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let there = SIDE_FILES.into_iter().filter(|name| folder.join(name).is_file());
    there.map(|name| Ok((name.to_owned(), read_file(&folder.join(name))?))).collect()
}

/// Only the tokenizer, for which a folder needs neither weights nor config.
pub fn read_tokenizer(name: &str) -> anyhow::Result<Tokenizer> {
    if name == bundled::NAME {
        return Ok(Tokenizer::from_json(bundled::files()?.tokenizer)?);
    }
    let folder = locate(name)?;
    let (file, config) = (tokenizer_file(&folder)?, folder.join("config.json"));
    let tokenizer = if config.is_file() {
        let side = side_files(&folder)?;
        let config = configuration(&read_file(&config)?, &side);
        config.and_then(|config| load_tokenizer(&file, &config, &side)).map_err(anyhow::Error::from)
    } else {
        match &file {
            TokenizerFile::Json(bytes) => Tokenizer::from_json(bytes),
            TokenizerFile::SentencePiece(bytes) => Tokenizer::from_sentencepiece(bytes, T5_SENTINELS),
        }
        .map_err(anyhow::Error::from)
    };
    tokenizer.with_context(|| folder.display().to_string())
}

fn tokenizer_file(folder: &Path) -> anyhow::Result<TokenizerFile> {
    let (json, pieces) = (folder.join("tokenizer.json"), folder.join("spiece.model"));
    if json.is_file() {
        Ok(TokenizerFile::Json(read_file(&json)?))
    } else if pieces.is_file() {
        Ok(TokenizerFile::SentencePiece(read_file(&pieces)?))
    } else {
        bail!("{}: expected tokenizer.json or spiece.model, found neither", folder.display())
    }
}

/// One file, or the index of several; of what torch.save writes where there is nothing else.
const WEIGHTS: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

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

/// The files that an index names.
fn shards(index: &Path) -> anyhow::Result<BTreeSet<String>> {
    let value: serde_json::Value = content::json(index.display(), &read_file(index)?)?;
    let map = value["weight_map"]
        .as_object()
        .with_context(|| format!("{}: expected an object `weight_map`, found none", index.display()))?;
    map.iter()
        .map(|(tensor, file)| match file.as_str() {
            // A downloaded index must not reach outside its folder.
            Some(file) if Path::new(file).file_name() == Some(file.as_ref()) => Ok(file.to_owned()),
            _ => bail!("{}: {tensor}: expected a file name, found {file}", index.display()),
        })
        .collect()
}

/// The folder of a model: the path itself, or its snapshot in the hub cache.
fn locate(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    if path.is_file() {
        bail!("--model {name}: expected a folder in Hugging Face layout, found a file");
    }
    let cache = hub_cache();
    if !is_hub_id(name) {
        bail!("--model {name}: expected a folder, a hub id or `mini`, found no such folder");
    }
    let Some(cache) = cache else {
        bail!("--model {name}: no such folder, and no hub cache without HOME");
    };
    snapshot(&cache, name)?.with_context(|| {
        format!(
            "--model {name}: no such folder, and not in the hub cache {}; promot does not download yet: \
             `hf download {name}` puts it there",
            cache.display()
        )
    })
}

/// `name` or `organisation/name`, as the hub allows them.
fn is_hub_id(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() <= 2 && parts.into_iter().all(part)
}

/// Where the hub's own tools keep models, by their rules for the environment.
pub fn hub_cache() -> Option<PathBuf> {
    let var = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("HF_HUB_CACHE")
        .or_else(|| var("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| var("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| var("HOME").map(|home| home.join(".cache/huggingface/hub")))
}

/// The snapshot that `refs/main` names, or the only one there is.
fn snapshot(cache: &Path, id: &str) -> anyhow::Result<Option<PathBuf>> {
    let model = cache.join(format!("models--{}", id.replace('/', "--")));
    let snapshots = model.join("snapshots");
    if let Ok(commit) = fs::read_to_string(model.join("refs/main")) {
        let folder = snapshots.join(commit.trim());
        return Ok(folder.is_dir().then_some(folder));
    }
    let Ok(entries) = fs::read_dir(&snapshots) else { return Ok(None) };
    let folders: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    match &folders[..] {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        several => bail!(
            "{}: expected refs/main or one snapshot, found {}; name the snapshot's folder with --model",
            model.display(),
            several.len()
        ),
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_ids_are_told_from_paths() {
        assert!(is_hub_id("google/t5-v1_1-small") && is_hub_id("t5-small"));
        assert!(!is_hub_id("./model") && !is_hub_id("/model") && !is_hub_id("a/b/c") && !is_hub_id("../x"));
    }

    #[test]
    fn a_snapshot_is_found_by_its_ref_or_alone() {
        let cache = tempfile::tempdir().unwrap();
        let model = cache.path().join("models--google--t5");
        assert_eq!(snapshot(cache.path(), "google/t5").unwrap(), None);
        fs::create_dir_all(model.join("snapshots/abc")).unwrap();
        assert_eq!(snapshot(cache.path(), "google/t5").unwrap(), Some(model.join("snapshots/abc")));
        fs::create_dir_all(model.join("snapshots/def")).unwrap();
        assert!(snapshot(cache.path(), "google/t5").unwrap_err().to_string().contains("found 2"));
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), "def\n").unwrap();
        assert_eq!(snapshot(cache.path(), "google/t5").unwrap(), Some(model.join("snapshots/def")));
    }

    #[test]
    fn shards_are_file_names_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let index = root.path().join("model.safetensors.index.json");
        fs::write(
            &index,
            r#"{"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}"#,
        )
        .unwrap();
        let names: Vec<String> = shards(&index).unwrap().into_iter().collect();
        assert_eq!(names, ["1.safetensors", "2.safetensors"]);
        fs::write(&index, r#"{"weight_map": {"a": "../secret"}}"#).unwrap();
        assert!(shards(&index).unwrap_err().to_string().contains("a: expected a file name"));
        fs::write(&index, "{}").unwrap();
        assert!(shards(&index).unwrap_err().to_string().contains("weight_map"));
    }
}
