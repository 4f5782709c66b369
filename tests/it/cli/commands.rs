//! Commands that answer at once.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::{Place, golden, json_lines, text};

fn expected() -> Value {
    serde_json::from_slice(&fs::read(golden().join("golden.json")).unwrap()).unwrap()
}

#[test]
fn tokenize_gives_one_array_of_ids_a_line() {
    let place = Place::new();
    let rows = expected()["tokenizer"].as_array().unwrap().clone();
    let lines: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    place.write("in.txt", lines.join("\n") + "\n");
    let out = place.good(&["tokenize", "--model", place.model(), "--file", "in.txt"]);
    let ids: Vec<&Value> = rows.iter().map(|row| &row["ids"]).collect();
    assert_eq!(json_lines(&out).iter().collect::<Vec<_>>(), ids);
}

#[test]
fn tokenize_reads_standard_input() {
    let place = Place::new();
    let mut child = place
        .command(&["tokenize", "--model", place.model()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("the dog\r\n\nthe dog".as_bytes()).unwrap();
    let lines = json_lines(&text(&child.wait_with_output().unwrap().stdout));
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], lines[2]);
    assert_eq!(lines[1], json!([1]));
}

#[test]
fn score_agrees_with_the_reference() {
    let place = Place::new();
    let pair = json!({"input": "the red fox sees a dog", "target": "a dog sleeps"});
    place.write("pairs.jsonl", format!("{pair}\n{pair}\n"));
    let args = ["score", "--model", place.model(), "--pairs", "pairs.jsonl", "--device", "cpu"];
    let lines = json_lines(&place.good(&args));
    assert_eq!(lines.len(), 2);
    let line = &lines[0];
    let logprobs: Vec<f64> =
        line["token_logprobs"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(line["token_ids"].as_array().unwrap().len(), logprobs.len());
    assert_eq!(line["token_ids"].as_array().unwrap().last(), Some(&json!(1)));
    assert!(logprobs.iter().all(|value| *value < 0.0));
    assert!((logprobs.iter().sum::<f64>() - line["logprob"].as_f64().unwrap()).abs() < 1e-9);

    // The same to a file; then nothing is on standard output.
    let out = place.good(&[&args[..], &["--json", "scores.jsonl", "--batch", "1"]].concat());
    assert_eq!(out, "");
    assert_eq!(json_lines(&place.read("scores.jsonl")).len(), 2);
}

#[test]
fn generate_gives_one_line_for_each_line() {
    let place = Place::new();
    place.write("in.txt", "the red fox\n\nis it true?\n");
    let of_length = |beams, most| {
        let start = ["generate", "--model", "model", "--device", "cpu", "--input-file", "in.txt"];
        [&start[..], &["--max-new", most, "--beams", beams]].concat()
    };
    let args = |beams| of_length(beams, "6");
    place.model();
    let beams = json_lines(&place.good(&args("4")));
    let greedy = json_lines(&place.good(&args("1")));
    assert_eq!(
        beams.iter().map(|line| &line["input"]).collect::<Vec<_>>(),
        ["the red fox", "", "is it true?"]
    );
    for (beam, greedy) in beams.iter().zip(&greedy) {
        let output = beam["output"].as_str().unwrap();
        assert!(!output.contains("</s>") && !output.contains("<pad>"), "{output}");
        assert!(beam["score"].as_f64().unwrap() <= 0.0 && greedy["score"].as_f64().unwrap() <= 0.0);
    }
    // Two tokens leave room for the end of the first two answers, and not for that of "it it".
    let ended = |lines: &[Value]| lines.iter().map(|line| line["ended"] == true).collect::<Vec<_>>();
    let tight = json_lines(&place.good(&of_length("1", "2")));
    assert_eq!((ended(&greedy), ended(&tight)), (vec![true; 3], vec![true, true, false]), "{tight:?}");
    // Five tokens and an end: nothing can be shorter, and something was.
    let longer = json_lines(&place.good(&[&args("1")[..], &["--min-new", "5"]].concat()));
    assert_ne!(greedy, longer);
    assert!(longer.iter().all(|line| !line["output"].as_str().unwrap().is_empty()));
}

#[test]
fn bleu_has_sacrebleus_number_and_options() {
    let place = Place::new();
    place.write("hyp", "the cat sat on the mat today\na dog\n");
    place.write("ref1", "the cat sat on a mat today\na dog\n");
    place.write("ref2", "a cat sat on the mat\nthe dog\n");
    let score = |extra: &[&str]| -> Value {
        let args = [&["metric", "bleu", "--hyp", "hyp", "--ref", "ref1", "--ref", "ref2"], extra].concat();
        serde_json::from_str(&place.good(&args)).unwrap()
    };
    let plain = score(&[]);
    // sacrebleu 2.6.0: corpus_bleu(hyp, [ref1, ref2]).score
    assert!((plain["score"].as_f64().unwrap() - 85.457_401_279_246_81).abs() < 1e-9, "{plain}");
    assert!(
        plain["signature"].as_str().unwrap().starts_with("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|")
    );
    let other = score(&["--tokenize", "char", "--lowercase", "--smooth", "add-k", "--smooth-value", "2"]);
    assert!(other["signature"].as_str().unwrap().contains("case:lc|eff:no|tok:char|smooth:add-k[2.00]"));
    assert_eq!(place.good(&["metric", "bleu", "--hyp", "hyp", "--ref", "ref1", "--json", "s.json"]), "");
    assert!(place.read("s.json").contains("signature"));
}

#[test]
fn the_other_metrics() {
    let place = Place::new();
    place.write("hyp", "The Cat.\nyes\n");
    place.write("ref", "cat\nno\n");
    let score = |args: &[&str]| -> f64 {
        let args = [&["metric"], args, &["--hyp", "hyp", "--ref", "ref"]].concat();
        serde_json::from_str::<Value>(&place.good(&args)).unwrap()["score"].as_f64().unwrap()
    };
    assert_eq!(score(&["em"]), 50.0);
    assert_eq!(score(&["em", "--normalize", "triviaqa"]), 50.0);
    assert_eq!(score(&["accuracy"]), 0.0);
    assert!((score(&["rouge", "--type", "rouge1"]) - 100.0 / 3.0).abs() < 1e-9);
    assert_eq!(score(&["rouge"]), 0.0);
}

#[test]
fn lists_and_help_end_well() {
    let place = Place::new();
    assert!(place.good(&["list", "tasks"]).contains("rte-mini"));
    assert!(place.good(&["list", "methods"]).contains("promot"));
    assert!(place.good(&["list", "presets"]).contains("quick"));
    assert!(place.good(&["--help"]).contains("tokenize"));
    assert!(place.good(&["--version"]).starts_with("promot "));
    assert!(place.good(&["run", "--help"]).contains("--resume"));
}

#[test]
fn doctor_tells_what_is_here() {
    let place = Place::new();
    let found: Value = serde_json::from_str(&place.good(&["doctor", "--json", "-"])).unwrap();
    for field in ["auto", "wgpu", "vulkan", "threads", "memory", "bundled_models", "hub_cache"] {
        assert!(!found[field].is_null(), "{field} is missing in {found}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.write("in.txt", "the dog\n".repeat(200_000));
    let mut child = place
        .command(&["tokenize", "--model", place.model(), "--file", "in.txt"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn eval_cuts_long_inputs_and_counts_them() {
    let place = Place::new();
    let args = ["eval", "--model", place.model(), "--device", "cpu", "--tasks", "rte-mini", "--limit", "2"];
    let score = |limit: &str| {
        let output = place.run(&[&args[..], &["--beams", "1", "--max-input", limit, "--json", "-"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
        (scores["scores"][0].clone(), text(&output.stderr))
    };
    let (cut, said) = score("10");
    assert_eq!(cut["truncated"], 2);
    assert!(cut["signature"].as_str().unwrap().contains("|cut:2@10|"), "{cut}");
    assert!(said.contains("rte-mini: 2 of 2 inputs"), "{said}");
    let (whole, said) = score("0");
    assert!(whole.get("truncated").is_none() && !said.contains("cut"), "{whole} {said}");
}

#[test]
fn completions_are_scripts_that_name_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.good(&["completions", shell]);
        for command in ["run", "tune", "eval", "generate", "score", "tokenize", "metric", "completions"] {
            assert!(script.contains(command), "{shell}: {command} is missing");
        }
    }
    place.bad(&["completions", "cmd"], 2, &["cmd", "bash"]);
}

#[test]
fn a_task_shows_one_row_after_every_step() {
    let place = Place::new();
    let shown = place.good(&["list", "tasks", "--show", "rte-mini", "--shots", "1", "--row", "2"]);
    insta::assert_snapshot!(shown);
    let beyond = ["list", "tasks", "--show", "rte-mini", "--row", "99999999"];
    place.bad(&beyond, 1, &["--row: expected below the "]);
}
