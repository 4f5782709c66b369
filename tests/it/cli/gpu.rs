//! The GPU path on whatever Vulkan driver there is, a software one included. It must give the CPU's numbers.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::skip::skip;
use crate::{Place, golden, json_lines, text};

/// The full search for the fastest kernels takes minutes on a software driver and changes no number that counts.
fn run(command: &mut Command) -> Output {
    command.env("CUBECL_AUTOTUNE_LEVEL", "minimal").output().unwrap()
}

/// What the program says of its GPU device, or why there is none.
fn probe(place: &Place) -> Result<String, String> {
    let output = run(&mut place.command(&["doctor", "--probe", "wgpu"]));
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn good(place: &Place, args: &[&str]) -> String {
    let output = run(&mut place.command(args));
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Opening the device runs the library's probe: a small forward and backward pass, compared with the CPU's.
#[test]
fn wgpu_opens_and_passes_the_probe() {
    let place = Place::new();
    match probe(&place) {
        Ok(found) => assert!(found.starts_with("wgpu ("), "{found}"),
        Err(reason) => {
            assert!(reason.starts_with("promot: device wgpu: "), "{reason}");
            skip("gpu", &format!("no wgpu device here: {}", reason.trim()));
        }
    }
}

/// A whole model: many kernels, which a software driver compiles for minutes, so only where asked for.
#[test]
fn wgpu_scores_and_trains_as_the_cpu_does() {
    if std::env::var_os("PROMOT_SLOW_TESTS").is_none() {
        return skip("slow", "a whole model on the GPU; `cargo xtask nightly` scores and trains with one");
    }
    let place = Place::new();
    if let Err(reason) = probe(&place) {
        return skip("gpu", &format!("no wgpu device here: {}", reason.trim()));
    }
    let model = golden();
    let model = model.to_str().unwrap();
    place.write(
        "pairs.jsonl",
        json!({"input": "the red fox sees a dog", "target": "a dog sleeps"}).to_string(),
    );
    let logprob = |device: &str| {
        let out = good(&place, &["score", "--model", model, "--pairs", "pairs.jsonl", "--device", device]);
        json_lines(&out)[0]["logprob"].as_f64().unwrap()
    };
    let (cpu, gpu) = (logprob("cpu"), logprob("wgpu"));
    assert!((cpu - gpu).abs() < 1e-3, "score on the CPU {cpu}, on wgpu {gpu}");

    let losses = |device: &str| -> Vec<f64> {
        let out = format!("out-{device}");
        let mut args = vec!["tune", "--model", model, "--task", "rte-mini", "--method", "fine-tuning"];
        args.extend(["--device", device, "--out", &out, "--set", "stage.fine-tuning.steps=2"]);
        args.extend([
            "--set",
            "stage.fine-tuning.batch=2",
            "--set",
            "stage.fine-tuning.dropout=0",
            "--set",
            "eval.beams=1",
        ]);
        args.extend(["--set", "target.train_limit=8", "--set", "target.max_input=32"]);
        args.extend(["--set", "target.validation_limit=2", "--set", "target.test_limit=2"]);
        good(&place, &args);
        let report: Value = serde_json::from_str(&place.read(&format!("{out}/report.json"))).unwrap();
        let steps = report["runs"][0]["steps"].as_array().unwrap().clone();
        steps.iter().map(|step| step["loss"].as_f64().unwrap()).collect()
    };
    let (cpu, gpu) = (losses("cpu"), losses("wgpu"));
    assert_eq!((cpu.len(), gpu.len()), (2, 2));
    for (cpu, gpu) in cpu.iter().zip(&gpu) {
        assert!((cpu - gpu).abs() < 1e-3 * cpu.abs(), "losses on the CPU {cpu}, on wgpu {gpu}");
    }
}

/// The lines of `promot gpu-check --tiny` with these options, or why there is no device to check.
fn check(place: &Place, options: &[&str]) -> Result<Vec<Value>, String> {
    probe(place)?;
    let args = [&["gpu-check", "--tiny", "--out", "found.jsonl"], options].concat();
    let output = run(&mut place.command(&args));
    let lines = json_lines(&text(&output.stdout));
    assert_eq!(text(&output.stdout), place.read("found.jsonl"), "what is shown is what is written");
    assert!(lines.len() > 1, "{}", text(&output.stderr));
    Ok(lines)
}

fn outcome<'a>(lines: &'a [Value], item: &str) -> Option<&'a str> {
    lines.iter().find(|line| line["item"] == item && line["outcome"].is_string())?["outcome"].as_str()
}

/// No number that was compared may differ from the CPU's, and nothing may fail. What a software driver has not
/// compiled when the time is over has not failed.
fn assert_nothing_wrong(lines: &[Value]) {
    for line in lines {
        assert_ne!(line["ok"], false, "{line}");
        assert_ne!(line["outcome"], "failed", "{line}");
    }
}

/// The check that runs on real cards is kept working here: as far as it comes in half a minute, and whole in the
/// nightly tests.
#[test]
fn the_gpu_check_runs_on_a_software_driver() {
    let place = Place::new();
    let lines = match check(&place, &["--budget", "150", "--only", "adapter,parity,stress"]) {
        Ok(lines) => lines,
        Err(reason) => return skip("gpu", &format!("no wgpu device here: {}", reason.trim())),
    };
    assert_nothing_wrong(&lines);
    assert_eq!(outcome(&lines, "adapter"), Some("done"));
    for what in ["adapter", "limits", "features", "Burn", "logits"] {
        assert!(lines.iter().any(|line| line["what"] == what), "{what} is missing in {lines:?}");
    }
    // Every item says how it ended, also one for which no time was left.
    assert!(outcome(&lines, "parity").is_some() && outcome(&lines, "stress").is_some(), "{lines:?}");
}

#[test]
fn the_whole_gpu_check_runs_on_a_software_driver() {
    if std::env::var_os("PROMOT_SLOW_TESTS").is_none() {
        return skip("slow", "the whole GPU check; `cargo xtask nightly` runs it");
    }
    let place = Place::new();
    match check(&place, &["--budget", "3600"]) {
        Ok(lines) => assert_nothing_wrong(&lines),
        Err(reason) => skip("gpu", &format!("no wgpu device here: {}", reason.trim())),
    }
}
