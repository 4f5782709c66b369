//! What comes with the page: recorded reports and tuned weights have to be of the bundled model as it is now, or the
//! page shows answers of one model beside those of another.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use promot_core::model::folder::{self, ModelFiles, TokenizerFile};
use promot_core::report::Report;

fn public(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../public").join(path)
}

pub fn read(path: &str) -> Vec<u8> {
    fs::read(public(path)).unwrap_or_else(|error| panic!("public/{path}: {error}"))
}

pub fn list(path: &str) -> Vec<String> {
    let list: Vec<String> = serde_json::from_slice(&read(path)).unwrap();
    assert!(!list.is_empty(), "public/{path} names nothing");
    list
}

/// The files of a model of the bundled one's shape, with the weights at `path`.
pub fn files(path: &str) -> ModelFiles {
    ModelFiles {
        config: read("models/mini/config.json"),
        weights: vec![("model.safetensors".into(), read(path))],
        tokenizer: TokenizerFile::Json(read("models/mini/tokenizer.json")),
        side: Default::default(),
    }
}

#[test]
fn recorded_results_are_of_the_bundled_model() {
    let bundled =
        folder::load("mini", &files("models/mini/model.safetensors"), &Device::flex()).unwrap().info;
    for name in list("recorded/index.json") {
        let report: Report = serde_json::from_slice(&read(&format!("recorded/{name}/report.json"))).unwrap();
        assert_eq!(report.model.sha256, bundled.sha256, "{name}: run `cargo xtask record` again");
        assert!(name.starts_with(&report.spec.target.task), "{name} holds {}", report.spec.target.task);
    }
}

/// Reports made before stages had a type name them by the same text that they are written as now.
#[test]
fn recorded_curves_are_read_and_written_without_a_change() {
    for name in list("recorded/index.json") {
        let bytes = read(&format!("recorded/{name}/report.json"));
        let text: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let report: Report = serde_json::from_slice(&bytes).unwrap();
        for (run, text) in report.runs.iter().zip(text["runs"].as_array().unwrap()) {
            assert!(serde_json::to_value(&run.steps).unwrap() == text["steps"], "{name}: {}", run.method);
        }
    }
}

#[test]
fn shipped_weights_fit_the_bundled_model() {
    for folder in list("recorded/weights.json") {
        let files = files(&format!("recorded/{folder}/model.safetensors"));
        folder::load(&folder, &files, &Device::flex()).unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
}
