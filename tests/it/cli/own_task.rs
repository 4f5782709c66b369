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
