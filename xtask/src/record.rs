//! `cargo xtask record`: runs the preset `paper-mini` on each target, its ablations and more seeds, and puts into
//! `public/recorded/` what the page shows: the reports, and the tuned weights of the first seed.

use std::fs;
use std::path::Path;

use crate::shell::{self, Outcome};

/// A run whose report is kept under `name`: the preset with some of its fields changed.
struct Recording {
    name: &'static str,
    changes: &'static [&'static str],
    /// Without unseen tasks along the way and gradients beside the format's: what is told of it is how it ends.
    sparse: bool,
}

const SPARSE: &[&str] = &["eval.curve_every=0", "eval.alignment_every=0"];

/// The page opens with the first one, whose weights are shipped, too.
const RECORDINGS: [Recording; 4] = [
    Recording { name: "rte-mini", changes: &[], sparse: false },
    Recording { name: "wmt_enfr-mini", changes: &["target.task=wmt_enfr-mini"], sparse: false },
    Recording {
        name: "rte-mini-ablations",
        changes: &[r#"methods=["joint", "random-prompt", "fine-tuning+1-shot"]"#],
        sparse: true,
    },
    // Seeds that had no part in the choice of any setting.
    Recording {
        name: "rte-mini-other-seeds",
        changes: &[
            r#"methods=["pretrained", "prompt-tuning", "fine-tuning", "promot"]"#,
            "seeds=[10, 11, 12, 13, 14]",
        ],
        sparse: true,
    },
];
const COLUMNS: [&str; 2] = ["fine-tuning", "promot"];

pub fn run() -> Outcome {
    let recorded = shell::root().join("public").join("recorded");
    let folder = |name: &str| shell::target_dir().join("recorded").join(name);
    for recording in &RECORDINGS {
        let out = folder(recording.name);
        shell::part(recording.name, || experiment(recording, &out))?;
        copy(&out.join("report.json"), &recorded.join(recording.name).join("report.json"))?;
    }
    let first = RECORDINGS[0].name;
    for column in COLUMNS {
        let from = folder(first).join("models").join(column);
        let to = recorded.join(first).join(column);
        copy(&from.join("model.safetensors"), &to.join("model.safetensors"))?;
        if from.join("prompt").is_dir() {
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                copy(&from.join("prompt").join(name), &to.join("prompt").join(name))?;
            }
        }
    }
    write(&recorded.join("index.json"), &list(&RECORDINGS.map(|recording| recording.name.to_owned())))?;
    write(&recorded.join("weights.json"), &list(&COLUMNS.map(|column| format!("{first}/{column}"))))?;
    println!("recorded: {}", recorded.display());
    Ok(())
}

/// An interrupted one goes on where it stopped.
fn experiment(recording: &Recording, out: &Path) -> Outcome {
    let models = if recording.name == RECORDINGS[0].name { "f16" } else { "none" };
    let mut args =
        vec!["run", "--release", "--quiet", "--", "run", "--preset", "paper-mini", "--models", models];
    let out_text = out.display().to_string();
    args.extend(["--out", &out_text]);
    let sparse = if recording.sparse { SPARSE } else { &[] };
    args.extend(recording.changes.iter().chain(sparse).flat_map(|change| ["--set", change]));
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
