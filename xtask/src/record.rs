//! `cargo xtask record`: runs the paper's comparison on each target, its baselines, its ablations and more seeds, and
//! puts into `public/recorded/` what the page shows: the reports, and the tuned weights of the first seed. The scores of
//! single rows, which intervals come from and no page shows, go to `docs/rows/`.

use std::path::Path;

use anyhow::{Context as _, Result};
use xshell::Shell;

use crate::real_model;
use crate::shell::{self, shell};

const DATA: &str = "PROMOT_DATA";

type Score = serde_json::Map<String, serde_json::Value>;

/// A run whose report is kept under `name`, which begins with its target task.
struct Recording {
    name: &'static str,
    preset: &'static str,
    changes: &'static [&'static str],
    /// Whether the page has the tuned models, too.
    weights: bool,
    /// Of the model and the data that are downloaded (`cargo xtask real-model`, `PROMOT_DATA`), not of the bundled ones.
    real: bool,
}

/// The page opens with the first one of each bundled model.
const RECORDINGS: [Recording; 6] = [
    Recording {
        name: "rte-mini",
        preset: "paper-mini",
        // Two seeds that may be looked at while something is developed, and three that are run once (docs/protocol.md).
        changes: &["eval.alignment_every=50", "seeds=[0, 1, 10, 11, 12]"],
        weights: true,
        real: false,
    },
    Recording {
        name: "wmt_enfr-mini",
        preset: "enfr-mini",
        changes: &["eval.alignment_every=50"],
        weights: false,
        real: false,
    },
    Recording {
        name: "wmt_enfr-mini-llama",
        preset: "table-10-mini",
        changes: &["seeds=[0]"],
        weights: true,
        real: false,
    },
    Recording {
        name: "rte-mini-baselines",
        preset: "baselines-mini",
        changes: &[],
        weights: false,
        real: false,
    },
    Recording {
        name: "rte-mini-ablations",
        preset: "table-3-mini",
        changes: &["seeds=[0]", ABLATIONS],
        weights: false,
        real: false,
    },
    Recording { name: "rte-smollm2", preset: "real-rte", changes: REAL, weights: false, real: true },
];
/// The preset's, and the one that Table 6 adds to them.
const ABLATIONS: &str = "methods=[\"pretrained\", \"fine-tuning\", \"joint\", \"random-prompt\", \"fine-tuning+1-shot\", \
                         \"promot\", \"promot+1-shot\", \"prompt-tuning+1-shot\"]";

/// What a day of two cores allows of the preset.
const REAL: &[&str] = &[
    "seeds=[0]",
    "methods=[\"pretrained\", \"fine-tuning\", \"promot\"]",
    "eval.tasks=[\"questions-chat\", \"passages-chat\", \"instructions-chat\", \"repeat-chat\"]",
];
const COLUMNS: [&str; 2] = ["fine-tuning", "promot"];

pub fn run() -> Result<()> {
    let sh = shell()?;
    let recorded = shell::root().join("public").join("recorded");
    let rows = shell::root().join("docs").join("rows");
    let runs = shell::target_dir()?.join("recorded");
    for recording in &RECORDINGS {
        if recording.real && missing() {
            let name = recording.name;
            println!(
                "{name} stays as it is: it needs `cargo xtask real-model` and PROMOT_DATA, the folder of the data sets"
            );
            continue;
        }
        let out = runs.join(recording.name);
        shell::part(recording.name, || experiment(&sh, recording, &out))?;
        sh.create_dir(recorded.join(recording.name))?;
        let report = recorded.join(recording.name).join("report.json");
        let text = sh.read_file(out.join("report.json"))?;
        let (shipped, of_rows) = shipped(&text, recording.real)?;
        sh.write_file(&report, shipped)?;
        sh.write_file(rows.join(recording.name).with_extension("json"), of_rows)?;
    }
    for recording in RECORDINGS.iter().filter(|recording| recording.weights) {
        let name = recording.name;
        for column in COLUMNS {
            let from = runs.join(name).join("models").join(column);
            let to = recorded.join(name).join(column);
            sh.create_dir(&to)?;
            sh.copy_file(from.join("model.safetensors"), to.join("model.safetensors"))?;
            if from.join("prompt").is_dir() {
                sh.create_dir(to.join("prompt"))?;
                for name in ["adapter_config.json", "adapter_model.safetensors"] {
                    sh.copy_file(from.join("prompt").join(name), to.join("prompt").join(name))?;
                }
            }
        }
    }
    let mut list = Vec::new();
    for recording in &RECORDINGS {
        let report = recorded.join(recording.name).join("report.json");
        if report.is_file() {
            list.push(listed(recording, &sh.read_file(report)?)?);
        }
    }
    sh.write_file(recorded.join("index.json"), format!("[{}]\n", list.join(",\n ")))?;
    println!("recorded: {}", recorded.display());
    Ok(())
}

/// What the page's list says of a recording (`app/src/recordings.rs`).
fn listed(recording: &Recording, report: &str) -> Result<String> {
    let report: serde_json::Value = serde_json::from_str(report)?;
    let weights: &[&str] = if recording.weights { &COLUMNS } else { &[] };
    let (model, task) = (&report["spec"]["model"], &report["spec"]["target"]["task"]);
    Ok(serde_json::json!({ "name": recording.name, "model": model, "task": task, "weights": weights })
        .to_string())
}

fn missing() -> bool {
    !real_model::path().is_file() || std::env::var_os(DATA).is_none()
}

/// The report as it is shipped, and the scores of its single rows.
fn shipped(report: &str, real: bool) -> Result<(String, String)> {
    let mut report: serde_json::Value = serde_json::from_str(report)?;
    if real {
        own_examples(&mut report)?;
    }
    thin(&mut report)?;
    let rows = take_rows(&mut report)?;
    Ok((format!("{report}\n"), format!("[{}]\n", rows.join(",\n "))))
}

/// Takes the scores of single rows out of a report: for each run those of the target, of the tasks tuned with it and of the
/// held-out ones, in the report's order.
fn take_rows(report: &mut serde_json::Value) -> Result<Vec<String>> {
    let runs = report["runs"].as_array_mut().context("a report has runs")?;
    let of_run = |run: &mut serde_json::Value| {
        let tasks: Vec<_> = scores(run).into_iter().map(|score| score.shift_remove("rows")).collect();
        let (method, seed) = (&run["method"], &run["seed"]);
        serde_json::json!({ "method": method, "seed": seed, "rows": tasks }).to_string()
    };
    Ok(runs.iter_mut().map(of_run).collect())
}

/// A run's scores: of the target, of the tasks tuned with it, and of the held-out ones.
fn scores(run: &mut serde_json::Value) -> Vec<&mut Score> {
    let mut found = Vec::new();
    for (name, value) in run.as_object_mut().into_iter().flatten() {
        match value {
            serde_json::Value::Object(score) if name == "target" => found.push(score),
            serde_json::Value::Array(several) if name == "also" || name == "unseen" => {
                found.extend(several.iter_mut().filter_map(serde_json::Value::as_object_mut));
            }
            _ => {}
        }
    }
    found
}

/// Without what is the same for every seed, or shown of none.
fn brief(score: &mut Score) {
    score.shift_remove("surface");
    score.insert("signature".to_owned(), "".into());
}

/// Takes out questions whose text is others': only generated ones are shipped.
fn own_examples(report: &mut serde_json::Value) -> Result<()> {
    const OWN: [&str; 3] = ["questions-chat", "passages-chat", "instructions-chat"];
    let examples = report["examples"].as_array_mut().context("a report has examples")?;
    examples.retain(|example| example["task"].as_str().is_some_and(|task| OWN.contains(&task)));
    Ok(())
}

/// Of the records of training steps, one in so many is shipped, and all with scores.
const SHIPPED_STEPS: usize = 20;

/// Takes out what the page does not show, two thirds of the bytes that a visitor waits for: most records of steps (of other
/// seeds than the first, all), and of those seeds what the first one says for them.
fn thin(report: &mut serde_json::Value) -> Result<()> {
    let runs = report["runs"].as_array_mut().context("a report has runs")?;
    let first = runs.first().map(|run| run["seed"].clone());
    for run in runs {
        let is_first = first.as_ref() == Some(&run["seed"]);
        let steps = run["steps"].as_array_mut().context("a run of a report has steps")?;
        if !is_first {
            steps.clear();
            scores(run).into_iter().for_each(brief);
            continue;
        }
        let mut at = 0..;
        steps.retain(|step| {
            at.next().is_some_and(|at| at % SHIPPED_STEPS == 0) || step.get("validation").is_some()
        });
    }
    Ok(())
}

/// An interrupted one goes on where it stopped.
fn experiment(sh: &Shell, recording: &Recording, out: &Path) -> Result<()> {
    let models = if recording.weights { "f16" } else { "none" };
    let changes = recording.changes.iter().flat_map(|change| ["--set", change]);
    let resume = out.join("spec.toml").is_file().then_some("--resume");
    let run =
        shell::cargo(sh).args(["run", "--release", "--quiet", "--", "run", "--preset", recording.preset]);
    let data = recording.real.then(|| std::env::var_os(DATA)).flatten();
    let run = match &data {
        Some(data) => run.arg("--data").arg(data),
        None => run,
    };
    Ok(run.args(["--models", models, "--out"]).arg(out).args(changes).args(resume).run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_a_recording_is_of() {
        let report = r#"{"spec": {"model": "mini", "target": {"task": "rte-mini"}}}"#;
        let entry: serde_json::Value =
            serde_json::from_str(&listed(&RECORDINGS[0], report).unwrap()).unwrap();
        let expected = serde_json::json!({
            "name": "rte-mini", "model": "mini", "task": "rte-mini", "weights": ["fine-tuning", "promot"]
        });
        assert_eq!(entry, expected);
    }

    #[test]
    fn a_shipped_report_has_some_steps_of_the_first_seed_and_every_score() {
        let steps: Vec<serde_json::Value> = (1..=50)
            .map(|step| match step {
                30 => serde_json::json!({"step": step, "validation": 50.0}),
                _ => serde_json::json!({"step": step}),
            })
            .collect();
        let score = serde_json::json!({"signature": "beam4", "surface": 1});
        let runs = [3, 3, 4].map(|seed| serde_json::json!({"seed": seed, "steps": steps, "target": score}));
        let (found, _) =
            shipped(&serde_json::json!({"runs": runs, "version": 2}).to_string(), false).unwrap();
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let kept = |run: usize| -> Vec<u64> {
            let steps = found["runs"][run]["steps"].as_array().unwrap();
            steps.iter().map(|step| step["step"].as_u64().unwrap()).collect()
        };
        assert_eq!([kept(0), kept(1), kept(2)], [vec![1, 21, 30, 41], vec![1, 21, 30, 41], vec![]]);
        assert_eq!(found["runs"][1]["target"], score);
        assert_eq!(found["runs"][2]["target"], serde_json::json!({"signature": ""}));
        assert_eq!(found["version"], 2);
        assert!(shipped("{}", false).is_err());
    }

    #[test]
    fn scores_of_single_rows_stand_beside_the_report() {
        let score = |rows: &str| serde_json::json!({ "score": 50.0, "rows": rows });
        let run = serde_json::json!({
            "method": "promot", "seed": 1, "steps": [], "target": score("hits:10"),
            "unseen": [score("hits:01"), { "score": 1.0 }],
        });
        let report = serde_json::json!({ "runs": [run] }).to_string();
        let (report, rows) = shipped(&report, false).unwrap();
        assert!(!report.contains("hits"), "{report}");
        let rows: serde_json::Value = serde_json::from_str(&rows).unwrap();
        let expected = serde_json::json!([
            { "method": "promot", "seed": 1, "rows": ["hits:10", "hits:01", null] }
        ]);
        assert_eq!(rows, expected);
    }

    #[test]
    fn questions_of_others_stay_out_of_what_is_shipped() {
        let report =
            r#"{"examples": [{"task": "rte"}, {"task": "questions-chat"}], "runs": [], "version": 2}"#;
        let found: serde_json::Value = serde_json::from_str(&shipped(report, true).unwrap().0).unwrap();
        assert_eq!(found["examples"], serde_json::json!([{"task": "questions-chat"}]));
        assert_eq!(found["version"], 2);
        assert!(shipped(r#"{"runs": []}"#, true).is_err());
    }
}
