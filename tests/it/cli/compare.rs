//! Answers of two models, row by row, and their difference.

use serde_json::{Value, json};

use crate::{Place, json_lines};

#[test]
fn eval_writes_every_answer_and_compare_takes_two_such_files() {
    let place = Place::new();
    let model = place.model();
    let eval = |more: &[&str]| {
        let args = [
            "eval",
            "--model",
            model,
            "--device",
            "cpu",
            "--tasks",
            "rte-mini,wmt_ende-mini",
            "--limit",
            "3",
        ];
        place.good(&[&args[..], more].concat());
    };
    eval(&["--beams", "1", "--json", "scores.json", "--predictions", "a.jsonl"]);
    eval(&["--beams", "1", "--shots", "0", "--min-new", "4", "--predictions", "b.jsonl"]);
    let answers = json_lines(&place.read("a.jsonl"));
    assert_eq!(answers.len(), 6);
    let scores: Value = serde_json::from_str(&place.read("scores.json")).unwrap();
    // The mean of the rows is the score, where rows have one.
    let of = |task: &str| answers.iter().filter(|row| row["task"] == task).cloned().collect::<Vec<_>>();
    let rte = of("rte-mini");
    let sum: f64 = rte.iter().map(|row| row["score"].as_f64().unwrap()).sum();
    assert_eq!(sum / 3.0, scores["scores"][0]["score"].as_f64().unwrap());
    assert!(of("wmt_ende-mini").iter().all(|row| row.get("score").is_none()), "BLEU is one of all rows");
    for row in &answers {
        assert!(row["references"].as_array().is_some_and(|all| !all.is_empty()));
        assert!(row["input"].is_string() && row["output"].is_string() && row["answer"].is_string());
        assert!(row["ended"].is_boolean());
    }
    let compared: Value =
        serde_json::from_str(&place.good(&["compare", "a.jsonl", "b.jsonl", "--json", "-"])).unwrap();
    let names: Vec<&str> =
        compared.as_array().unwrap().iter().map(|row| row["task"].as_str().unwrap()).collect();
    assert_eq!(names, ["rte-mini", "wmt_ende-mini", "mean"]);
    let same: Value =
        serde_json::from_str(&place.good(&["compare", "a.jsonl", "a.jsonl", "--json", "-"])).unwrap();
    // BLEU is one score of all rows, and so is a mean of tasks.
    let tested = compared.as_array().unwrap().iter().map(|row| row.get("mcnemar_p").is_some());
    assert_eq!(tested.collect::<Vec<_>>(), [true, false, false]);
    for row in same.as_array().unwrap() {
        assert_eq!(
            (&row["difference"], &row["interval"], &row["p"]),
            (&json!(0.0), &json!([0.0, 0.0]), &json!(1.0))
        );
    }
}

/// 40 rows: one model is right in 30 of them, the other in 10 of these.
#[test]
fn a_clear_difference_has_one_sign() {
    let place = Place::new();
    let write = |name: &str, right: usize| {
        let line = |row: usize| {
            let output = if row < right { "yes" } else { "no" };
            json!({"task": "text2text", "shots": 0, "row": row, "input": "", "references": ["yes"],
                   "output": output, "answer": output})
        };
        let text: String = (0..40).map(|row| format!("{}\n", line(row))).collect();
        place.write(name, text);
    };
    write("a.jsonl", 30);
    write("b.jsonl", 10);
    let compared: Value =
        serde_json::from_str(&place.good(&["compare", "a.jsonl", "b.jsonl", "--json", "-"])).unwrap();
    let row = &compared[0];
    assert_eq!((&row["one"], &row["other"], &row["difference"]), (&json!(75.0), &json!(25.0), &json!(50.0)));
    // The standard error of a mean of 40 differences, half of them 1 and half 0, is 7.9 points.
    let ends: Vec<f64> =
        row["interval"].as_array().unwrap().iter().map(|end| end.as_f64().unwrap()).collect();
    assert!((ends[0] - 34.5).abs() < 3.0 && (ends[1] - 65.5).abs() < 3.0, "{ends:?}");
    assert!(row["p"].as_f64().unwrap() < 0.002);
    // 2.8 of those standard errors.
    assert!((row["detectable"].as_f64().unwrap() - 22.1).abs() < 2.0, "{}", row["detectable"]);
    // Twenty rows that tell the two apart, all of them one way: 2 / 2^20.
    assert_eq!((&row["one_alone"], &row["other_alone"]), (&json!(20), &json!(0)));
    assert!((row["mcnemar_p"].as_f64().unwrap() * 2f64.powi(19) - 1.0).abs() < 1e-9);
    let shown = place.command(&["compare", "a.jsonl", "b.jsonl"]).output().unwrap();
    let shown = crate::text(&shown.stderr);
    assert!(shown.contains("four times in five: text2text 2"), "{shown}");
    assert!(shown.contains("20, 0") && shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    // As a gate: a drop that is resolved, one within what is allowed, one that the rows do not resolve, a gain.
    write("c.jsonl", 29);
    let gate = |one: &str, other: &str, max_drop: &str| {
        let output = place.command(&["compare", one, other, "--max-drop", max_drop]).output().unwrap();
        (output.status.code().unwrap(), crate::text(&output.stderr))
    };
    let (status, told) = gate("a.jsonl", "b.jsonl", "10");
    assert_eq!(status, 3, "{told}");
    assert!(
        told.contains("expected B at most 10 points below A, found it lower by text2text, 0-shot: 50.0 ("),
        "{told}"
    );
    let held = [("a.jsonl", "b.jsonl", "60"), ("a.jsonl", "c.jsonl", "0"), ("b.jsonl", "a.jsonl", "0")];
    for (one, other, max_drop) in held {
        assert_eq!(gate(one, other, max_drop).0, 0, "{one} {other} {max_drop}");
    }
    place.bad(&["compare", "a.jsonl", "c.jsonl", "--max-drop", "x"], 2, &["from 0 to 100"]);
}

#[test]
fn answers_to_other_rows_are_refused() {
    let place = Place::new();
    let line = |row: usize, reference: &str| json!({"task": "text2text", "shots": 0, "row": row, "input": "", "references": [reference], "output": "", "answer": ""});
    place.write("a.jsonl", format!("{}\n{}\n", line(0, "x"), line(1, "y")));
    place.write("b.jsonl", format!("{}\n{}\n", line(0, "x"), line(1, "z")));
    place.write("c.jsonl", format!("{}\n", line(0, "x")));
    place.write("d.jsonl", "{\"task\": \"text2text\"}\n");
    place.write("e.jsonl", "");
    place.bad(&["compare", "a.jsonl", "b.jsonl"], 1, &["b.jsonl, line 2", "row 1 of text2text"]);
    place.bad(&["compare", "a.jsonl", "c.jsonl"], 1, &["c.jsonl", "expected 2 answers", "found 1"]);
    place.bad(&["compare", "d.jsonl", "d.jsonl"], 1, &["d.jsonl, line 1", "shots"]);
    place.bad(&["compare", "e.jsonl", "e.jsonl"], 1, &["e.jsonl", "found none"]);
}
