//! The run that lies in storage. Files are written under new names; then a small manifest that names them is written
//! into the older of two places. Whatever is cut off in between, one whole manifest is left, and all its files.

use std::collections::{BTreeMap, BTreeSet};

use promot_core::checkpoint::Checkpoint;
use promot_core::model::folder::hex;
use promot_core::spec::RunSpec;
use promot_core::train::FinishedRun;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::storage::Storage;
use crate::protocol::SavedRun;

const PLACES: [&str; 2] = ["manifest-0.json", "manifest-1.json"];

#[derive(Clone, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// Counts the writes; the higher one holds.
    sequence: u64,
    run: SavedRun,
    /// By stage: its newest checkpoint.
    checkpoints: BTreeMap<String, StoredCheckpoint>,
    /// Finished methods.
    runs: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredCheckpoint {
    step: usize,
    /// The checkpoint's file names, and the names in storage.
    files: BTreeMap<String, String>,
}

/// Manifest and hash, so that a half written one is known as such.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    manifest: String,
}

const VERSION: u32 = 1;

/// A run in storage.
pub struct Saved {
    manifest: Manifest,
    /// What storage holds and the manifest may no longer name.
    known: BTreeSet<String>,
}

impl Saved {
    /// The run that an earlier visit left.
    pub async fn find(storage: &Storage) -> Result<Option<Self>, String> {
        let mut newest: Option<Manifest> = None;
        for place in PLACES {
            let Some(bytes) = storage.read(place).await? else { continue };
            let Some(manifest) = unseal(&bytes) else { continue };
            if newest.as_ref().is_none_or(|known| known.sequence < manifest.sequence) {
                newest = Some(manifest);
            }
        }
        Ok(newest.map(|manifest| Self { known: names(&manifest), manifest }))
    }

    /// A new run in place of the old one.
    pub async fn begin(storage: &Storage, spec: RunSpec) -> Result<Self, String> {
        Self::forget(storage).await?;
        let run = SavedRun {
            spec: Box::new(spec),
            method: String::new(),
            stage: String::new(),
            step: 0,
            steps: 0,
            finished: false,
        };
        let manifest =
            Manifest { version: VERSION, sequence: 0, run, checkpoints: BTreeMap::new(), runs: Vec::new() };
        let mut saved = Self { manifest, known: BTreeSet::new() };
        saved.seal(storage).await?;
        Ok(saved)
    }

    pub async fn forget(storage: &Storage) -> Result<(), String> {
        if let Some(old) = Self::find(storage).await? {
            for name in old.known {
                storage.remove(&name).await;
            }
        }
        for place in PLACES {
            storage.remove(place).await;
        }
        Ok(())
    }

    pub fn run(&self) -> &SavedRun {
        &self.manifest.run
    }

    pub fn spec(&self) -> &RunSpec {
        &self.manifest.run.spec
    }

    /// Keeps a checkpoint in place of the stage's last one.
    pub async fn put(
        &mut self,
        storage: &Storage,
        checkpoint: &Checkpoint,
        method: &str,
        stage: &str,
        steps: usize,
    ) -> Result<(), String> {
        let mut files = BTreeMap::new();
        for (name, bytes) in &checkpoint.files {
            let stored = format!("{}-{}-{name}", self.manifest.sequence + 1, plain(&checkpoint.name));
            self.known.insert(stored.clone());
            storage.write(&stored, bytes).await?;
            files.insert(name.clone(), stored);
        }
        let stored = StoredCheckpoint { step: checkpoint.step, files };
        self.manifest.checkpoints.insert(checkpoint.name.clone(), stored);
        let run = &mut self.manifest.run;
        (run.method, run.stage) = (method.to_owned(), stage.to_owned());
        (run.step, run.steps) = (checkpoint.step, steps);
        self.seal(storage).await
    }

    pub async fn put_run(&mut self, storage: &Storage, run: &FinishedRun) -> Result<(), String> {
        let name =
            format!("{}-run-{}-{}.json", self.manifest.sequence + 1, plain(&run.run.method), run.run.seed);
        let bytes = serde_json::to_vec(run).map_err(|error| error.to_string())?;
        self.known.insert(name.clone());
        storage.write(&name, &bytes).await?;
        self.manifest.runs.push(name);
        self.seal(storage).await
    }

    pub async fn finish(&mut self, storage: &Storage) -> Result<(), String> {
        self.manifest.run.finished = true;
        self.seal(storage).await
    }

    pub async fn checkpoint(&self, storage: &Storage, name: &str) -> Result<Option<Checkpoint>, String> {
        let Some(stored) = self.manifest.checkpoints.get(name) else { return Ok(None) };
        let mut files = BTreeMap::new();
        for (file, place) in &stored.files {
            let bytes = storage.read(place).await?;
            files.insert(file.clone(), bytes.ok_or_else(|| format!("{place} is gone from storage"))?);
        }
        Ok(Some(Checkpoint { name: name.to_owned(), step: stored.step, files }))
    }

    pub async fn checkpoints(&self, storage: &Storage) -> Result<BTreeMap<String, Checkpoint>, String> {
        let mut found = BTreeMap::new();
        for name in self.manifest.checkpoints.keys() {
            if let Some(checkpoint) = self.checkpoint(storage, name).await? {
                found.insert(name.clone(), checkpoint);
            }
        }
        Ok(found)
    }

    pub async fn runs(&self, storage: &Storage) -> Result<Vec<FinishedRun>, String> {
        let mut runs = Vec::new();
        for name in &self.manifest.runs {
            let bytes = storage.read(name).await?.ok_or_else(|| format!("{name} is gone from storage"))?;
            runs.push(serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))?);
        }
        Ok(runs)
    }

    /// Makes what was written the run, and drops what it no longer needs.
    async fn seal(&mut self, storage: &Storage) -> Result<(), String> {
        self.manifest.sequence += 1;
        let text = serde_json::to_string(&self.manifest).map_err(|error| error.to_string())?;
        let sealed = Sealed { sha256: hex(&Sha256::digest(&text)), manifest: text };
        let bytes = serde_json::to_vec(&sealed).map_err(|error| error.to_string())?;
        let place = PLACES[(self.manifest.sequence % 2) as usize];
        storage.write(place, &bytes).await?;
        let needed = names(&self.manifest);
        for name in self.known.difference(&needed) {
            storage.remove(name).await;
        }
        self.known = needed;
        Ok(())
    }
}

fn unseal(bytes: &[u8]) -> Option<Manifest> {
    let sealed: Sealed = serde_json::from_slice(bytes).ok()?;
    let whole = hex(&Sha256::digest(&sealed.manifest)) == sealed.sha256;
    let manifest: Manifest = serde_json::from_str(&sealed.manifest).ok().filter(|_| whole)?;
    (manifest.version == VERSION).then_some(manifest)
}

fn names(manifest: &Manifest) -> BTreeSet<String> {
    let files = manifest.checkpoints.values().flat_map(|stored| stored.files.values().cloned());
    files.chain(manifest.runs.iter().cloned()).collect()
}

/// Safe as a file name everywhere.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect()
}
