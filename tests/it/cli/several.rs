//! Several tasks tuned together: a prompt for each, one set of weights for all.

use std::fs;

use serde_json::Value;

use super::experiment::{RUN, interrupted, place, report, same_checkpoints, with};
use crate::Place;

const TASKS: [&str; 2] = ["rte-mini", "wmt_enfr-mini"];

fn bytes(place: &Place, file: &str) -> Vec<u8> {
    fs::read(place.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn several_tasks_are_tuned_each_behind_its_prompt() {
    let place = place();
    let more = ["--set", "target.also=wmt_enfr-mini", "--set", "stage.fine-tuning.batch=5"];
    // Every method that can tune several.
    let methods = ["--set", "methods=pretrained,fine-tuning,prompt-tuning,promot,random-prompt"];
    place.good(&[&RUN[..], &more, &methods, &["--out", "out"]].concat());
    let report = report(&place, "out");
    for run in report["runs"].as_array().unwrap() {
        let method = run["method"].as_str().unwrap();
        let prompted = !["pretrained", "fine-tuning"].contains(&method);
        let targets = [&run["target"], &run["also"][0]];
        assert_eq!(targets.map(|target| target["task"].as_str().unwrap()), TASKS, "{method}");
        assert!(targets.iter().all(|target| target["prompt"] == prompted && target["n"] == 4), "{method}");
        assert!(run["unseen"].as_array().unwrap().iter().all(|score| score["prompt"] == false), "{method}");
    }
    let labels = |run: &Value| -> Vec<String> {
        let mut labels: Vec<String> = run["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["stage"].as_str().unwrap().into())
            .collect();
        labels.dedup();
        labels
    };
    let promot = &report["runs"][3];
    assert_eq!(labels(promot), ["stage 1, rte-mini", "stage 1, wmt_enfr-mini", "stage 2"]);
    assert_eq!(labels(&report["runs"][1]), ["stage 1"]);
    let page = place.read("out/report.html");
    assert!(
        page.contains("Fine-tuned on rte-mini and wmt_enfr-mini") && page.contains("stage 1, wmt_enfr-mini")
    );

    // Stage 2 leaves every prompt as stage 1 has made it, and the prompts are not the same.
    let prompt = |method: &str, task: &str| {
        bytes(&place, &format!("out/models/{method}/prompt/{task}/adapter_model.safetensors"))
    };
    for task in TASKS {
        assert!(prompt("promot", task) == prompt("prompt-tuning", task), "{task}");
    }
    for method in ["promot", "random-prompt"] {
        assert!(prompt(method, TASKS[0]) != prompt(method, TASKS[1]), "{method}");
    }
    let weights = |method: &str| bytes(&place, &format!("out/models/{method}/model.safetensors"));
    assert!(weights("promot") != weights("prompt-tuning"));
    assert!(!place.path("out/models/fine-tuning/prompt").exists());

    // The tuned model answers each task behind its prompt as the report says.
    for (task, target) in TASKS.iter().zip([&promot["target"], &promot["also"][0]]) {
        let folder = format!("out/models/promot/prompt/{task}");
        let eval = ["eval", "--model", "out/models/promot", "--prompt", &folder, "--tasks", task];
        let scored =
            place.good(&with(&eval, &["--limit", "4", "--beams", "2", "--device", "cpu", "--json", "-"]));
        let scored: Value = serde_json::from_str(&scored).unwrap();
        assert_eq!(scored["scores"][0]["score"], target["score"], "{task}");
    }

    // A finished run has all of it again from its checkpoints, prompts that nothing trains as well.
    let files = ["promot", "random-prompt"].map(|method| {
        let prompt = |task: &str| format!("out/models/{method}/prompt/{task}/adapter_model.safetensors");
        [format!("out/models/{method}/model.safetensors"), prompt(TASKS[0]), prompt(TASKS[1])]
    });
    let files: Vec<String> = files.into_iter().flatten().collect();
    let before: Vec<Vec<u8>> = files.iter().map(|file| bytes(&place, file)).collect();
    fs::remove_dir_all(place.path("out/models")).unwrap();
    place.good(&["run", "--resume", "--out", "out", "--device", "cpu"]);
    for (file, before) in files.iter().zip(before) {
        assert!(bytes(&place, file) == before, "{file}");
    }
}

/// What was tuned together in two halves is what was tuned in one go.
#[test]
fn an_interrupted_mixture_goes_on_to_the_same_end() {
    let place = place();
    let run = [&RUN[..], &["--set", "target.also=wmt_enfr-mini", "--set", "methods=promot"]].concat();
    let run =
        with(&run, &["--set", "stage.fine-tuning.steps=20", "--set", "stage.fine-tuning.checkpoint_every=5"]);
    interrupted(&place, &run, 8);
    same_checkpoints(&place, "seed-0.prompt-tuning.fine-tuning", 20);
}

#[test]
fn tune_takes_several_tasks_and_leaves_a_prompt_for_each() {
    let place = place();
    let model = place.model();
    let both = TASKS.join(",");
    let tune = ["tune", "--model", model, "--task", &both, "--device", "cpu"];
    let small = ["stage.prompt-tuning", "stage.fine-tuning"].map(|stage| {
        ["steps=1", "batch=4", "checkpoint_every=0"].map(|setting| format!("{stage}.{setting}"))
    });
    let limits = ["target.train_limit=8", "target.validation_limit=4", "target.test_limit=4"];
    let prompt = ["prompt.length=3", "prompt.vocabulary=50"];
    let settings = small.iter().flatten().map(String::as_str).chain(limits).chain(prompt);
    let sizes: Vec<&str> = settings.flat_map(|setting| ["--set", setting]).collect();
    place.good(&[&tune[..], &["--method", "promot"], &sizes].concat());
    let folder = "runs/promot-rte-mini+wmt_enfr-mini";
    for task in TASKS {
        assert!(place.path(&format!("{folder}/prompt/{task}/adapter_config.json")).is_file(), "{task}");
    }
    assert_eq!(report(&place, folder)["runs"][0]["also"][0]["task"], "wmt_enfr-mini");

    // What cannot be: a prompt and weights trained together, a task twice, one file for two tasks.
    place.bad(&with(&tune, &["--method", "joint"]), 1, &["method joint", "expected one, found 2"]);
    let twice = ["tune", "--model", model, "--task", "rte-mini,rte-mini", "--method", "promot"];
    place.bad(&twice, 1, &["target.also", "each tuned task once", "rte-mini again"]);
    place.write("rows.jsonl", "");
    let file = ["--data", "rows.jsonl"];
    for args in [with(&tune, &["--method", "promot"]), with(&RUN, &["--set", "target.also=wmt_enfr-mini"])] {
        place.bad(&with(&args, &file), 2, &["--data", "a folder with 2 tasks", "rows.jsonl"]);
    }
}
