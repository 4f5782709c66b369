//! What a stage needs to go on: the weights that move, the optimizer's state, the weights that may become its result, and
//! a manifest with hashes. Files are bytes here; the caller stores them so that what exists is whole.

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
    /// Step and validation score of the kept weights.
    pub best: Option<(usize, f64)>,
    /// Of those that may take their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
    pub records: Vec<StepRecord>,
    /// Seconds spent so far.
    pub seconds: f64,
    /// Numbers of the method's state, now and at the kept step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scalars: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub best_scalars: BTreeMap<String, f64>,
    /// SHA-256 by file name, hexadecimal.
    pub hashes: BTreeMap<String, String>,
}

/// What a manifest says of a checkpoint that may take the place of the kept one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Later {
    pub step: usize,
    pub score: f64,
    /// Numbers of the method's state at that step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scalars: BTreeMap<String, f64>,
}

/// The bytes of a safetensors file; none for no file.
pub type Packed = Vec<u8>;

/// A method's own state on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodState<T = HostTensors> {
    pub tensors: T,
    pub scalars: BTreeMap<String, f64>,
}

/// The state of a stage between two steps, as it is read, or packed to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct StageState<T = HostTensors> {
    pub manifest: Manifest,
    /// Moved weights, by parameter path.
    pub weights: T,
    pub optimizer: T,
    pub method: MethodState<T>,
    /// The checkpoint that is kept now, and later ones that may take its place.
    pub candidates: Vec<Candidate<T>>,
}

/// A scored checkpoint that is, or may become, the stage's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<T = HostTensors> {
    pub step: usize,
    /// On the validation rows.
    pub score: f64,
    /// Its weights and its method's state; absent where they are those of this step.
    pub own: Option<(T, MethodState<T>)>,
}

const MANIFEST: &str = "manifest.json";
const WEIGHTS: &str = "weights.safetensors";
const BEST: &str = "best.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const METHOD: &str = "method.safetensors";
const BEST_METHOD: &str = "best-method.safetensors";
/// Version 1 had no state of the method.
const VERSION: u32 = 2;

/// The files of a candidate's weights and of its method's state.
fn files_of(index: usize, step: usize) -> [String; 2] {
    match index {
        0 => [BEST.to_owned(), BEST_METHOD.to_owned()],
        _ => [format!("best-{step}.safetensors"), format!("best-{step}-method.safetensors")],
    }
}

/// Tensors as the file of a checkpoint.
pub fn pack(tensors: HostTensors) -> Result<Packed> {
    tensors::to_safetensors(tensors, Precision::F32)
}

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

    pub fn packed(self) -> Result<MethodState<Packed>> {
        let Self { tensors, scalars } = self;
        let tensors = if tensors.is_empty() { Packed::new() } else { pack(tensors)? };
        Ok(MethodState { tensors, scalars })
    }

    /// On a device.
    pub fn on(&self, device: &Device) -> State {
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
    /// The weights of a candidate and its method's state; those of this step where there is none.
    pub fn of<'a>(&'a self, candidate: Option<&'a Candidate>) -> (&'a HostTensors, &'a MethodState) {
        let own = candidate.and_then(|candidate| candidate.own.as_ref());
        own.map_or((&self.weights, &self.method), |(weights, method)| (weights, method))
    }

    /// # Errors
    /// A missing or changed file, or a checkpoint that other settings made.
    pub fn from_checkpoint(checkpoint: Checkpoint, fingerprint: &str) -> Result<Self> {
        let name = checkpoint.name.clone();
        let state = Self::read(checkpoint)?;
        if state.manifest.fingerprint != fingerprint {
            return Err(Error::mismatch(
                format!("checkpoint {name}"),
                "the settings of this run",
                "one made with other settings, seed or model",
            ));
        }
        Ok(state)
    }

    /// The same whatever settings made it. Each file is freed once its tensors are read.
    ///
    /// # Errors
    /// A missing or changed file.
    pub fn read(checkpoint: Checkpoint) -> Result<Self> {
        let Checkpoint { name: checkpoint, step, mut files } = checkpoint;
        let what = |file: &str| format!("{file} of checkpoint {checkpoint} at step {step}");
        let missing = |name: &str| {
            Error::mismatch(format!("checkpoint {checkpoint}"), format!("a file {name}"), "none")
        };
        let manifest = files.remove(MANIFEST).ok_or_else(|| missing(MANIFEST))?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|error| Error::format(what(MANIFEST), error))?;
        if manifest.version != VERSION {
            return Err(Error::mismatch(what("version"), VERSION, manifest.version));
        }
        for (name, hash) in &manifest.hashes {
            let found = hex(&Sha256::digest(files.get(name).ok_or_else(|| missing(name))?));
            if found != *hash {
                return Err(Error::mismatch(what(name), format!("SHA-256 {hash}"), found));
            }
        }
        let mut optional = |name: &str| {
            let bytes = files.remove(name);
            bytes.map(|bytes| tensors::from_safetensors(&bytes, &what(name))).transpose()
        };
        let state = |tensors: Option<HostTensors>, scalars: &BTreeMap<String, f64>| MethodState {
            tensors: tensors.unwrap_or_default(),
            scalars: scalars.clone(),
        };
        let weights = optional(WEIGHTS)?.ok_or_else(|| missing(WEIGHTS))?;
        let optimizer = optional(OPTIMIZER)?.ok_or_else(|| missing(OPTIMIZER))?;
        let method = state(optional(METHOD)?, &manifest.scalars);
        let first = manifest.best.map(|(step, score)| (step, score, &manifest.best_scalars));
        let later = manifest.later.iter().map(|later| (later.step, later.score, &later.scalars));
        let mut candidates = Vec::new();
        for (index, (step, score, scalars)) in first.into_iter().chain(later).enumerate() {
            let [weights, method] = files_of(index, step);
            let own = match optional(&weights)? {
                Some(weights) => Some((weights, state(optional(&method)?, scalars))),
                None if step == manifest.step => None,
                None => return Err(Error::mismatch(what("files"), format!("a file {weights}"), "none")),
            };
            candidates.push(Candidate { step, score, own });
        }
        Ok(Self { weights, optimizer, method, candidates, manifest })
    }
}

impl StageState<Packed> {
    pub fn to_checkpoint(self, name: &str) -> Result<Checkpoint> {
        let Self { mut manifest, weights, optimizer, method, candidates } = self;
        let mut files = BTreeMap::from([(WEIGHTS.to_owned(), weights), (OPTIMIZER.to_owned(), optimizer)]);
        let mut methods = vec![(METHOD.to_owned(), method.tensors)];
        manifest.scalars = method.scalars;
        for (index, Candidate { step, score, own }) in candidates.into_iter().enumerate() {
            let mut scalars = BTreeMap::new();
            if let Some((weights, method)) = own {
                let [weights_file, method_file] = files_of(index, step);
                files.insert(weights_file, weights);
                methods.push((method_file, method.tensors));
                scalars = method.scalars;
            }
            match index {
                0 => (manifest.best, manifest.best_scalars) = (Some((step, score)), scalars),
                _ => manifest.later.push(Later { step, score, scalars }),
            }
        }
        files.extend(methods.into_iter().filter(|(_, tensors)| !tensors.is_empty()));
        manifest.version = VERSION;
        manifest.hashes =
            files.iter().map(|(name, bytes)| (name.clone(), hex(&Sha256::digest(bytes)))).collect();
        let step = manifest.step;
        let manifest =
            serde_json::to_vec_pretty(&manifest).map_err(|error| Error::format(MANIFEST, error))?;
        files.insert(MANIFEST.to_owned(), manifest);
        Ok(Checkpoint { name: name.to_owned(), step, files })
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
            best: None,
            later: Vec::new(),
            records: Vec::new(),
            seconds: 1.5,
            scalars: BTreeMap::from([("a".to_owned(), 0.1)]),
            best_scalars: BTreeMap::new(),
            hashes: BTreeMap::new(),
        };
        let method =
            |value| MethodState { tensors: tensors(value), scalars: [("a".to_owned(), value.into())].into() };
        StageState {
            manifest,
            weights: tensors(1.0),
            optimizer: tensors(0.1),
            method: method(3.0),
            candidates: vec![
                Candidate { step: 1, score: 49.0, own: Some((tensors(2.0), method(4.0))) },
                Candidate { step: 2, score: 50.0, own: Some((tensors(5.0), method(6.0))) },
                Candidate { step: 3, score: 51.0, own: None },
            ],
        }
    }

    fn packed(state: StageState) -> StageState<Packed> {
        let of = |(weights, method): (HostTensors, MethodState)| {
            (pack(weights).unwrap(), method.packed().unwrap())
        };
        let candidate = |Candidate { step, score, own }| Candidate { step, score, own: own.map(of) };
        let (weights, method) = of((state.weights, state.method));
        StageState {
            manifest: state.manifest,
            weights,
            optimizer: pack(state.optimizer).unwrap(),
            method,
            candidates: state.candidates.into_iter().map(candidate).collect(),
        }
    }

    #[test]
    fn round_trips_and_refuses_changed_files_and_other_settings() {
        let checkpoint = packed(state()).to_checkpoint("stage").unwrap();
        let back = StageState::from_checkpoint(checkpoint.clone(), "f").unwrap();
        assert_eq!(
            (back.weights, back.optimizer, back.method, back.candidates),
            (state().weights, state().optimizer, state().method, state().candidates)
        );
        let problem = |checkpoint, fingerprint| {
            StageState::from_checkpoint(checkpoint, fingerprint).unwrap_err().to_string()
        };
        assert!(problem(checkpoint.clone(), "g").contains("other settings"));
        let mut damaged = checkpoint.clone();
        damaged.files.get_mut(WEIGHTS).unwrap().pop();
        assert!(problem(damaged, "f").contains("SHA-256"));
        for file in [MANIFEST, WEIGHTS, OPTIMIZER, "best-2.safetensors", "best-2-method.safetensors"] {
            let mut partial = checkpoint.clone();
            partial.files.remove(file);
            assert!(problem(partial, "f").contains(&format!("expected a file {file}, found none")), "{file}");
        }
    }
}
