//! What comes with the page: recorded reports and tuned weights have to be of the bundled model as it is now, or the
//! page shows answers of one model beside those of another.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use promot_core::model::folder::{self, LoadedModel, ModelFiles, TokenizerFile};
use promot_core::report::{Report, Verdict};
use promot_core::signs;
use promot_core::task::DataSource;

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

/// The files of a model of the page's one's shape, with the weights at `path`.
fn files(path: &str) -> ModelFiles {
    like("mini", path)
}

fn like(name: &str, weights: &str) -> ModelFiles {
    ModelFiles {
        config: read(&format!("models/{name}/config.json")),
        weights: vec![("model.safetensors".into(), read(weights))],
        tokenizer: TokenizerFile::Json(read(&format!("models/{name}/tokenizer.json"))),
        side: Default::default(),
    }
}

/// The bundled models.
pub const BUNDLED: [&str; 2] = ["mini", "mini-llama"];

pub fn bundled(name: &str) -> LoadedModel {
    let files = like(name, &format!("models/{name}/model.safetensors"));
    folder::load(name, &files, &Device::flex()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn recorded_results_are_of_the_bundled_model() {
    let bundled = bundled("mini").info;
    for (at, name) in list("recorded/index.json").iter().enumerate() {
        let report: Report = serde_json::from_slice(&read(&format!("recorded/{name}/report.json"))).unwrap();
        // A run of a model that is downloaded stands below, under that model's name.
        if report.spec.model != "mini" {
            assert!(at > 0 && report.model.name == report.spec.model, "{name}");
            // Its questions are generated: those of data sets are not ours to ship.
            let tasks = &promot_world::catalog().tasks;
            for example in &report.examples {
                let source = &tasks.by_name(&example.task).unwrap().source;
                assert!(matches!(source, DataSource::Generated(_)), "{name}: {}", example.task);
            }
            continue;
        }
        assert_eq!(report.model.sha256, bundled.sha256, "{name}: run `cargo xtask record` again");
        assert!(name.starts_with(&report.spec.target.task), "{name} holds {}", report.spec.target.task);
    }
}

/// docs/signs.md has the verdicts of the recorded runs and README their counts. After `cargo xtask record`,
/// `INSTA_UPDATE=always` writes the former; the latter is text.
#[test]
fn the_docs_show_the_signs_of_the_recorded_runs() {
    let mut page = String::from(
        "# The paper's claims and the recorded runs\n\nWritten from `public/recorded/` by a test (`shipped`), like the \
         tables of the page and of report.html. Differences have their\npaired 95 % interval over seeds and rows; one \
         with both signs, or without an interval, is not resolved.\n",
    );
    let readme = fs::read_to_string(public("../README.md")).unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in list("recorded/index.json") {
        let report: Report = serde_json::from_slice(&read(&format!("recorded/{name}/report.json"))).unwrap();
        // The claims are about the paper's methods; other recordings have these once more, with fewer seeds.
        if !["paper-mini", "enfr-mini"].contains(&report.spec.name.as_str()) {
            continue;
        }
        // Rows are kept to four decimals, so that intervals move in the fifth.
        let verdicts = |signs: &[promot_core::report::Sign]| -> Vec<(String, Verdict)> {
            signs.iter().map(|sign| (sign.id.clone(), sign.verdict)).collect()
        };
        let again = signs::judge(&report.runs);
        assert_eq!(verdicts(&report.signs), verdicts(&again), "{name}: judged by another version");
        let [disagree, open, agree, _] = signs::counts(&report.signs).map(|(_, count)| count);
        let counts = format!("{name}: {agree} agree, {disagree} disagree, {open} not resolved");
        assert!(words(&readme).contains(&counts), "README does not say `{counts}`");
        page += &format!(
            "\n## {name}\n\n| claim | paper | here | difference | seeds | verdict |\n|---|---|---|---|---|---|\n"
        );
        for sign in signs::ordered(&report.signs).into_iter().filter(|sign| sign.verdict != Verdict::NotRun) {
            let (one, other) = sign.ours.unwrap_or_default();
            let interval = sign.interval.map(|(low, high)| format!(" ({low:+.1} to {high:+.1})"));
            page += &format!(
                "| {} ({}) | {} | {one:.1} against {other:.1} | {:+.1}{} | {} | {} |\n",
                sign.claim,
                sign.id,
                sign.paper,
                sign.difference.unwrap_or_default(),
                interval.unwrap_or_default(),
                sign.seeds,
                sign.verdict.name()
            );
        }
    }
    let path = public("../docs/signs.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &page).unwrap();
    }
    assert!(fs::read_to_string(&path).is_ok_and(|found| found == page), "docs/signs.md is of other runs");
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
