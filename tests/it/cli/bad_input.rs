//! Wrong input gives one clear error: status 1 or 2, one or two lines, nothing on standard output.

use std::fs;

use serde_json::json;

use crate::Place;

#[test]
fn wrong_usage_has_status_2() {
    let place = Place::new();
    place.bad(&["frobnicate"], 2, &["frobnicate", "--help"]);
    place.bad(&["eval", "--model", "mini"], 2, &["--tasks"]);
    place.bad(&["run", "--presett", "tour"], 2, &["--presett"]);
    place.bad(&["run", "--preset", "tuor"], 2, &["unknown preset `tuor`", "tour"]);
    place.bad(&["run", "--quick", "--preset", "tour"], 2, &["--quick"]);
    place.bad(
        &["run", "--set", "stage.fine-tuning.stepz=1"],
        2,
        &["stage.fine-tuning.stepz", "stage.fine-tuning.steps"],
    );
    place.bad(
        &["run", "--set", "stage.fine-tuning.steps=many"],
        2,
        &["stage.fine-tuning.steps=", "many", "invalid type"],
    );
    place.bad(&["run", "--set", "stage.fine-tuning.steps"], 2, &["expected key=value"]);
    place.bad(&["run", "--set", "methods=promott"], 2, &["unknown method `promott`", "promot"]);
    place.bad(
        &["generate", "--model", "model", "--dtype", "f16", "--input-file", "/dev/null"],
        2,
        &["--dtype", "f32"],
    );
    place.bad(&["inspect", "--model", "model"], 2, &["--before"]);
    place.bad(&["generate", "--model", "model", "--beams", "0"], 2, &["--beams", "at least 1"]);
    place.bad(&["metric", "em", "--hyp", "a", "--ref", "b", "--lowercase"], 2, &["--lowercase", "bleu"]);
    place.bad(&["metric", "bleu", "--hyp", "a", "--ref", "b", "--smooth", "expo"], 2, &["expo", "exp"]);
}

#[test]
fn an_unknown_task_lists_the_nearest() {
    let place = Place::new();
    let model = place.model();
    place.bad(&["eval", "--model", model, "--tasks", "rte-mni"], 2, &["unknown task `rte-mni`", "rte-mini"]);
    let tune = ["tune", "--model", model, "--method", "promot", "--task"];
    place.bad(&[&tune[..], &["rte-mni"]].concat(), 2, &["unknown task `rte-mni`", "rte-mini"]);
    place.bad(&["run", "--set", "target.task=rte-mni"], 2, &["unknown task `rte-mni`", "rte-mini"]);
    place.bad(&["run", "--set", "eval.tasks=cb-mni"], 2, &["unknown task `cb-mni`", "cb-mini"]);
}

#[test]
fn values_out_of_range_are_named() {
    let place = Place::new();
    place.bad(&["run", "--set", "prompt.length=5000"], 1, &["prompt.length", "at most 4096", "5000"]);
    place.bad(&["run", "--set", "eval.min_new_tokens=8"], 1, &["eval.min_new_tokens", "below 8", "rte-mini"]);
    let model = place.model();
    let min_new = ["--model", model, "--min-new", "64"];
    place.bad(&[&["generate"], &min_new[..]].concat(), 1, &["--min-new", "below --max-new (64)", "found 64"]);
    let eval = [&["eval", "--tasks", "rte-mini"], &min_new[..]].concat();
    place.bad(&eval, 1, &["--min-new", "below 8", "rte-mini", "found 64"]);
    place.bad(&["run", "--set", "stage.fine-tuning.batch=0"], 1, &["stage.fine-tuning.batch", "at least 1"]);
}

/// Runs `generate` on a model whose weights are these bytes.
fn weights(place: &Place, bytes: &[u8], parts: &[&str]) {
    let model = place.model();
    fs::write(place.path("model/model.safetensors"), bytes).unwrap();
    place.write("in.txt", "a dog\n");
    let args = ["generate", "--model", model, "--device", "cpu", "--input-file", "in.txt"];
    place.bad(&args, 1, &[&["model.safetensors"], parts].concat());
}

fn with_header(header: &serde_json::Value, data: usize) -> Vec<u8> {
    let header = header.to_string().into_bytes();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(vec![0; data]);
    bytes
}

#[test]
fn damaged_weights_are_refused() {
    let place = Place::new();
    place.model();
    let whole = fs::read(place.path("model/model.safetensors")).unwrap();
    weights(&place, &whole[..whole.len() / 2], &[]);
    weights(&place, &whole[..4], &[]);
    weights(&place, b"", &[]);
    weights(&place, &[whole.clone(), vec![0; 8]].concat(), &[]);
    // A header larger than the file, and one larger than any header may be.
    weights(&place, &[&1_000_000u64.to_le_bytes()[..], b"{}"].concat(), &[]);
    weights(&place, &[&u64::MAX.to_le_bytes()[..], b"{}"].concat(), &[]);
    let tensor = |from: usize, to: usize| json!({"dtype": "F32", "shape": [2], "data_offsets": [from, to]});
    weights(&place, &with_header(&json!({"a": tensor(0, 8), "b": tensor(4, 12)}), 12), &[]);
    weights(&place, &with_header(&json!({"a": tensor(0, 8), "b": tensor(16, 24)}), 24), &[]);
}

#[test]
fn weights_that_do_not_fit_the_config_are_named() {
    let place = Place::new();
    let model = place.model();
    place.write("in.txt", "a dog\n");
    let args = ["generate", "--model", model, "--device", "cpu", "--input-file", "in.txt"];
    let config = place.read("model/config.json");
    let with = |from: &str, to: &str| {
        assert!(config.contains(from), "{from}");
        fs::write(place.path("model/config.json"), config.replace(from, to)).unwrap();
    };
    with("\"d_model\": 32", "\"d_model\": 40");
    place.bad(&args, 1, &["shared", "[96, 32]", "[96, 40]"]);
    with("\"num_layers\": 2", "\"num_layers\": 3");
    place.bad(&args, 1, &["encoder.block.2"]);
    with("\"num_layers\": 2", "\"num_layers\": 1");
    place.bad(&args, 1, &["encoder.block.1"]);
    with("\"vocab_size\": 96", "\"vocab_size\": 50");
    place.bad(&args, 1, &["50"]);
    with("\"model_type\": \"t5\"", "\"model_type\": \"bert\"");
    place.bad(&args, 1, &["bert"]);
    with("\"d_model\": 32", "\"d_model\": \"wide\"");
    place.bad(&args, 1, &["config.json"]);
    with("\"num_heads\": 3", "\"num_heads\": 0");
    place.bad(&args, 1, &["num_heads"]);
}

#[test]
fn missing_models_and_files_are_named() {
    let place = Place::new();
    place.write("in.txt", "a dog\n");
    let generate = |model: &str, parts: &[&str]| {
        let mut command = place.command(&["generate", "--model", model, "--input-file", "in.txt"]);
        command.env("HF_HUB_CACHE", place.path("hub")).env("HF_HUB_OFFLINE", "1");
        place.bad_command(&mut command, 1, parts);
    };
    generate("./nowhere", &["./nowhere", "found none"]);
    generate("some/model", &["some/model", "hub cache", "HF_HUB_OFFLINE"]);
    fs::create_dir(place.path("empty")).unwrap();
    generate("empty", &["empty", "config.json"]);
    let model = place.model();
    place.bad(&["tokenize", "--model", model, "--file", "none.txt"], 1, &["none.txt"]);
    place.write("bytes.txt", b"good\n\xff\xfe\n");
    place.bad(&["tokenize", "--model", model, "--file", "bytes.txt"], 1, &["bytes.txt, line 2", "UTF-8"]);
    fs::remove_file(place.path("model/tokenizer.json")).unwrap();
    place.bad(&["tokenize", "--model", model, "--file", "in.txt"], 1, &["tokenizer.json or spiece.model"]);
}

#[test]
fn a_line_without_a_field_is_named_by_file_and_line() {
    let place = Place::new();
    let model = place.model();
    place.write("pairs.jsonl", "{\"input\": \"a\", \"target\": \"b\"}\n{\"input\": \"a\"}\n");
    let score = ["score", "--model", model, "--device", "cpu", "--pairs", "pairs.jsonl"];
    place.bad(&score, 1, &["pairs.jsonl, line 2", "`target`"]);
    place.write("pairs.jsonl", "{\"input\": \"a\", \"target\": \"b\"}\n{\"input\": \n");
    place.bad(&score, 1, &["pairs.jsonl, line 2"]);
    place.write("rows.jsonl", "{\"input\": \"a\", \"target\": \"b\"}\n\n{\"target\": \"b\"}\n");
    let eval = ["eval", "--model", model, "--device", "cpu", "--tasks", "text2text", "--data", "rows.jsonl"];
    place.bad(&eval, 1, &["rows.jsonl, line 3", "`input`"]);
}

#[test]
fn prompts_that_do_not_fit_are_refused() {
    let place = Place::new();
    let model = place.model();
    place.write("in.txt", "a dog\n");
    let generate = |name: &str, parts: &[&str]| {
        let args =
            ["generate", "--model", model, "--device", "cpu", "--input-file", "in.txt", "--prompt", name];
        place.bad(&args, 1, parts);
    };
    place.write("wide.npy", npy(4, 33, 4 * 33));
    generate("wide.npy", &["wide.npy", "width 32", "33"]);
    place.write("long.npy", npy(5000, 32, 5000 * 32));
    generate("long.npy", &["long.npy", "at most 4096", "5000"]);
    place.write("short.npy", npy(4, 32, 7));
    generate("short.npy", &["short.npy", "28 bytes"]);
    generate("none.npy", &["none.npy"]);
    fs::create_dir(place.path("folder")).unwrap();
    generate("folder", &["adapter_config.json"]);
}

fn npy(rows: usize, columns: usize, values: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(vec![0; 4 * values]);
    bytes
}

#[test]
fn files_of_different_length_are_not_compared() {
    let place = Place::new();
    place.write("hyp", "a\nb\n");
    place.write("ref", "a\n");
    place.bad(
        &["metric", "bleu", "--hyp", "hyp", "--ref", "ref"],
        1,
        &["ref: expected 2 lines as in hyp, found 1"],
    );
}

#[test]
fn a_bad_spec_file_is_named() {
    let place = Place::new();
    place.write("a.toml", "[target]\ntask = \n");
    place.bad(&["run", "--spec", "a.toml"], 1, &["a.toml", "line 2"]);
    place.write("b.toml", "[target]\ntaks = 'rte-mini'\n");
    place.bad(&["run", "--spec", "b.toml"], 2, &["target.taks", "task"]);
    place.bad(&["run", "--spec", "none.toml"], 1, &["none.toml"]);
}

/// Linux has a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_with_the_path() {
    let place = Place::new();
    place.write("hyp", "a\n");
    let args = ["metric", "bleu", "--hyp", "hyp", "--ref", "hyp", "--json", "/dev/full"];
    place.bad(&args, 1, &["/dev/full", "No space left on device"]);
}
