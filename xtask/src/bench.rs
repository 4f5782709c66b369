//! `cargo xtask bench`: the same training steps and the same beam search in promot and in PyTorch, on this machine,
//! in one go and with the same number of threads; prints seconds and ratios and keeps the raw results.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xshell::cmd;

use crate::golden;
use crate::shell::{self, shell};

/// One measurement: the median seconds of `what` at `size`.
#[derive(Debug, Clone, PartialEq)]
struct Measurement {
    what: String,
    size: String,
    seconds: f64,
}

pub fn run() -> Result<()> {
    let sh = shell()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    // The whole workspace: a package by itself would get other features of shared crates, and Burn a second build.
    let build = ["build", "--release", "--locked", "--workspace", "--bins"];
    shell::part("building the benchmark", || Ok(shell::cargo(&sh).args(build).run()?))?;
    let python = shell::part("Python packages", golden::environment)?;
    let program =
        shell::target_dir()?.join("release").join(format!("promot-bench{}", std::env::consts::EXE_SUFFIX));
    let ours = shell::part("promot", || {
        lines(&shell::read_shown(sh.cmd(&program).env("RAYON_NUM_THREADS", &threads))?)
    })?;
    let theirs = shell::part("PyTorch", || {
        let bench = cmd!(sh, "{python} tests/bench/bench_torch.py").env("OMP_NUM_THREADS", &threads);
        lines(&shell::read_shown(bench)?)
    })?;
    println!("\n{}", table(&measurements(&ours)?, &measurements(&theirs)?));
    keep(&threads, &ours, &theirs)
}

/// Every line that is a JSON object is a measurement; the rest is talk.
fn lines(output: &str) -> Result<Vec<Value>> {
    let lines = output.lines().filter(|line| line.trim_start().starts_with('{'));
    let found: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    ensure!(!found.is_empty(), "the benchmark printed no measurement");
    Ok(found)
}

fn measurements(lines: &[Value]) -> Result<Vec<Measurement>> {
    let measurement = |line: &Value| {
        let text = |name: &str| {
            line[name].as_str().map(str::to_owned).with_context(|| format!("no text `{name}` in {line}"))
        };
        let seconds = line["seconds"].as_f64().with_context(|| format!("no number `seconds` in {line}"))?;
        Ok(Measurement { what: text("what")?, size: text("size")?, seconds })
    };
    lines.iter().map(measurement).collect()
}

/// Rows in the order of our own measurements. A ratio above 1 means that promot is the faster one.
fn table(ours: &[Measurement], theirs: &[Measurement]) -> String {
    let theirs: BTreeMap<(&str, &str), f64> =
        theirs.iter().map(|one| ((one.what.as_str(), one.size.as_str()), one.seconds)).collect();
    let mut text = format!(
        "{:<28}{:<12}{:>12}{:>12}{:>16}\n",
        "what", "size", "promot, s", "PyTorch, s", "PyTorch/promot"
    );
    for Measurement { what, size, seconds } in ours {
        let _ = write!(text, "{what:<28}{size:<12}{seconds:>12.4}");
        let _ = match theirs.get(&(what.as_str(), size.as_str())) {
            Some(other) => writeln!(text, "{other:>12.4}{:>16.2}", other / seconds),
            None => writeln!(text, "{:>12}{:>16}", "-", "-"),
        };
    }
    text.push_str(&stage_1_share(ours));
    text
}

/// How much of a fine-tuning step a stage 1 step costs, for each size: only the prompt gets gradients in it.
fn stage_1_share(ours: &[Measurement]) -> String {
    let find = |what: &str, size: &str| ours.iter().find(|one| one.what == what && one.size == size);
    let mut text = String::new();
    for stage_1 in ours.iter().filter(|one| one.what == "stage 1, Adafactor") {
        if let Some(whole) = find("fine-tuning, Adafactor", &stage_1.size) {
            let share = stage_1.seconds / whole.seconds;
            let _ = writeln!(text, "stage 1 costs {share:.2} of a fine-tuning step ({})", stage_1.size);
        }
    }
    text
}

/// Raw lines of both with the date and the machine, for later comparison.
fn keep(threads: &str, ours: &[Value], theirs: &[Value]) -> Result<()> {
    let date = shell::timestamp()?;
    let machine = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let raw = json!({ "date": date, "machine": machine, "cpu": cpu(), "threads": threads.parse::<usize>()?,
        "promot": ours, "pytorch": theirs });
    let path = shell::target_dir()?.join("bench").join(format!("{date}.json"));
    shell()?.write_file(&path, serde_json::to_string_pretty(&raw)?)?;
    println!("raw results: {}", path.display());
    Ok(())
}

/// The processor's name where the system tells it.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str =
        "warming up\n{\"what\": \"train step\", \"size\": \"mini\", \"seconds\": 0.5, \"samples\": [0.5]}\n";

    fn ours() -> Vec<Measurement> {
        measurements(&lines(OURS).unwrap()).unwrap()
    }

    #[test]
    fn measurements_are_the_json_lines() {
        assert_eq!(ours(), [Measurement { what: "train step".into(), size: "mini".into(), seconds: 0.5 }]);
        assert!(lines("nothing").is_err());
        let error = measurements(&lines("{\"what\": \"x\", \"size\": \"y\"}").unwrap()).unwrap_err();
        assert!(error.to_string().contains("`seconds`"), "{error}");
    }

    #[test]
    fn the_ratio_says_how_many_times_as_fast_promot_is() {
        let ours = ours();
        let theirs = vec![Measurement { seconds: 0.75, ..ours[0].clone() }];
        assert!(table(&ours, &theirs).contains("1.50"));
        assert!(table(&ours, &[]).trim_end().ends_with('-'));
    }

    #[test]
    fn the_share_of_stage_1_is_told_for_each_size() {
        let line = |what: &str, seconds: f64| Measurement { what: what.into(), size: "mini".into(), seconds };
        let text = stage_1_share(&[line("fine-tuning, Adafactor", 2.0), line("stage 1, Adafactor", 1.0)]);
        assert_eq!(text, "stage 1 costs 0.50 of a fine-tuning step (mini)\n");
        assert_eq!(stage_1_share(&[line("stage 1, Adafactor", 1.0)]), "");
    }
}
