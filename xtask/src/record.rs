//! `cargo xtask record`: runs the preset `paper-mini` on entailment and puts into `public/recorded/` what the page
//! shows: the report, and the tuned weights of the first seed.

use std::fs;
use std::path::Path;

use crate::shell::{self, Outcome};

/// Target tasks; the weights of the first one are shipped, too.
const TARGETS: [&str; 1] = ["rte-mini"];
const COLUMNS: [&str; 2] = ["fine-tuning", "promot"];

pub fn run() -> Outcome {
    let recorded = shell::root().join("public").join("recorded");
    for target in TARGETS {
        let out = shell::target_dir().join("recorded").join(target);
        shell::part(target, || experiment(target, &out))?;
        copy(&out.join("report.json"), &recorded.join(target).join("report.json"))?;
    }
    let weights: Vec<String> = COLUMNS.iter().map(|column| format!("{}/{column}", TARGETS[0])).collect();
    for (folder, column) in weights.iter().zip(COLUMNS) {
        let from = shell::target_dir().join("recorded").join(TARGETS[0]).join("models").join(column);
        let to = recorded.join(folder);
        copy(&from.join("model.safetensors"), &to.join("model.safetensors"))?;
        if from.join("prompt").is_dir() {
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                copy(&from.join("prompt").join(name), &to.join("prompt").join(name))?;
            }
        }
    }
    write(&recorded.join("index.json"), &list(&TARGETS.map(str::to_owned)))?;
    write(&recorded.join("weights.json"), &list(&weights))?;
    println!("recorded: {}", recorded.display());
    Ok(())
}

/// An interrupted one goes on where it stopped.
fn experiment(target: &str, out: &Path) -> Outcome {
    let mut args =
        vec!["run", "--release", "--quiet", "--", "run", "--preset", "paper-mini", "--models", "f16"];
    let (task, out_text) = (format!("target.task={target}"), out.display().to_string());
    args.extend(["--set", &task, "--out", &out_text]);
    if out.join("spec.toml").is_file() {
        args.push("--resume");
    }
    shell::run(shell::cargo().args(args))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    parent(to)?;
    fs::copy(from, to).map(drop).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    parent(path)?;
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parent(path: &Path) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]\n", quoted.join(", "))
}
