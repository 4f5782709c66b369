//! Sweeps in which validation chooses one point for each method and seed.

use std::fs;

use serde_json::{Value, json};

use super::experiment::{RUN, place, report, with};

const RATE: &str = "stage.fine-tuning.learning_rate";
/// The first two are so small that no weight moves enough to change an answer.
const SWEEP: [&str; 10] = [
    "--set",
    "eval.curve_every=0",
    "--set",
    "eval.frontier=true",
    "--set",
    "sweep.stage.fine-tuning.learning_rate=1e-12,2e-12,0.5",
    "--set",
    "sweep.select=validation",
    "--set",
    "methods=[\"pretrained\",\"fine-tuning\",\"promot\",{name=\"both\",merge=\"average\",of=[\"fine-tuning\"]}]",
];

fn run<'a>(report: &'a Value, method: &str) -> &'a Value {
    report["runs"].as_array().unwrap().iter().find(|run| run["method"] == method).unwrap()
}

#[test]
fn validation_chooses_one_point_and_only_that_is_scored() {
    let place = place();
    place.good(&with(&with(&RUN, &SWEEP), &["--out", "out"]));
    let all = report(&place, "out");
    let names: Vec<&str> =
        all["runs"].as_array().unwrap().iter().map(|run| run["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["pretrained", "fine-tuning", "promot", "both"]);
    assert!(run(&all, "pretrained").get("chosen").is_none() && run(&all, "both").get("points").is_none());
    for method in ["fine-tuning", "promot"] {
        let run = run(&all, method);
        let points = run["points"].as_array().unwrap();
        let scores: Vec<f64> = points.iter().map(|point| point["validation"].as_f64().unwrap()).collect();
        let best = scores.iter().copied().fold(f64::MIN, f64::max);
        let first = scores.iter().position(|score| *score == best).unwrap();
        assert_eq!(run["chosen"], points[first]["swept"], "the earliest of the best: {scores:?}");
        assert_eq!(points[1]["swept"], json!({ RATE: "0.000000000002" }));
    }
    // Every checkpoint of every point has its place, and one a method is chosen.
    let frontier = all["frontier"].as_array().unwrap();
    let of = |method: &str| frontier.iter().filter(|point| point["method"] == method).collect::<Vec<_>>();
    assert_eq!((of("fine-tuning").len(), of("promot").len(), of("both").len()), (6, 6, 0));
    for method in ["fine-tuning", "promot"] {
        let chosen: Vec<_> = of(method).into_iter().filter(|point| point["chosen"] == true).collect();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0]["swept"], run(&all, method)["chosen"]);
    }
    assert_eq!(place.read("out/frontier.csv").lines().count(), 1 + 12);
    // What the paper claims of these methods on this target is judged.
    let signs = all["signs"].as_array().unwrap();
    assert!(signs.len() >= 20 && signs.iter().any(|sign| sign["verdict"] != "not-run"));
    // One first stage of ProMoT for its three second ones, and three of fine-tuning.
    let stages = place.names("out/stages");
    let count = |part: &str| stages.iter().filter(|name| name.contains(part)).count();
    assert_eq!((stages.len(), count("seed-0.fine-tuning"), count("prompt-tuning.fine-tuning")), (7, 3, 3));

    // The row is that of the chosen value alone, and its stages need not run again.
    let chosen = run(&all, "promot")["chosen"][RATE].as_str().unwrap();
    let rate = format!("{RATE}={chosen}");
    let alone = ["--set", &rate, "--out", "alone", "--reuse", "out"];
    place.good(&with(&with(&RUN, &SWEEP[..4]), &alone));
    let alone = report(&place, "alone");
    for part in ["target", "unseen", "steps", "norm_avg"] {
        assert_eq!(run(&all, "promot")[part], run(&alone, "promot")[part], "{part}");
    }
    assert!(!place.path("alone/stages").exists(), "all stages are taken over");
}

#[test]
fn a_selecting_run_goes_on_where_it_was() {
    let place = place();
    let base = with(&RUN, &SWEEP);
    place.good(&with(&base, &["--out", "whole"]));
    place.good(&with(&base, &["--out", "out"]));
    let before = place.names("out/stages");
    // As if it had been stopped while the last point of ProMoT was trained.
    for entry in fs::read_dir(place.path("out/finished")).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("pretrained-0.json") {
            fs::remove_file(path).unwrap();
        }
    }
    let last = before.iter().rfind(|name| name.contains("prompt-tuning.fine-tuning")).unwrap();
    fs::remove_dir_all(place.path(&format!("out/stages/{last}"))).unwrap();
    place.good(&with(&base, &["--out", "out", "--resume"]));
    assert_eq!(place.names("out/stages"), before);
    assert_eq!(report(&place, "out"), report(&place, "whole"));
    // Finished, it is only read, and the merge still finds its model.
    fs::remove_file(place.path("out/finished/both-0.json")).unwrap();
    place.good(&with(&base, &["--out", "out", "--resume"]));
    assert_eq!(report(&place, "out"), report(&place, "whole"));
}
