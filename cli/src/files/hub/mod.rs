//! Models from the Hugging Face hub, in the cache that Python's tools share: `blobs` by their hash, `snapshots` of links to
//! them, `refs` that name a commit. Ours, since the hf-hub crate checks no hash, knows no `HF_HUB_OFFLINE`, and switches on
//! features of shared crates with which the tensor library would be built anew.

mod blob;
mod http;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use promot_core::content;
use promot_core::model::folder::SIDE_FILES;
use serde::Deserialize;

use self::http::Http;
use super::atomic;

/// Where models come from, by the variables that Python's tools read.
pub struct Hub {
    http: Http,
    cache: PathBuf,
}

/// A model on the hub: `organisation/name`, and a branch, a tag or a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubId {
    pub name: String,
    /// `main` where none is given.
    pub revision: String,
}

impl HubId {
    /// `name`, `organisation/name`, either with `@revision` behind it; nothing for what can only be a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let parts: Vec<&str> = name.split('/').collect();
        let sound = parts.len() <= 2 && parts.into_iter().all(plain) && revision.split('/').all(plain);
        sound.then(|| Self { name: name.to_owned(), revision: revision.to_owned() })
    }
}

/// Small files that a model may have, beside the library's `SIDE_FILES`.
const FILES: [&str; 5] =
    ["config.json", "tokenizer.json", "spiece.model", "tokenizer.model", "adapter_config.json"];

/// A model's weights in one file, or the index of several; what torch.save writes is taken where there is nothing else.
pub const WEIGHTS: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

const ADAPTERS: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];

/// All names of weights, the first that is there is taken.
fn weights() -> impl Iterator<Item = &'static str> {
    WEIGHTS.into_iter().flat_map(|(whole, index)| [whole, index]).chain(ADAPTERS)
}

/// What the hub says of a model.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    id: String,
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// # Errors
    /// No place for a cache.
    pub fn from_env() -> anyhow::Result<Self> {
        let cache = cache_folder().context("no place for the hub cache: neither HF_HOME nor HOME is set")?;
        Ok(Self { http: Http::from_env(), cache })
    }

    /// Whether `HF_HUB_OFFLINE` forbids to ask the hub.
    pub fn offline() -> bool {
        let yes = |text: String| matches!(text.to_lowercase().as_str(), "1" | "true" | "yes" | "on");
        env::var("HF_HUB_OFFLINE").is_ok_and(yes)
    }

    /// The folder of a model that is whole in the cache already.
    pub fn cached(&self, id: &HubId) -> anyhow::Result<Option<PathBuf>> {
        let (folder, snapshots) = (self.folder(id), self.folder(id).join("snapshots"));
        if let Ok(commit) = fs::read_to_string(folder.join("refs").join(&id.revision)) {
            let snapshot = snapshots.join(commit.trim());
            return Ok(snapshot.is_dir().then_some(snapshot));
        }
        if snapshots.join(&id.revision).is_dir() {
            return Ok(Some(snapshots.join(&id.revision)).filter(|snapshot| is_whole(snapshot)));
        }
        // Copied there by hand, perhaps, without a name.
        let Ok(entries) = fs::read_dir(&snapshots) else { return Ok(None) };
        let found = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let found: Vec<PathBuf> = found.filter(|path| is_whole(path)).collect();
        match &found[..] {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => bail!(
                "{}: expected refs/{} or one snapshot, found {}; name the snapshot's folder instead",
                folder.display(),
                id.revision,
                several.len()
            ),
        }
    }

    /// Downloads what is missing of a model and gives its folder. `say` hears what is done.
    ///
    /// # Errors
    /// What the hub answered and what can be done about it; what was downloaded stays and is gone on with.
    pub fn fetch(&self, id: &HubId, say: &mut dyn FnMut(&str)) -> anyhow::Result<PathBuf> {
        if Self::offline() {
            bail!("{}: not in the hub cache {}, and HF_HUB_OFFLINE is set", id.name, self.cache.display());
        }
        let info: Info = {
            let path = format!("/api/models/{}/revision/{}", id.name, id.revision.replace('/', "%2F"));
            let bytes = self.http.get(&path, &id.name)?;
            serde_json::from_slice(&bytes).with_context(|| format!("{}: the hub's answer", id.name))?
        };
        if !is_commit(&info.sha) {
            bail!("{}: expected a commit from the hub, found `{}`", id.name, info.sha);
        }
        if !info.id.is_empty() && info.id != id.name {
            say(&format!("{} has been renamed to {}", id.name, info.id));
        }
        let there: BTreeSet<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
        let Some(weights) = weights().find(|name| there.contains(name)) else {
            let names = weights().collect::<Vec<_>>().join(", ");
            bail!("{}: expected one of {names}, found none of them on the hub", id.name);
        };
        let snapshot = self.folder(id).join("snapshots").join(&info.sha);
        let mut get = |name: &str| self.file(id, &info.sha, &snapshot, name, say);
        for name in FILES.into_iter().chain(SIDE_FILES).filter(|name| there.contains(name)) {
            get(name)?;
        }
        let first = get(weights)?;
        if weights.ends_with(".index.json") {
            for shard in shards(&first)? {
                get(&shard)?;
            }
        }
        // Only now: who finds the name finds a whole model.
        if !is_commit(&id.revision) {
            atomic::write(&self.folder(id).join("refs").join(&id.revision), info.sha.as_bytes())?;
        }
        Ok(snapshot)
    }

    /// One file of the snapshot, downloaded unless it is there.
    fn file(
        &self,
        id: &HubId,
        commit: &str,
        snapshot: &Path,
        name: &str,
        say: &mut dyn FnMut(&str),
    ) -> anyhow::Result<PathBuf> {
        let link = snapshot.join(name);
        if link.is_file() {
            return Ok(link);
        }
        let path = format!("/{}/resolve/{commit}/{name}", id.name);
        let what = format!("{}, {name}", id.name);
        let about = self.http.head(&path, &what)?;
        let blob = self.folder(id).join("blobs").join(&about.etag);
        let locks = self.cache.join(".locks").join(folder_name(id));
        say(&format!("{what}: {:.1} MB", about.size as f64 / 1e6));
        blob::download(&self.http, &path, &what, &about, &blob, &locks)?;
        blob::link(&blob, &link)?;
        Ok(link)
    }

    fn folder(&self, id: &HubId) -> PathBuf {
        self.cache.join(folder_name(id))
    }
}

fn folder_name(id: &HubId) -> String {
    format!("models--{}", id.name.replace('/', "--"))
}

/// Whether no file of the snapshot is missing.
fn is_whole(snapshot: &Path) -> bool {
    let there = |name: &str| snapshot.join(name).is_file();
    let Some(weights) = weights().find(|name| there(name)) else { return false };
    let config = there(if weights.starts_with("adapter") { "adapter_config.json" } else { "config.json" });
    let shards = || shards(&snapshot.join(weights)).is_ok_and(|shards| shards.iter().all(|name| there(name)));
    config && (!weights.ends_with(".index.json") || shards())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where the hub's own tools keep models, by their rules for the environment.
pub fn cache_folder() -> Option<PathBuf> {
    let var = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var("HF_HUB_CACHE")
        .or_else(|| var("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| var("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| var("HOME").map(|home| home.join(".cache/huggingface/hub")))
}

/// The files that an index names.
///
/// # Errors
/// One that lies outside the index's folder.
pub fn shards(index: &Path) -> anyhow::Result<BTreeSet<String>> {
    let bytes = fs::read(index).with_context(|| format!("reading {}", index.display()))?;
    let value: serde_json::Value = content::json(index.display(), &bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_found_by_its_ref_or_alone() {
        let cache = tempfile::tempdir().unwrap();
        let hub = Hub { http: Http::from_env(), cache: cache.path().to_owned() };
        let id = HubId::parse("google/t5").unwrap();
        let model = cache.path().join("models--google--t5");
        let snapshot = |name: &str| model.join("snapshots").join(name);
        let add = |name: &str, file: &str| {
            fs::create_dir_all(snapshot(name)).unwrap();
            fs::write(snapshot(name).join(file), "").unwrap();
        };
        assert_eq!(hub.cached(&id).unwrap(), None);
        add("abc", "model.safetensors");
        assert_eq!(hub.cached(&id).unwrap(), None, "its config is missing");
        add("abc", "config.json");
        assert_eq!(hub.cached(&id).unwrap(), Some(snapshot("abc")));
        add("def", "model.safetensors");
        add("def", "config.json");
        assert!(hub.cached(&id).unwrap_err().to_string().contains("found 2"));
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), "def\n").unwrap();
        assert_eq!(hub.cached(&id).unwrap(), Some(snapshot("def")));
        let commit = HubId::parse("google/t5@abc").unwrap();
        assert_eq!(hub.cached(&commit).unwrap(), Some(snapshot("abc")));
    }

    #[test]
    fn shards_are_file_names_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let index = root.path().join("model.safetensors.index.json");
        let map = r#"{"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}"#;
        fs::write(&index, map).unwrap();
        let names: Vec<String> = shards(&index).unwrap().into_iter().collect();
        assert_eq!(names, ["1.safetensors", "2.safetensors"]);
        fs::write(&index, r#"{"weight_map": {"a": "../secret"}}"#).unwrap();
        assert!(shards(&index).unwrap_err().to_string().contains("a: expected a file name"));
        fs::write(&index, "{}").unwrap();
        assert!(shards(&index).unwrap_err().to_string().contains("weight_map"));
    }

    #[test]
    fn ids_are_told_from_paths() {
        let id = |text: &str| HubId::parse(text).map(|id| (id.name, id.revision));
        let of = |name: &str, revision: &str| Some((name.to_owned(), revision.to_owned()));
        assert_eq!(id("google/t5-v1_1-small"), of("google/t5-v1_1-small", "main"));
        assert_eq!(id("t5-small@refs/pr/1"), of("t5-small", "refs/pr/1"));
        for path in ["./model", "/model", "a/b/c", "../x", "a/..", "a@../x", "a@", ""] {
            assert_eq!(id(path), None, "{path}");
        }
    }
}
