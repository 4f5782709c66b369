//! One experiment as several jobs: what other run folders hold as finished is taken over, scores included.

use std::fs;

use crate::experiment::{RUN, place, report, with};

#[test]
fn one_job_a_seed_makes_the_report_of_all_seeds() {
    let place = place();
    place.good(&with(&RUN, &["--set", "seeds=3,4", "--out", "whole"]));
    place.good(&with(&RUN, &["--seed", "3", "--out", "three"]));
    place.good(&with(&RUN, &["--seed", "4", "--out", "four"]));
    let joined = ["--set", "seeds=3,4", "--reuse", "three", "--reuse", "four", "--out", "joined"];
    let dry = place.good(&with(&with(&RUN, &joined), &["--dry-run"]));
    for line in ["  promot: finished and scored in three\n", "  fine-tuning: finished and scored in four\n"] {
        assert!(dry.contains(line), "no `{line}` in:\n{dry}");
    }
    assert!(dry.contains("0 stages to run, 0 updates in all"), "{dry}");
    place.good(&with(&RUN, &joined));
    assert_eq!(report(&place, "joined"), report(&place, "whole"));
    // The first seed's weights are saved from its job's checkpoints, as those of the whole run.
    for file in ["models/promot/model.safetensors", "models/promot/prompt/adapter_model.safetensors"] {
        let bytes = |run: &str| fs::read(place.path(&format!("{run}/{file}"))).unwrap();
        assert!(bytes("joined") == bytes("whole"), "{file}");
    }
    // Nothing was trained or scored again; the scores stay when the jobs' folders go.
    assert_eq!(place.names("joined/finished"), place.names("whole/finished"));
    assert!(place.names("joined/stages").is_empty());
    fs::remove_dir_all(place.path("three")).unwrap();
    fs::remove_dir_all(place.path("four")).unwrap();
    fs::remove_file(place.path("joined/report.json")).unwrap();
    place.good(&["run", "--resume", "--out", "joined", "--models", "none", "--device", "cpu"]);
    assert_eq!(report(&place, "joined"), report(&place, "whole"));
}

#[test]
fn a_method_is_added_to_a_finished_run() {
    let place = place();
    place.good(&with(&RUN, &["--out", "first"]));
    let methods = "methods=pretrained,fine-tuning,l2-sp";
    place.good(&with(&RUN, &["--set", methods, "--out", "more", "--reuse", "first"]));
    place.good(&with(&RUN, &["--set", methods, "--out", "alone"]));
    assert_eq!(report(&place, "more"), report(&place, "alone"));
    let stages = place.names("more/stages");
    assert!(matches!(&stages[..], [only] if only.contains("l2-sp")), "{stages:?}");
}

#[test]
fn other_questions_are_asked_again_and_other_rows_are_refused() {
    let place = place();
    place.good(&with(&RUN, &["--out", "first"]));
    // Another search, whose answers may differ: stages are chosen by it, too.
    let greedy = ["--set", "eval.beams=1", "--set", "methods=pretrained"];
    let greedy = with(&RUN, &greedy);
    let dry = place.good(&with(&greedy, &["--out", "greedy", "--reuse", "first", "--dry-run"]));
    assert!(dry.contains("  pretrained: nothing is trained\n"), "{dry}");
    // Runs of earlier versions do not say what their scores depend on: their stages alone are taken over.
    let path = place.path("first/finished/fine-tuning-0.json");
    let mut run: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let identity = run.as_object_mut().unwrap().shift_remove("identity").unwrap();
    fs::write(&path, run.to_string()).unwrap();
    let again = with(&RUN, &["--set", "methods=pretrained,fine-tuning", "--reuse", "first"]);
    let dry = place.good(&with(&again, &["--out", "again", "--dry-run"]));
    assert!(dry.contains("learning rate 0.001: taken over from first\n"), "{dry}");
    // The same settings with other rows or another model are a mistake.
    run["identity"] = identity;
    run["identity"]["inputs"] = "0".repeat(64).into();
    fs::write(&path, run.to_string()).unwrap();
    let expected =
        ["fine-tuning with seed 0, which is finished", "expected the model and the rows of this run"];
    place.bad(&with(&again, &["--out", "again"]), 1, &expected);
    place.bad(&["run", "--resume", "--out", "first", "--device", "cpu"], 1, &expected);
    // A file that is damaged is named.
    fs::write(&path, "{").unwrap();
    place.bad(&with(&again, &["--out", "new"]), 1, &["first/finished/fine-tuning-0.json", "EOF"]);
}
