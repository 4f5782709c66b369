//! What a stage needs to go on: the weights that move, the optimizer's state, the best weights so far, and a
//! manifest with hashes. Files are bytes here; the caller stores them so that what exists is whole.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::method::State;
use crate::model::folder::hex;
use crate::model::tensors::{self, HostTensor, HostTensors, Precision};
use crate::record::StepRecord;

/// The files of one checkpoint, by name.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The stage's folder name, such as `seed-0.prompt-tuning`.
    pub name: String,
    pub step: usize,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// Whether the stage is done, as far as the manifest can be read.
    pub fn is_finished(&self) -> bool {
        let manifest =
            self.files.get(MANIFEST).and_then(|bytes| serde_json::from_slice::<Manifest>(bytes).ok());
        manifest.is_some_and(|manifest| manifest.step == manifest.steps)
    }
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
    /// Numbers of the method's state, now and at the best step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scalars: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub best_scalars: BTreeMap<String, f64>,
    /// SHA-256 by file name, hexadecimal.
    pub hashes: BTreeMap<String, String>,
}

/// A method's own state on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodState {
    pub tensors: HostTensors,
    pub scalars: BTreeMap<String, f64>,
}

/// The state of a stage between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StageState {
    pub manifest: Manifest,
    /// Moved weights, by parameter path.
    pub weights: HostTensors,
    /// The best ones; absent where they are `weights`.
    pub best: Option<HostTensors>,
    pub optimizer: HostTensors,
    pub method: MethodState,
    /// The method's state at the best step; absent where that is this one.
    pub best_method: Option<MethodState>,
}

const MANIFEST: &str = "manifest.json";
const WEIGHTS: &str = "weights.safetensors";
const BEST: &str = "best.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const METHOD: &str = "method.safetensors";
const BEST_METHOD: &str = "best-method.safetensors";
/// Version 1 had no state of the method.
const VERSION: u32 = 2;

impl MethodState {
    pub async fn read(state: &State) -> Result<Self> {
        let mut tensors = HostTensors::new();
        for (name, tensor) in &state.tensors {
            let shape = tensor.dims().to_vec();
            tensors
                .insert(name.clone(), HostTensor { shape, values: tensors::to_vec(tensor.clone()).await? });
        }
        Ok(Self { tensors, scalars: state.scalars.clone() })
    }

    fn on(&self, device: &Device) -> State {
        let tensor = |tensor: &HostTensor| {
            Tensor::from_data(TensorData::new(tensor.values.clone(), tensor.shape.clone()), device)
        };
        State {
            tensors: self.tensors.iter().map(|(name, host)| (name.clone(), tensor(host))).collect(),
            scalars: self.scalars.clone(),
        }
    }
}

impl StageState {
    /// The method's state on a device.
    pub fn method_state(&self, device: &Device) -> State {
        self.method.on(device)
    }

    /// The method's state at the best step.
    pub fn best_method_state(&self, device: &Device) -> State {
        self.best_method.as_ref().unwrap_or(&self.method).on(device)
    }

    pub fn to_checkpoint(mut self, name: &str) -> Result<Checkpoint> {
        let mut files = BTreeMap::new();
        files.insert(WEIGHTS.to_owned(), tensors::to_safetensors(&self.weights, Precision::F32)?);
        files.insert(OPTIMIZER.to_owned(), tensors::to_safetensors(&self.optimizer, Precision::F32)?);
        if let Some(best) = &self.best {
            files.insert(BEST.to_owned(), tensors::to_safetensors(best, Precision::F32)?);
        }
        let mut add = |name: &str, tensors: &HostTensors| -> Result<()> {
            if !tensors.is_empty() {
                files.insert(name.to_owned(), tensors::to_safetensors(tensors, Precision::F32)?);
            }
            Ok(())
        };
        add(METHOD, &self.method.tensors)?;
        if let Some(best) = &self.best_method {
            add(BEST_METHOD, &best.tensors)?;
            self.manifest.best_scalars = best.scalars.clone();
        }
        self.manifest.scalars = self.method.scalars.clone();
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
        let optional = |name: &str| manifest.hashes.contains_key(name).then(|| read(name)).transpose();
        let best = optional(BEST)?;
        let state = |tensors: Option<HostTensors>, scalars: &BTreeMap<String, f64>| MethodState {
            tensors: tensors.unwrap_or_default(),
            scalars: scalars.clone(),
        };
        let method = state(optional(METHOD)?, &manifest.scalars);
        let best_method = match best {
            Some(_) => Some(state(optional(BEST_METHOD)?, &manifest.best_scalars)),
            None => None,
        };
        Ok(Self { weights: read(WEIGHTS)?, optimizer: read(OPTIMIZER)?, best, method, best_method, manifest })
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

    fn state() -> StageState {
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
            scalars: BTreeMap::from([("a".to_owned(), 0.1)]),
            best_scalars: BTreeMap::from([("a".to_owned(), 0.2)]),
            hashes: BTreeMap::new(),
        };
        let method =
            |value| MethodState { tensors: tensors(value), scalars: [("a".to_owned(), value.into())].into() };
        StageState {
            manifest,
            weights: tensors(1.0),
            best: Some(tensors(2.0)),
            optimizer: tensors(0.1),
            method: method(3.0),
            best_method: Some(method(4.0)),
        }
    }

    #[test]
    fn round_trips_and_refuses_changed_files_and_other_settings() {
        let checkpoint = state().to_checkpoint("stage").unwrap();
        let back = StageState::from_checkpoint(&checkpoint, "f").unwrap();
        assert_eq!(
            (back.weights, back.best, back.optimizer, back.method, back.best_method),
            (state().weights, state().best, state().optimizer, state().method, state().best_method)
        );
        assert!(
            StageState::from_checkpoint(&checkpoint, "g").unwrap_err().to_string().contains("other settings")
        );
        let mut damaged = checkpoint.clone();
        damaged.files.get_mut(WEIGHTS).unwrap().pop();
        assert!(StageState::from_checkpoint(&damaged, "f").unwrap_err().to_string().contains("SHA-256"));
        let mut partial = checkpoint;
        partial.files.remove(OPTIMIZER);
        assert!(StageState::from_checkpoint(&partial, "f").is_err());
    }
}
