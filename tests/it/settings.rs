//! No setting is without effect: each field of a spec, changed alone, changes what a run gives, and the three that must
//! change nothing do not. A field that is in no line of the list below fails the test.

use std::collections::BTreeSet;

use promot_core::method::{Kind, METHODS};
use promot_core::model::tensors;
use promot_core::spec::{OptimizerSpec, Recipe, RunSpec, StageRequest, StageSpec};
use promot_core::train::{Control, Event, Observer, Outcome, experiment, planned};
use promot_world::catalog;
use serde_json::Value;

use crate::methods::{Lab, spec, with};

/// A field, another value, and what has to be set for the field to matter.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ADAFACTOR: (&str, &str) = ("stage.fine-tuning.optimizer.name", "adafactor");
const MUON: (&str, &str) = ("stage.fine-tuning.optimizer.name", "muon");

const CHANGING: &[Line] = &[
    ("methods", "[\"fine-tuning\"]", &[]),
    ("seeds", "[4]", &[]),
    ("target.task", "cb-mini", &[]),
    ("target.also", "[\"cb-mini\"]", &[]),
    ("target.train_limit", "5", &[]),
    ("target.validation_limit", "2", &[]),
    ("target.test_limit", "1", &[]),
    ("target.max_input", "10", &[]),
    ("prompt.length", "2", &[]),
    ("prompt.init", "uniform", &[]),
    ("prompt.range", "0.1", &[("prompt.init", "uniform")]),
    ("prompt.vocabulary", "20", &[]),
    ("prompt.text", "true or false", &[("prompt.init", "text"), ("prompt.text", "a long river")]),
    ("replay.task", "cb-mini", &[]),
    ("replay.limit", "2", &[]),
    ("eval.tasks", "[\"wmt_ende-mini\"]", &[]),
    ("eval.shots", "[1, 2]", &[]),
    ("eval.shot_pool", "2", &[]),
    ("eval.limit", "1", &[]),
    ("eval.max_input", "12", &[]),
    ("eval.beams", "2", &[]),
    ("eval.alpha", "3.0", &[("eval.beams", "4")]),
    ("eval.length_penalty", "hugging-face", &[("eval.beams", "4"), ("eval.alpha", "3.0")]),
    ("eval.min_new_tokens", "7", &[]),
    ("eval.prompt_on", "true", &[]),
    ("eval.text", "text-mini", &[]),
    ("eval.curve_every", "1", &[]),
    ("eval.curve_limit", "2", &[("eval.curve_every", "1")]),
    ("eval.examples", "1", &[]),
    ("eval.watch", "[\"triviaqa-mini\"]", &[]),
    ("eval.frontier", "true", &[]),
    ("eval.alignment_every", "2", &[]),
    ("eval.alignment_rows", "4", &[("eval.alignment_every", "2")]),
    ("sweep.select", "validation", &[("sweep.stage.fine-tuning.learning_rate", "0.01,0.02")]),
    ("stage.fine-tuning.method", "l2-sp", &[]),
    ("stage.fine-tuning.steps", "3", &[]),
    ("stage.fine-tuning.batch", "3", &[]),
    ("stage.fine-tuning.optimizer", "{ name = \"adafactor\" }", &[]),
    ("stage.fine-tuning.schedule", "linear", &[]),
    ("stage.fine-tuning.warmup", "3", &[]),
    ("stage.fine-tuning.learning_rate", "0.02", &[]),
    ("stage.fine-tuning.clip_norm", "0.01", &[ADAFACTOR]),
    ("stage.fine-tuning.dropout", "0.2", &[]),
    ("stage.fine-tuning.label_smoothing", "0.3", &[]),
    ("stage.fine-tuning.z_loss", "0.01", &[]),
    ("stage.fine-tuning.checkpoint_every", "1", &[]),
    ("stage.fine-tuning.shots", "1", &[]),
    ("stage.fine-tuning.one_shot_rate", "0.9", &[]),
    ("stage.fine-tuning.replay", "0.0", &[]),
    ("stage.fine-tuning.replay_answers", "model", &[]),
    ("stage.fine-tuning.keep_earliest_within", "2.0", &[]),
    ("stage.fine-tuning.optimizer.decay", "0.5", &[ADAFACTOR]),
    ("stage.fine-tuning.optimizer.scale_parameter", "true", &[ADAFACTOR]),
    ("stage.fine-tuning.optimizer.weight_decay", "0.3", &[]),
    ("stage.fine-tuning.optimizer.beta_1", "0.5", &[]),
    ("stage.fine-tuning.optimizer.beta_2", "0.5", &[]),
    ("stage.fine-tuning.optimizer.epsilon", "0.1", &[]),
    ("stage.fine-tuning.optimizer.momentum", "0.5", &[MUON]),
];

/// What has no say in the result: a name, and how the work is divided. The sums of other divisions are rounded otherwise,
/// so of those the scores alone are compared.
const NEUTRAL: &[Line] =
    &[("name", "another", &[]), ("eval.batch", "1", &[]), ("stage.fine-tuning.accumulate", "2", &[])];

/// Said elsewhere: the model is given, tasks of one's own and words that no answer may have have tests of their own.
const ELSEWHERE: [&str; 4] = ["version", "model", "task", "eval.suppress"];

/// The contract's short run of ProMoT, with something of everything in it.
fn base(more: &[(&str, &str)]) -> RunSpec {
    let own = [
        ("methods", "[\"pretrained\", \"promot\"]"),
        ("target.task", "rte-mini"),
        ("replay.task", "pretraining-mini"),
        ("replay.limit", "6"),
        ("eval.tasks", "[\"triviaqa-mini\"]"),
        ("eval.shots", "[1]"),
        ("eval.limit", "2"),
        ("eval.curve_limit", "1"),
        ("stage.prompt-tuning.steps", "1"),
        ("stage.fine-tuning.steps", "4"),
        ("stage.fine-tuning.accumulate", "1"),
        ("stage.fine-tuning.replay", "0.25"),
        ("stage.fine-tuning.one_shot_rate", "0.5"),
    ];
    with(with(spec("promot"), &own), more)
}

/// The rows that are answered, task by task.
#[derive(Default)]
struct Answered(Vec<(String, usize, usize)>);

impl Observer for Answered {
    fn now(&self) -> f64 {
        0.0
    }

    fn event(&mut self, event: &Event) -> Control {
        if let Event::Evaluating { task, done, rows } = event {
            self.0.push((task.clone(), *done, *rows));
        }
        Control::Continue
    }
}

/// What a run gives: its report without the spec, times and signatures (which repeat the settings), the rows that it
/// answered, and its weights.
fn result(lab: &Lab, spec: &RunSpec) -> (Value, Vec<Vec<f32>>) {
    let run = spec.resolve(&catalog().tasks).unwrap();
    let mut answered = Answered::default();
    let Outcome { report, models } = pollster::block_on(experiment(lab.setup(&run), &mut answered)).unwrap();
    let mut report = serde_json::to_value(&report).unwrap();
    report["answered"] = serde_json::to_value(answered.0).unwrap();
    report["spec"] = Value::Null;
    strip(&mut report);
    let weights = |tuned: &promot_core::train::TunedModel| {
        let all =
            pollster::block_on(tensors::read(&tuned.for_task(0), &|_| true, &tensors::by_path)).unwrap();
        all.into_values().flat_map(|tensor| tensor.values).collect()
    };
    (report, models.iter().map(|model| weights(&model.tuned)).collect())
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for field in ["seconds", "signature", "warnings"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Every field that a spec can have, by its path; of the stages, those of fine-tuning.
fn fields() -> BTreeSet<String> {
    let spec = serde_json::to_value(RunSpec::default()).unwrap();
    let mut found = BTreeSet::new();
    for (name, value) in spec.as_object().unwrap() {
        match value {
            _ if name == "stage" || name == "sweep" => {}
            Value::Object(group) => found.extend(group.keys().map(|field| format!("{name}.{field}"))),
            _ => {
                found.insert(name.clone());
            }
        }
    }
    let stage = "stage.fine-tuning";
    found.insert("sweep.select".into());
    let of_stage = StageRequest::of("fine-tuning").fields().unwrap().into_iter();
    let own = of_stage.filter(|field| field != "name" && field != "like");
    found.extend(own.map(|field| format!("{stage}.{field}")));
    for name in ["adafactor", "adam-w", "muon"] {
        let optimizer: OptimizerSpec = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
        let settings = serde_json::to_value(StageSpec { optimizer, ..StageSpec::default() }).unwrap();
        let own = settings["optimizer"].as_object().unwrap().keys().filter(|field| *field != "name");
        found.extend(own.map(|field| format!("{stage}.optimizer.{field}")));
    }
    found
}

#[test]
fn every_field_of_a_spec_is_in_the_list() {
    let lines = CHANGING.iter().chain(NEUTRAL).map(|(path, ..)| *path).chain(ELSEWHERE);
    let listed: BTreeSet<String> = lines.map(str::to_owned).collect();
    assert_eq!(fields(), listed);
}

#[test]
fn every_setting_changes_what_a_run_gives() {
    let lab = Lab::new();
    let mut without: Vec<&str> = Vec::new();
    for (path, value, needs) in CHANGING {
        let before = result(&lab, &base(needs));
        let after = result(&lab, &base(&[needs, &[(*path, *value)][..]].concat()));
        if before == after {
            without.push(path);
        }
    }
    assert!(without.is_empty(), "without effect: {without:?}");
}

#[test]
fn names_and_the_division_of_the_work_change_no_score() {
    let lab = Lab::new();
    for (path, value, needs) in NEUTRAL {
        let scores = |spec: &RunSpec| {
            let runs = result(&lab, spec).0["runs"].clone();
            runs.as_array()
                .unwrap()
                .iter()
                .map(|run| (run["target"].clone(), run["unseen"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(scores(&base(needs)), scores(&base(&[needs, &[(*path, *value)][..]].concat())), "{path}");
    }
}

#[test]
fn every_parameter_of_every_method_changes_the_weights() {
    let lab = Lab::new();
    let mut without = Vec::new();
    for info in METHODS.iter().filter(|info| !info.params.is_empty()) {
        let methods = format!("[\"{}\"]", info.name);
        let plain = base(&[("methods", &methods), ("stage.fine-tuning.replay", "0.0")]);
        let weights = |more: &[(&str, &str)]| result(&lab, &with(plain.clone(), more)).1;
        let before = weights(&[]);
        for param in info.params {
            let path = format!("stage.{}.{}", info.name, param.name);
            if before == weights(&[(&path, &another(&param.kind))]) {
                without.push(path);
            }
        }
    }
    assert!(without.is_empty(), "without effect: {without:?}");
}

/// A value that is not the default.
fn another(kind: &Kind) -> String {
    match kind {
        Kind::Float { default, least, most } => match default > least {
            true => ((default + least) / 2.0).to_string(),
            false => ((default + most.min(default + 1.0)) / 2.0).to_string(),
        },
        Kind::Integer { default, most, .. } if default < most => (default + 1).to_string(),
        Kind::Integer { default, .. } => (default - 1).to_string(),
        Kind::Flag { default } => (!default).to_string(),
        Kind::Words { default, of } => {
            let other = of.iter().find(|word| !default.contains(word)).or(default.first());
            format!("[{:?}]", other.unwrap())
        }
    }
}

/// Folders of stages keep their names from version to version, so that runs of earlier ones go on and are reused: a setting
/// that was not there then, at its default, is no part of a name.
#[test]
fn stages_have_the_names_that_they_had_before_there_were_later_settings() {
    let paper = catalog().presets.by_name("paper-mini").unwrap();
    let run = with(paper, &[("seeds", "10")]).resolve(&catalog().tasks).unwrap();
    let recipe = run.recipes.iter().find(|recipe| recipe.name == "promot").unwrap();
    let names =
        |point: &Recipe| planned(&run, point, 10).unwrap().into_iter().map(|stage| stage.name).collect();
    let found: Vec<Vec<String>> = recipe.trained().iter().map(names).collect();
    let (first, second) = ("seed-10.prompt-tuning-c49ed1f0", "seed-10.prompt-tuning.fine-tuning");
    for (found, hash) in found.iter().zip(["a12f4b19", "99732962", "039ec8c7"]) {
        assert_eq!(found, &[first.to_owned(), format!("{second}-{hash}")]);
    }
    assert_eq!(found.len(), 3);
}
