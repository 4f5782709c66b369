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

fn read(path: &str) -> Vec<u8> {
    fs::read(public(path)).unwrap_or_else(|error| panic!("public/{path}: {error}"))
}

fn list(path: &str) -> Vec<String> {
    let list: Vec<String> = serde_json::from_slice(&read(path)).unwrap();
    assert!(!list.is_empty(), "public/{path} names nothing");
    list
}

/// The files of a model of the bundled one's shape, with the weights at `path`.
fn files(path: &str) -> ModelFiles {
    ModelFiles {
        config: read("models/mini/config.json"),
        weights: vec![("model.safetensors".into(), read(path))],
        tokenizer: TokenizerFile::Json(read("models/mini/tokenizer.json")),
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

#[test]
fn shipped_weights_fit_the_bundled_model() {
    for folder in list("recorded/weights.json") {
        let files = files(&format!("recorded/{folder}/model.safetensors"));
        folder::load(&folder, &files, &Device::flex()).unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
}
