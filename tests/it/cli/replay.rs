//! Replayed rows, held-out tasks with the soft prompt kept on, and the cross-entropy of plain text.

use serde_json::Value;

use super::experiment::{RUN, place, report, with};

fn run<'a>(report: &'a Value, method: &str) -> &'a Value {
    report["runs"].as_array().unwrap().iter().find(|run| run["method"] == method).unwrap()
}

fn losses(run: &Value) -> Vec<f64> {
    let steps = run["steps"].as_array().unwrap();
    steps.iter().filter_map(|step| step["loss"].as_f64()).collect()
}

const REPLAY: [&str; 4] = ["--set", "replay.task=pretraining-mini", "--set", "replay.limit=20"];

#[test]
fn a_share_of_the_batch_comes_from_the_replay_task() {
    let place = place();
    let methods = "methods=fine-tuning,promot";
    let base = with(&with(&RUN, &REPLAY), &["--set", methods, "--models", "none"]);
    let losses_with = |out: &str, more: &[&str]| {
        place.good(&with(&with(&base, more), &["--out", out]));
        let all = report(&place, out);
        (losses(run(&all, "fine-tuning")), losses(run(&all, "promot")))
    };
    let plain = losses_with("plain", &[]);
    let share = ["--set", "stage.fine-tuning.replay=0.5"];
    let given = losses_with("given", &share);
    assert!(plain.0 != given.0 && plain.1 != given.1, "replayed rows have losses of their own");
    let own = losses_with("own", &with(&share, &["--set", "stage.fine-tuning.replay_answers=model"]));
    assert!(own.0 != given.0, "the model's own answers are others");
    // A stage of the same settings is found again, and one with another share is not.
    place.good(&with(&with(&base, &share), &["--out", "again", "--reuse", "given"]));
    assert!(!place.path("again/stages").exists());
    let other = ["--set", "stage.fine-tuning.replay=0.25", "--out", "other", "--reuse", "given"];
    place.good(&with(&base, &other));
    assert!(place.path("other/stages").exists());
}

#[test]
fn replay_is_refused_where_it_makes_no_sense() {
    let place = place();
    let refused = |more: &[&str], status: i32, parts: &[&str]| {
        place.bad(&with(&with(&RUN, more), &["--out", "out"]), status, parts);
    };
    let share = ["--set", "stage.fine-tuning.replay=0.5"];
    refused(&share, 1, &["replay.task of the spec", "stage.fine-tuning.replay"]);
    let prompt = with(&REPLAY, &["--set", "stage.prompt-tuning.replay=0.5"]);
    refused(&prompt, 1, &["stage.prompt-tuning.replay", "attached for one task"]);
    refused(&["--set", "replay.task=pretraning-mini"], 2, &["nearest known: pretraining-mini"]);
    refused(&["--set", "stage.fine-tuning.replay=1"], 1, &["0 or more, below 1"]);
}

#[test]
fn the_prompt_stays_on_in_tables_of_their_own_and_text_has_its_cross_entropy() {
    let place = place();
    let near = "methods=[\"pretrained\",\"fine-tuning\",\"promot\",\
                {name=\"near\",merge=\"same-distance\",of=[\"fine-tuning\",\"promot\"]}]";
    let more =
        ["--set", "eval.prompt_on=true", "--set", "eval.text=text-mini", "--set", near, "--models", "none"];
    place.good(&with(&with(&RUN, &more), &["--out", "out"]));
    let all = report(&place, "out");
    let prompts = |method: &str, what: &str| -> Vec<bool> {
        run(&all, method)[what].as_array().unwrap().iter().map(|one| one["prompt"] == true).collect()
    };
    assert!(prompts("fine-tuning", "unseen").iter().all(|on| !on));
    let (on, off): (Vec<bool>, Vec<bool>) = prompts("promot", "unseen").into_iter().partition(|on| *on);
    assert!(!on.is_empty() && on.len() == off.len());
    // Fine-tuning, shortened to ProMoT's distance, has no prompt either.
    assert!(prompts("near", "unseen").iter().all(|on| !on) && run(&all, "near")["target"]["prompt"] == false);
    assert_eq!(prompts("pretrained", "text"), [false]);
    assert_eq!(prompts("promot", "text"), [false, true]);
    for method in ["pretrained", "fine-tuning", "promot"] {
        for loss in run(&all, method)["text"].as_array().unwrap() {
            assert!(loss["nats_per_token"].as_f64().unwrap() > 0.0 && loss["tokens"].as_u64().unwrap() > 0);
        }
        // The mean of the report is of the tasks without the prompt.
        let run = run(&all, method);
        let off = run["unseen"].as_array().unwrap().iter().filter(|score| score["prompt"] == false);
        let scores: Vec<f64> = off.map(|score| score["score"].as_f64().unwrap()).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        assert!((run["norm_avg"]["1"].as_f64().unwrap() - mean).abs() < 1e-9);
    }
    let page = place.read("out/report.html");
    assert!(
        page.contains("Cross-entropy of plain text") && page.contains("with the soft prompt prepended; ")
    );
}
