//! Tasks that the user defines in a TOML file.

use std::fs;

use serde_json::Value;

use super::experiment::{RUN, place, report, with};
use crate::{Place, golden};

const TASK: &str = r#"
name = "reviews"
template = "{text} Is it good? answer:"
target = "{stars}"
choices = [{ label = "1", word = "Bad" }, { label = "5", word = "Good" }]
metric = "accuracy"
format = "choice"
max_new_tokens = 4
source.files.fields = [{ name = "text", from = "review" }, { name = "stars" }]
source.files.train = [{ path = "reviews.csv", skip = 4 }]
source.files.validation = [{ path = "reviews.csv", take = 2 }]
source.files.test = [{ path = "reviews.csv", skip = 2, take = 2 }]
"#;

fn write(place: &Place) {
    fs::create_dir(place.path("data")).unwrap();
    let rows = (0..12).map(|n| format!("\"the dog, {n}\",{}\n", if n % 2 == 0 { 1 } else { 5 }));
    place.write("data/reviews.csv", format!("review,stars\n{}", rows.collect::<String>()));
    place.write("mine.toml", TASK);
}

#[test]
fn a_run_takes_a_task_file_and_needs_it_no_more() {
    let place = place();
    write(&place);
    let more =
        ["--data", "data", "--set", "target.task=mine.toml", "--set", "methods=promot", "--out", "out"];
    place.good(&with(&RUN, &more));
    let whole = report(&place, "out");
    let target = &whole["runs"][0]["target"];
    assert_eq!((&target["task"], &target["n"]), (&Value::from("reviews"), &Value::from(2)));
    assert_eq!(whole["spec"]["task"][0]["choices"][1]["word"], "Good");
    fs::remove_file(place.path("mine.toml")).unwrap();
    place.good(&["run", "--data", "data", "--device", "cpu", "--resume", "--out", "out"]);
    assert_eq!(report(&place, "out"), whole);
}

#[test]
fn eval_and_tune_take_task_files_beside_names() {
    let place = place();
    write(&place);
    let golden = golden();
    let model = golden.to_str().unwrap();
    let eval = ["eval", "--model", model, "--device", "cpu", "--data", "data", "--limit", "2", "--json", "-"];
    let scores: Value =
        serde_json::from_str(&place.good(&with(&eval, &["--tasks", "cb-mini,mine.toml"]))).unwrap();
    let tasks = [0, 1].map(|at| scores["scores"][at]["task"].as_str().unwrap());
    assert_eq!(tasks, ["cb-mini", "reviews"]);

    let tune = ["tune", "--model", model, "--device", "cpu", "--data", "data", "--method", "fine-tuning"];
    let short = ["--set", "fine_tuning.steps=1", "--set", "fine_tuning.batch=2", "--task"];
    let tune = [&tune[..], &short].concat();
    place.good(&with(&tune, &["mine.toml"]));
    assert_eq!(report(&place, "runs/fine-tuning-reviews")["runs"][0]["target"]["task"], "reviews");

    place.bad(&with(&tune, &["none.toml"]), 1, &["reading none.toml"]);
    place.write("cb.toml", TASK.replace("\"reviews\"", "\"cb\""));
    place.bad(&with(&tune, &["cb.toml"]), 1, &["name of a task", "found cb"]);
    place.write("odd.toml", TASK.replace("metric", "metrik"));
    place.bad(&with(&eval, &["--tasks", "odd.toml"]), 1, &["odd.toml", "unknown field `metrik`"]);
}

/// A data set in the hub's layout and files of the user's own, all in Parquet; scores say which files they are of.
#[test]
fn parquet_is_read_like_any_other_data() {
    let place = place();
    let (model, hub) = (golden(), golden().join("../../parquet/hub"));
    let (model, hub) = (model.to_str().unwrap(), hub.to_str().unwrap());
    let shown =
        place.good(&["list", "tasks", "--show", "openbookqa", "--model", model, "--data", hub, "--row", "1"]);
    assert!(shown.contains("openbookqa/main/test-00000-of-00001.parquet"), "{shown}");
    assert!(shown.contains("Q: The second ice is A) cold B) hot C) dry D) loud A:"), "{shown}");
    let score = |task: &str, data: &str| {
        let eval =
            ["eval", "--model", model, "--device", "cpu", "--json", "-", "--tasks", task, "--data", data];
        let scores: Value = serde_json::from_str(&place.good(&eval)).unwrap();
        (
            scores["scores"][0]["n"].as_u64().unwrap(),
            scores["scores"][0]["signature"].as_str().unwrap().to_owned(),
        )
    };
    let (n, signature) = score("rte", hub);
    assert_eq!(n, 3);
    assert!(signature.ends_with("|rows:super_glue/rte/validation-00000-of-00001.parquet"), "{signature}");
    // The data set's own folder.
    let (n, signature) = score("rte", &format!("{hub}/super_glue"));
    assert_eq!(n, 3);
    assert!(signature.ends_with("|rows:rte/validation-00000-of-00001.parquet"), "{signature}");
    // One of its files.
    let file = format!("{hub}/super_glue/rte/validation-00000-of-00001.parquet");
    let (n, signature) = score("rte", &file);
    assert_eq!(n, 3);
    assert!(!signature.contains("rows:"), "{signature}");
    // Rows of the user's, without a test file.
    fs::create_dir_all(place.path("mine/data")).unwrap();
    place.write(
        "pairs.toml",
        "name = 'pairs'\nlike = 'text2text'\ntemplate = '{sentence1}'\ntarget = '{sentence2}'",
    );
    let file = format!("{hub}/super_glue/wic/validation-00000-of-00001.parquet");
    fs::copy(file, place.path("mine/data/validation.parquet")).unwrap();
    let (n, signature) = score("pairs.toml", "mine");
    assert_eq!(n, 4);
    assert!(signature.ends_with("|rows:data/validation.parquet"), "{signature}");
    let eval = [
        "eval",
        "--model",
        model,
        "--device",
        "cpu",
        "--tasks",
        "pairs.toml",
        "--shots",
        "1",
        "--data",
        "mine",
    ];
    place.bad(
        &eval,
        1,
        &["task pairs: expected a file train.jsonl (or .json, .csv, .tsv, .parquet) in mine"],
    );
}
