//! What a stage needs to go on: the weights that move, the optimizer's state, the best weights so far, and a
//! manifest with hashes. Files are bytes here; the caller stores them so that what exists is whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::folder::hex;
use crate::model::tensors::{self, HostTensors, Precision};
use crate::report::StepRecord;

/// The files of one checkpoint, by name.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The stage's folder name, such as `seed-0.prompt-tuning`.
    pub name: String,
    pub step: usize,
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    /// Hash of everything that decides the stage's course: a checkpoint of other settings is refused.
    pub fingerprint: String,
    pub step: usize,
    /// The last step of the stage; `step == steps` means done.
    pub steps: usize,
    /// Step and validation score of the best weights.
    pub best: Option<(usize, f64)>,
    pub records: Vec<StepRecord>,
    /// Seconds spent so far.
    pub seconds: f64,
    /// SHA-256 by file name, hexadecimal.
    pub hashes: BTreeMap<String, String>,
}

/// The state of a stage between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub manifest: Manifest,
    /// Moved weights, by parameter path.
    pub weights: HostTensors,
    /// The best ones; absent where they are `weights`.
    pub best: Option<HostTensors>,
    pub optimizer: HostTensors,
}

const MANIFEST: &str = "manifest.json";
const WEIGHTS: &str = "weights.safetensors";
const BEST: &str = "best.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const VERSION: u32 = 1;

impl State {
    pub fn to_checkpoint(mut self, name: &str) -> Result<Checkpoint> {
        let mut files = BTreeMap::new();
        files.insert(WEIGHTS.to_owned(), tensors::to_safetensors(&self.weights, Precision::F32)?);
        files.insert(OPTIMIZER.to_owned(), tensors::to_safetensors(&self.optimizer, Precision::F32)?);
        if let Some(best) = &self.best {
            files.insert(BEST.to_owned(), tensors::to_safetensors(best, Precision::F32)?);
        }
        self.manifest.version = VERSION;
        self.manifest.hashes =
            files.iter().map(|(name, bytes)| (name.clone(), hex(&Sha256::digest(bytes)))).collect();
        let manifest = serde_json::to_vec_pretty(&self.manifest);
        let manifest = manifest.map_err(|error| Error::format(MANIFEST, error))?;
        files.insert(MANIFEST.to_owned(), manifest);
        Ok(Checkpoint { name: name.to_owned(), step: self.manifest.step, files })
    }

    /// # Errors
    /// A missing or changed file, or a checkpoint that other settings made.
    pub fn from_checkpoint(checkpoint: &Checkpoint, fingerprint: &str) -> Result<Self> {
        let state = Self::read(checkpoint)?;
        if state.manifest.fingerprint != fingerprint {
            return Err(Error::mismatch(
                format!("checkpoint {}", checkpoint.name),
                "the settings of this run",
                "one made with other settings, seed or model",
            ));
        }
        Ok(state)
    }

    /// The same whatever settings made it.
    ///
    /// # Errors
    /// A missing or changed file.
    pub fn read(checkpoint: &Checkpoint) -> Result<Self> {
        let what =
            |file: &str| format!("{file} of checkpoint {} at step {}", checkpoint.name, checkpoint.step);
        let file = |name: &str| {
            let missing = || {
                Error::mismatch(format!("checkpoint {}", checkpoint.name), format!("a file {name}"), "none")
            };
            checkpoint.files.get(name).ok_or_else(missing)
        };
        let manifest: Manifest =
            serde_json::from_slice(file(MANIFEST)?).map_err(|error| Error::format(what(MANIFEST), error))?;
        if manifest.version != VERSION {
            return Err(Error::mismatch(what("version"), VERSION, manifest.version));
        }
        for (name, hash) in &manifest.hashes {
            let found = hex(&Sha256::digest(file(name)?));
            if found != *hash {
                return Err(Error::mismatch(what(name), format!("SHA-256 {hash}"), found));
            }
        }
        let read = |name: &str| tensors::from_safetensors(file(name)?, &what(name));
        let best = if manifest.hashes.contains_key(BEST) { Some(read(BEST)?) } else { None };
        Ok(Self { weights: read(WEIGHTS)?, optimizer: read(OPTIMIZER)?, best, manifest })
    }
}

/// Hash of a serialisable description.
pub fn fingerprint(parts: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(parts).map_err(|error| Error::format("settings", error))?;
    Ok(hex(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tensors::HostTensor;

    fn state() -> State {
        let tensors = |value| {
            HostTensors::from([(
                "prompt.value".to_owned(),
                HostTensor { shape: vec![1, 2], values: vec![value; 2] },
            )])
        };
        let manifest = Manifest {
            version: VERSION,
            fingerprint: "f".into(),
            step: 3,
            steps: 9,
            best: Some((2, 50.0)),
            records: Vec::new(),
            seconds: 1.5,
            hashes: BTreeMap::new(),
        };
        State { manifest, weights: tensors(1.0), best: Some(tensors(2.0)), optimizer: tensors(0.1) }
    }

    #[test]
    fn round_trips_and_refuses_changed_files_and_other_settings() {
        let checkpoint = state().to_checkpoint("stage").unwrap();
        let back = State::from_checkpoint(&checkpoint, "f").unwrap();
        assert_eq!(
            (back.weights, back.best, back.optimizer),
            (state().weights, state().best, state().optimizer)
        );
        assert!(State::from_checkpoint(&checkpoint, "g").unwrap_err().to_string().contains("other settings"));
        let mut damaged = checkpoint.clone();
        damaged.files.get_mut(WEIGHTS).unwrap().pop();
        assert!(State::from_checkpoint(&damaged, "f").unwrap_err().to_string().contains("SHA-256"));
        let mut partial = checkpoint;
        partial.files.remove(OPTIMIZER);
        assert!(State::from_checkpoint(&partial, "f").is_err());
    }
}
