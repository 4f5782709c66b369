//! Whole experiments with a tiny random model: the report, the folder's rules, stopping and going on.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use promot_core::report::Report;
use serde_json::Value;

use crate::{Place, golden, text};

/// Everything once: three methods, two steps each.
const SPEC: &str = r#"
name = "small"
methods = ["pretrained", "fine-tuning", "promot"]
[target]
task = "rte-mini"
train_limit = 16
validation_limit = 4
test_limit = 4
max_input = 48
[prompt]
length = 3
vocabulary = 50
[prompt_tuning]
steps = 2
batch = 4
checkpoint_every = 1
[fine_tuning]
steps = 2
batch = 4
checkpoint_every = 1
[eval]
tasks = ["cb-mini", "wmt_ende-mini"]
shots = [1]
limit = 2
beams = 2
batch = 4
curve_every = 1
curve_limit = 2
alignment_every = 1
alignment_rows = 8
"#;

pub fn place() -> Place {
    let place = Place::new();
    let model = golden();
    place.write("spec.toml", format!("model = {:?}\n{SPEC}", model.to_str().unwrap()));
    place
}

pub const RUN: [&str; 5] = ["run", "--spec", "spec.toml", "--device", "cpu"];

pub fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [base, more].concat()
}

/// The report without the fields that may differ between equal runs.
pub fn report(place: &Place, folder: &str) -> Value {
    let mut report: Value = serde_json::from_str(&place.read(&format!("{folder}/report.json"))).unwrap();
    for run in report["runs"].as_array_mut().unwrap() {
        run["seconds"].take();
    }
    report
}

#[test]
fn a_run_leaves_a_whole_report() {
    let place = place();
    let out = place.good(&with(&RUN, &["--out", "out"]));
    assert_eq!(out, "", "standard output is for JSON alone");
    let report = report(&place, "out");
    assert_eq!(report["version"], 2);
    let runs = report["runs"].as_array().unwrap();
    let methods: Vec<&str> = runs.iter().map(|run| run["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["pretrained", "fine-tuning", "promot"]);
    for run in runs {
        assert_eq!(run["target"]["task"], "rte-mini");
        assert_eq!(run["target"]["n"], 4);
        assert_eq!(run["unseen"].as_array().unwrap().len(), 2);
        assert!(run["unseen"][0]["signature"].as_str().unwrap().contains("shots:1"));
        assert_eq!(run["unseen"][0]["prompt"], false);
        assert!(run["norm_avg"]["1"].is_number());
    }
    assert_eq!(runs[2]["target"]["prompt"], true);
    // A step 0 for what is known before training, and two steps, in each stage.
    assert_eq!(runs[2]["steps"].as_array().unwrap().len(), 6);
    for (step, record) in runs[1]["steps"].as_array().unwrap().iter().enumerate() {
        assert_eq!(record["step"], step);
        assert_eq!(record["unseen"].as_object().unwrap().len(), 2, "at step {step}");
        for family in ["MLP", "Q", "K", "V", "O", "last decoder layer"] {
            let cosine = record["alignment"][family].as_f64().unwrap();
            assert!((-1.0..=1.0).contains(&cosine), "{family}: {cosine}");
        }
    }
    assert!(report["examples"].as_array().unwrap()[0]["outputs"]["promot"].is_string());

    let page = place.read("out/report.html");
    assert!(
        page.contains("<svg")
            && page.contains("held-out mean")
            && page.contains("cosine of the task")
            && page.ends_with("</html>")
    );
    let curves = place.read("out/curves.csv");
    assert!(curves.starts_with("method,seed,stage,step,quantity,task,value\n"));
    assert!(
        curves.contains("promot,0,stage 2,2,loss,,") && curves.contains("promot,0,stage 2,0,alignment,MLP,")
    );
    assert!(place.read("out/spec.toml").contains("rte-mini"));
    let stages: Vec<String> = fs::read_dir(place.path("out/stages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(stages.len() == 3 && stages.iter().all(|name| name.starts_with("seed-0.")), "{stages:?}");
    assert!(stage_folder(&place, "out", "seed-0.fine-tuning").join("checkpoint-2/manifest.json").is_file());

    // The tuned models answer as the report says.
    assert!(place.path("out/models/fine-tuning/config.json").is_file());
    assert!(!place.path("out/models/fine-tuning/prompt").exists());
    let scored = text(
        &place
            .run(&[
                "eval",
                "--model",
                "out/models/promot",
                "--prompt",
                "out/models/promot/prompt",
                "--tasks",
                "rte-mini",
                "--limit",
                "4",
                "--beams",
                "2",
                "--device",
                "cpu",
                "--json",
                "-",
            ])
            .stdout,
    );
    let scored: Value = serde_json::from_str(&scored).unwrap();
    assert_eq!(scored["scores"][0]["score"], runs[2]["target"]["score"]);

    // The same spec gives the same report.
    place.good(&with(&RUN, &["--out", "again"]));
    assert_eq!(self::report(&place, "again"), report);
    // And it can be repeated from the folder's own spec, or from nothing at all on --resume.
    place.good(&["run", "--spec", "out/spec.toml", "--device", "cpu", "--out", "third"]);
    assert_eq!(self::report(&place, "third"), report);
    // A finished run still has its models, from its checkpoints.
    let weights = fs::read(place.path("out/models/promot/model.safetensors")).unwrap();
    fs::remove_dir_all(place.path("out/models")).unwrap();
    place.good(&["run", "--resume", "--out", "out", "--device", "cpu"]);
    assert_eq!(self::report(&place, "out"), report);
    assert!(fs::read(place.path("out/models/promot/model.safetensors")).unwrap() == weights);

    // A folder with a run is not written over.
    let before = place.read("out/report.json");
    place.bad(&with(&RUN, &["--out", "out"]), 1, &["already holds a run", "--resume"]);
    let other = with(&RUN, &["--out", "out", "--resume", "--set", "stage.fine-tuning.steps=3"]);
    place.bad(&other, 1, &["stage.fine-tuning.steps is 2 there and 3 here"]);
    place.bad(&with(&RUN, &["--out", "none", "--resume"]), 1, &["--resume", "none"]);
    assert_eq!(place.read("out/report.json"), before);
}

/// The quick run as a newcomer starts it, with less of everything: no files, no network, no GPU.
#[test]
fn the_quick_run_needs_nothing_but_the_program() {
    let place = Place::new();
    let fewer =
        ["stage.prompt-tuning.steps=2", "stage.fine-tuning.steps=2", "eval.limit=2", "eval.curve_every=0"];
    let limits = ["target.validation_limit=2", "target.test_limit=2", "eval.alignment_every=0"];
    let mut args = vec!["run", "--quick", "--device", "cpu"];
    args.extend(fewer.iter().chain(&limits).flat_map(|setting| ["--set", setting]));
    for folder in ["runs/quick", "runs/quick-2"] {
        assert_eq!(place.good(&args), "");
        let report: Report = serde_json::from_str(&place.read(&format!("{folder}/report.json"))).unwrap();
        assert_eq!(report.model.name, "mini");
        assert_eq!(report.runs.len(), 3);
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_no_folder() {
    let place = place();
    let run = with(&RUN, &["--out", "out", "--set", "target.task=rte"]);
    place.bad(&run, 1, &["task rte", "--data"]);
    fs::create_dir(place.path("empty")).unwrap();
    place.bad(&with(&run, &["--data", "empty"]), 1, &["task rte", "a file"]);
    assert!(!place.path("out").exists());
}

#[test]
fn a_folder_in_use_is_refused_until_ctrl_c() {
    let place = place();
    let long = with(&RUN, &["--out", "out", "--set", "stage.fine-tuning.steps=100000"]);
    let mut child = place.command(&long).stderr(Stdio::piped()).spawn().unwrap();
    // Its first checkpoint: it listens for Ctrl-C by now.
    wait_for(&place, "out/stages", &mut child);
    place.bad(&long, 1, &["run folder in use", "out"]);
    place.bad(&with(&long, &["--resume"]), 1, &["run folder in use", "out"]);
    if cfg!(unix) {
        let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(interrupt.unwrap().success());
    } else {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    if cfg!(unix) {
        stopped(&place, "out", &output);
    }
}

/// Until a file is there; the program that writes it must not have ended.
fn wait_for(place: &Place, name: &str, child: &mut Child) {
    while !place.path(name).exists() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() || place.path(name).exists(), "ended without {name}: {ended:?}");
        sleep(Duration::from_millis(10));
    }
}

/// Runs once in one go (`whole`), and once with Ctrl-C at this step of a stage (`cut`), which saves and says how to go
/// on; what follows ends as if nothing had happened.
pub fn interrupted(place: &Place, run: &[&str], step: usize) {
    place.good(&with(run, &["--out", "whole"]));
    let mut cut = place.command(&with(run, &["--out", "cut"]));
    let output = cut.env("PROMOT_STOP_AT", step.to_string()).output().unwrap();
    stopped(place, "cut", &output);
    place.good(&["run", "--resume", "--out", "cut", "--device", "cpu"]);
    assert_eq!(report(place, "cut"), report(place, "whole"));
}

/// The program ended because it was interrupted, and says how to go on.
fn stopped(place: &Place, folder: &str, output: &Output) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&format!("go on with: promot run --resume --out {folder}")), "{error}");
    assert!(!place.path(&format!("{folder}/report.json")).exists());
}

/// The folder of a stage's checkpoints: its name ends with a hash of its settings.
pub fn stage_folder(place: &Place, run: &str, chain: &str) -> PathBuf {
    let folder = place.path(&format!("{run}/stages"));
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let of = |name: &String| name.len() == chain.len() + 9 && name.starts_with(&format!("{chain}-"));
    let found: Vec<String> = names.filter(of).collect();
    assert_eq!(found.len(), 1, "{chain} in {}: {found:?}", folder.display());
    folder.join(&found[0])
}

/// Whether the last checkpoints of the two runs of `interrupted` are the same to the bit.
pub fn same_checkpoints(place: &Place, chain: &str, step: usize) {
    for file in ["weights.safetensors", "optimizer.safetensors"] {
        let path = |run: &str| stage_folder(place, run, chain).join(format!("checkpoint-{step}")).join(file);
        let bytes = |run: &str| fs::read(path(run)).unwrap();
        assert!(bytes("cut") == bytes("whole"), "{file} of {chain} differs");
    }
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_end() {
    let place = place();
    let steps = ["--set", "stage.fine-tuning.steps=30", "--set", "stage.fine-tuning.checkpoint_every=10"];
    let run = with(&with(&RUN, &["--set", "eval.curve_every=0"]), &steps);
    // Between two checkpoints, in the first stage of that length.
    interrupted(&place, &run, 15);
    for stage in ["seed-0.fine-tuning", "seed-0.prompt-tuning.fine-tuning"] {
        same_checkpoints(&place, stage, 30);
    }
}

/// A disk without room, played by the shell's limit on the size of files: what was written before stays whole.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let place = place();
    let program = env!("CARGO_BIN_EXE_promot");
    // Blocks of 512 bytes: the spec has room, a checkpoint has not.
    let script = format!("trap '' XFSZ; ulimit -f 16; exec {program} {} --out out", RUN.join(" "));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(place.path(""));
    let output = command.output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let stage = stage_folder(&place, "out", "seed-0.fine-tuning");
    let name = stage.file_name().unwrap().to_str().unwrap();
    assert!(error.contains(&format!("writing out/stages/{name}/checkpoint-1")), "{error}");
    assert_eq!(fs::read_dir(&stage).unwrap().count(), 0);
    // With room again the run goes on.
    place.good(&["run", "--resume", "--out", "out", "--device", "cpu"]);
    assert_eq!(report(&place, "out")["runs"].as_array().unwrap().len(), 3);
}

#[test]
fn tune_leaves_a_model_and_a_prompt_that_are_read_again() {
    let place = Place::new();
    let model = golden();
    let model = model.to_str().unwrap();
    let rows: String =
        (0..30).map(|n| format!("{{\"input\": \"the dog {n}\", \"target\": \"a fox\"}}\n")).collect();
    place.write("rows.jsonl", rows);
    let small = ["stage.prompt-tuning", "stage.fine-tuning"].map(|stage| {
        ["steps=2", "batch=4", "checkpoint_every=1"].map(|setting| format!("{stage}.{setting}"))
    });
    let mut args =
        vec!["tune", "--model", model, "--task", "text2text", "--method", "promot", "--data", "rows.jsonl"];
    args.extend([
        "--out",
        "out",
        "--device",
        "cpu",
        "--set",
        "prompt.length=3",
        "--set",
        "prompt.vocabulary=50",
    ]);
    for setting in small.iter().flatten() {
        args.extend(["--set", setting]);
    }
    place.good(&args);
    assert_eq!(report(&place, "out")["runs"].as_array().unwrap().len(), 1);
    place.write("in.txt", "the dog\n");
    let tuned =
        ["generate", "--model", "out/model", "--device", "cpu", "--input-file", "in.txt", "--max-new", "4"];
    let bare = place.good(&tuned);
    let prompted = place.good(&with(&tuned, &["--prompt", "out/prompt"]));
    assert_ne!(bare, prompted);
    let eval = ["eval", "--model", "out/model", "--prompt", "out/prompt", "--device", "cpu"];
    let scores = place
        .good(&with(&eval, &["--tasks", "text2text", "--data", "rows.jsonl", "--limit", "3", "--json", "-"]));
    let scores: Value = serde_json::from_str(&scores).unwrap();
    assert_eq!(scores["scores"][0]["n"], 3);
    assert_eq!(scores["scores"][0]["prompt"], true);
}

/// What was trained is in the checkpoints: the file that the prompt began with is no longer needed.
#[test]
fn a_finished_run_outlives_the_prompt_file_that_it_began_with() {
    let place = place();
    let promot = with(&RUN, &["--set", "methods=prompt-tuning,random-prompt"]);
    place.good(&with(&promot, &["--out", "first"]));
    let from_file = ["--set", "prompt.init=file", "--set", "prompt.text=first/models/prompt-tuning/prompt"];
    place.good(&[&promot[..], &from_file, &["--out", "out"]].concat());
    let prompts = || {
        ["prompt-tuning", "random-prompt"].map(|method| {
            fs::read(place.path(&format!("out/models/{method}/prompt/adapter_model.safetensors"))).unwrap()
        })
    };
    let before = prompts();
    for folder in ["first", "out/models"] {
        fs::remove_dir_all(place.path(folder)).unwrap();
    }
    place.good(&["run", "--resume", "--out", "out", "--device", "cpu"]);
    assert!(prompts() == before);
}

/// The same signature is the same number, whoever scores: `eval` on the saved models, and the run that saved them.
#[test]
fn eval_gives_the_numbers_of_the_run() {
    let place = place();
    place.good(&with(&RUN, &["--out", "out"]));
    let all = report(&place, "out");
    let of_run = |method: &str| {
        let run = all["runs"].as_array().unwrap().iter().find(|run| run["method"] == method).unwrap();
        let scores = run["unseen"].as_array().unwrap().iter().chain([&run["target"]]);
        scores.map(|score| (score["signature"].clone(), score["score"].clone())).collect::<Vec<_>>()
    };
    let scored = |model: &str, more: &[&str]| -> Vec<(Value, Value)> {
        let eval = ["eval", "--model", model, "--device", "cpu", "--beams", "2", "--max-input", "48"];
        place.good(&with(&with(&eval, more), &["--json", "scores.json"]));
        let scores: Value = serde_json::from_str(&place.read("scores.json")).unwrap();
        let scores = scores["scores"].as_array().unwrap().iter();
        scores.map(|score| (score["signature"].clone(), score["score"].clone())).collect()
    };
    let held_out = ["--tasks", "cb-mini,wmt_ende-mini", "--shots", "1", "--limit", "2"];
    let target = ["--tasks", "rte-mini", "--shots", "0", "--limit", "4"];
    let prompt = ["--prompt", "out/models/promot/prompt"];
    for (method, prompt) in [("fine-tuning", &[][..]), ("promot", &prompt)] {
        let model = format!("out/models/{method}");
        let found = [scored(&model, &held_out), scored(&model, &with(&target, prompt))].concat();
        assert_eq!(found, of_run(method), "{method}");
    }
}

#[test]
fn eval_asks_with_answered_examples() {
    let place = Place::new();
    let model = place.model();
    let args = ["eval", "--model", model, "--device", "cpu", "--tasks", "rte-mini,cb-mini", "--shots", "1"];
    let out = place.good(&with(&args, &["--limit", "2", "--beams", "1", "--json", "scores.json"]));
    assert_eq!(out, "");
    let scores: Value = serde_json::from_str(&place.read("scores.json")).unwrap();
    assert_eq!(scores["scores"].as_array().unwrap().len(), 2);
    assert_eq!(scores["scores"][1]["shots"], 1);
    assert!(scores["scores"][0]["signature"].as_str().unwrap().contains("shots:1"));
}

/// Two runs with another stage 2 have the same stage 1, which `--reuse` takes over: the second run trains stage 2 alone.
#[test]
fn a_run_takes_stage_1_over_from_another_one() {
    let place = place();
    place.good(&with(&RUN, &["--out", "first"]));
    let other = ["--set", "stage.fine-tuning.steps=3", "--set", "methods=promot"];
    let other = with(&RUN, &other);
    place.good(&with(&other, &["--out", "alone"]));
    place.good(&with(&other, &["--out", "second", "--reuse", "first"]));
    assert_eq!(report(&place, "second"), report(&place, "alone"));
    // Stage 1 was not trained again: it left no checkpoint in the second run.
    let stages = |run: &str| fs::read_dir(place.path(&format!("{run}/stages"))).unwrap().count();
    assert_eq!((stages("alone"), stages("second")), (2, 1));
    stage_folder(&place, "second", "seed-0.prompt-tuning.fine-tuning");
    // Without the other run, what stage 1 left cannot be read: the weights are not saved, and this is said.
    let resumed = |reuse: &[&str]| {
        let command =
            with(&["run", "--resume", "--out", "second", "--device", "cpu", "--models", "f32"], reuse);
        let output = place.command(&command).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap().contains("promot: its weights are not saved")
    };
    assert!(resumed(&[]) && !resumed(&["--reuse", "first"]));
    // A run that has begun stage 1 by itself takes the finished one all the same.
    let mut cut = place.command(&with(&other, &["--out", "third"]));
    assert!(!cut.env("PROMOT_STOP_AT", "1").output().unwrap().status.success());
    let begun = stage_folder(&place, "third", "seed-0.prompt-tuning");
    place.good(&["run", "--resume", "--out", "third", "--reuse", "first", "--device", "cpu"]);
    assert!(begun.join("checkpoint-1").exists() && !begun.join("checkpoint-2").exists());
    assert_eq!(report(&place, "third"), report(&place, "alone"));
}
