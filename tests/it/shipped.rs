//! What comes with the page: recorded reports and tuned weights have to be of the bundled model as it is now, or the
//! page shows answers of one model beside those of another.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use promot_core::model::folder::{self, LoadedModel, ModelFiles, TokenizerFile};
use promot_core::record::RowScores;
use promot_core::report::{MethodRun, Report, Sign, TaskScore, Verdict};
use promot_core::signs;
use promot_core::task::DataSource;

fn public(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../public").join(path)
}

pub fn read(path: &str) -> Vec<u8> {
    fs::read(public(path)).unwrap_or_else(|error| panic!("public/{path}: {error}"))
}

/// A run that comes with the page.
pub struct Recording {
    pub name: String,
    pub model: String,
    task: String,
    weights: Vec<String>,
}

impl Recording {
    pub fn report(&self) -> Report {
        serde_json::from_slice(&self.bytes()).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// With the scores of its single rows, which the page does not load.
    fn with_rows(&self) -> Report {
        let mut report = self.report();
        let rows = read(&format!("../docs/rows/{}.json", self.name));
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&rows).unwrap();
        assert_eq!(rows.len(), report.runs.len(), "{}: rows of other runs", self.name);
        for (run, of_run) in report.runs.iter_mut().zip(rows) {
            assert!(of_run["method"] == run.method && of_run["seed"] == run.seed, "{}: {of_run}", self.name);
            let rows: Vec<Option<RowScores>> = serde_json::from_value(of_run["rows"].clone()).unwrap();
            let MethodRun { target, also, unseen, .. } = run;
            let scores: Vec<&mut TaskScore> = std::iter::once(target).chain(also).chain(unseen).collect();
            assert_eq!(scores.len(), rows.len(), "{}: {}", self.name, of_run["method"]);
            for (score, rows) in scores.into_iter().zip(rows) {
                score.rows = rows;
            }
        }
        report
    }

    fn bytes(&self) -> Vec<u8> {
        read(&format!("recorded/{}/report.json", self.name))
    }
}

pub fn recordings() -> Vec<Recording> {
    let list: Vec<serde_json::Value> = serde_json::from_slice(&read("recorded/index.json")).unwrap();
    assert!(!list.is_empty(), "public/recorded/index.json names nothing");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let recording = |entry: &serde_json::Value| Recording {
        name: text(&entry["name"]),
        model: text(&entry["model"]),
        task: text(&entry["task"]),
        weights: entry["weights"].as_array().unwrap().iter().map(text).collect(),
    };
    list.iter().map(recording).collect()
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
    for recording in recordings() {
        let (report, name) = (recording.report(), &recording.name);
        assert_eq!(
            (&report.spec.model, &report.spec.target.task),
            (&recording.model, &recording.task),
            "{name}"
        );
        // A run of a model that is downloaded stands below, under that model's name.
        if !BUNDLED.contains(&recording.model.as_str()) {
            assert!(recording.weights.is_empty() && report.model.name == recording.model, "{name}");
            // Its questions are generated: those of data sets are not ours to ship.
            let tasks = &promot_world::catalog().tasks;
            for example in &report.examples {
                let source = &tasks.by_name(&example.task).unwrap().source;
                assert!(matches!(source, DataSource::Generated(_)), "{name}: {}", example.task);
            }
            continue;
        }
        let sha256 = bundled(&recording.model).info.sha256;
        assert_eq!(report.model.sha256, sha256, "{name}: run `cargo xtask record` again");
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
    let mut told = BTreeSet::new();
    for recording in recordings() {
        let (report, name) = (recording.with_rows(), &recording.name);
        // The claims are about the paper's methods.
        if !["paper-mini", "enfr-mini", "table-10-mini", "table-3-mini"].contains(&report.spec.name.as_str())
        {
            continue;
        }
        // Rows are kept to four decimals, so that intervals move in the fifth.
        let verdicts = |signs: &[Sign]| -> Vec<(String, Verdict)> {
            signs.iter().map(|sign| (sign.id.clone(), sign.verdict)).collect()
        };
        let again = signs::judge(&report.runs, (&bundled(&recording.model).config).into());
        assert_eq!(verdicts(&report.signs), verdicts(&again), "{name}: judged by another version");
        // What an earlier recording of the model has, with more seeds, is not told again.
        let (model, run) = (&recording.model, Verdict::NotRun);
        let new = |sign: &&Sign| sign.verdict != run && told.insert((model.clone(), sign.id.clone()));
        let found: Vec<Sign> = signs::ordered(&report.signs).into_iter().filter(new).cloned().collect();
        let [disagree, open, agree, _] = signs::counts(&found).map(|(_, count)| count);
        let counts = format!("{name}: {agree} agree, {disagree} disagree, {open} not resolved");
        assert!(words(&readme).contains(&counts), "README does not say `{counts}`");
        page += &format!(
            "\n## {name}\n\n| claim | paper | here | difference | seeds | verdict |\n|---|---|---|---|---|---|\n"
        );
        for sign in found {
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
    for recording in recordings() {
        let (report, name) = (recording.report(), &recording.name);
        let text: serde_json::Value = serde_json::from_slice(&recording.bytes()).unwrap();
        for (run, text) in report.runs.iter().zip(text["runs"].as_array().unwrap()) {
            assert!(serde_json::to_value(&run.steps).unwrap() == text["steps"], "{name}: {}", run.method);
        }
    }
}

#[test]
fn shipped_weights_fit_the_bundled_model() {
    let mut shipped = 0;
    for recording in recordings() {
        for method in &recording.weights {
            let path = format!("recorded/{}/{method}/model.safetensors", recording.name);
            let files = like(&recording.model, &path);
            folder::load(&path, &files, &Device::flex()).unwrap_or_else(|error| panic!("{path}: {error}"));
            shipped += 1;
        }
    }
    assert!(shipped > 0);
}
