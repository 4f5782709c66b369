//! The golden files of `tests/golden` as the tests use them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use promot_core::batch::{Batch, BatchLayout, TokenizedExample};
use promot_core::model::folder::{self, LoadedModel, ModelFiles, TokenizerFile};
use promot_core::model::tensors::{HostTensor, HostTensors, to_vec};
use promot_core::model::{Model, SoftPrompt};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The tiny random models of `tests/golden/t5`.
pub const FAMILIES: [&str; 4] = ["t5-1.0", "t5-1.1", "mt5", "umt5"];

/// Those of `tests/golden/causal`.
pub const CAUSAL: [&str; 6] = ["llama", "mistral", "qwen2", "qwen3", "gpt-neox", "gpt2"];

/// Relative tolerance of everything computed in f32: 1e-4 is what is asked for, half of it is what is reached.
pub const TOLERANCE: f64 = 5e-5;

/// One family: its model, and what transformers computed with it.
pub struct Family {
    pub name: &'static str,
    pub loaded: LoadedModel,
    pub golden: HostTensors,
    pub json: Value,
    /// Input and target ids of the training batch, without padding.
    pub pairs: Vec<(Vec<u32>, Vec<u32>)>,
}

pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("golden file {name}: {error}"))
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).unwrap()
}

/// A golden file's f32 tensors, and its i32 tensors as lists.
pub fn tensors(name: &str) -> (HostTensors, BTreeMap<String, Vec<i32>>) {
    let bytes = bytes(name);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (mut floats, mut ints) = (HostTensors::new(), BTreeMap::new());
    for (name, view) in file.tensors() {
        let words = view.data().as_chunks::<4>().0.iter();
        match view.dtype() {
            Dtype::F32 => {
                let values = words.map(|word| f32::from_le_bytes(*word)).collect();
                floats.insert(name, HostTensor { shape: view.shape().to_vec(), values });
            }
            Dtype::I32 => {
                ints.insert(name, words.map(|word| i32::from_le_bytes(*word)).collect());
            }
            other => panic!("golden tensor {name} is of type {other:?}"),
        }
    }
    (floats, ints)
}

/// The model in `tests/golden/t5/<folder>`, its weights in the files of these names.
pub fn load(folder: &str, weights: &[&str]) -> LoadedModel {
    let files = files("t5", folder, weights);
    folder::load(folder, &files, &Device::flex()).unwrap_or_else(|error| panic!("{folder}: {error}"))
}

/// The files of a model in `tests/golden/<kind>/<folder>`.
pub fn files(kind: &str, folder: &str, weights: &[&str]) -> ModelFiles {
    let file = |name: &str| bytes(&format!("{kind}/{folder}/{name}"));
    let there = |name: &&&str| path(&format!("{kind}/{folder}/{name}")).is_file();
    ModelFiles {
        config: file("config.json"),
        weights: weights.iter().map(|name| ((*name).to_owned(), file(name))).collect(),
        tokenizer: TokenizerFile::Json(file("tokenizer.json")),
        side: folder::SIDE_FILES.iter().filter(there).map(|name| ((*name).to_owned(), file(name))).collect(),
    }
}

impl Family {
    pub fn new(name: &'static str) -> Self {
        let (golden, ints) = tensors(&format!("t5/{name}/golden.safetensors"));
        let rows = golden["token_nll"].shape[0];
        let inputs = unpadded(&ints["input_ids"], rows, 0);
        let targets = unpadded(&ints["labels"], rows, -100);
        Self {
            name,
            loaded: load(name, &["model.safetensors"]),
            golden,
            json: json(&format!("t5/{name}/golden.json")),
            pairs: inputs.into_iter().zip(targets).collect(),
        }
    }

    /// A decoder-only model of `tests/golden/causal`.
    pub fn causal(name: &'static str) -> Self {
        let (golden, _) = tensors(&format!("causal/{name}/golden.safetensors"));
        let json = json(&format!("causal/{name}/golden.json"));
        let ids = |ids: &Value| -> Vec<u32> {
            ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
        };
        let pairs = json["score"][0]["pairs"].as_array().unwrap().iter();
        let files = files("causal", name, &["model.safetensors"]);
        let loaded = folder::load(name, &files, &Device::flex());
        Self {
            name,
            loaded: loaded.unwrap_or_else(|error| panic!("{name}: {error}")),
            golden,
            pairs: pairs.map(|pair| (ids(&pair["input"]), ids(&pair["target"]))).collect(),
            json,
        }
    }

    pub fn every_causal() -> impl Iterator<Item = Self> {
        CAUSAL.into_iter().map(Self::causal)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        FAMILIES.into_iter().map(Self::new)
    }

    pub fn batch(&self) -> Batch {
        batch(&self.pairs, 1)
    }

    pub fn prompt(&self) -> SoftPrompt {
        let prompt = &self.golden["prompt"];
        let [length, width] = prompt.shape[..] else { panic!("a prompt is a matrix") };
        SoftPrompt::from_values(prompt.values.clone(), length, width, &Device::flex()).unwrap()
    }

    pub fn model(&self, prompt: bool) -> Model {
        self.loaded.model.clone().with_prompt(prompt.then(|| self.prompt()))
    }

    /// The reference's value of `what`, computed with or without the prompt.
    pub fn expected(&self, what: &str, prompt: bool) -> &[f32] {
        &self.golden[&format!("{}{what}", prefix(prompt))].values
    }
}

/// What the names of values computed with the prompt begin with.
pub fn prefix(prompt: bool) -> &'static str {
    if prompt { "prompt." } else { "" }
}

pub fn batch(pairs: &[(Vec<u32>, Vec<u32>)], multiple: usize) -> Batch {
    let rows: Vec<TokenizedExample> = pairs.iter().cloned().map(TokenizedExample::from).collect();
    Batch::new(&rows, &layout(multiple, 1))
}

/// The layout of the golden families, whose pad and start token have the id 0.
pub fn layout(pad_to_multiple_of: usize, num_workers: usize) -> BatchLayout {
    BatchLayout { pad_id: 0, decoder_start_id: 0, pad_to_multiple_of, num_workers }
}

fn unpadded(ids: &[i32], rows: usize, padding: i32) -> Vec<Vec<u32>> {
    ids.chunks(ids.len() / rows)
        .map(|row| row.iter().filter(|id| **id != padding).map(|id| *id as u32).collect())
        .collect()
}

/// A tensor's numbers.
pub fn values<const R: usize>(tensor: Tensor<R>) -> Vec<f32> {
    pollster::block_on(to_vec(tensor)).unwrap()
}

/// Panics unless the two agree as vectors (Euclidean norm of the difference) and number by number, the latter
/// with a floor of a tenth of the largest number: below it the reference's own f32 gradients are not within 1e-4 of
/// the same gradients in f64.
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(&mut expected.iter().map(|x| f64::from(*x)));
    let error = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    assert!(error <= tolerance * size, "{what}: norm of the difference {error:e}, of the reference {size:e}");
    let floor = 0.1 * expected.iter().fold(0.0f64, |largest, x| largest.max(f64::from(x.abs())));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (a, b) = (f64::from(*found), f64::from(*expected));
        let allowed = tolerance * b.abs().max(floor);
        assert!((a - b).abs() <= allowed, "{what}, value {place}: expected {b:e}, found {a:e}");
    }
}

/// A method with its default settings.
pub fn method(name: &str) -> Box<dyn promot_core::method::Method> {
    let info = promot_core::method::by_name(name).unwrap();
    info.build(&info.defaults())
}
