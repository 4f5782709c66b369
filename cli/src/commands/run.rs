//! `promot run`: several methods on one target task, side by side. Without arguments it is the tour.

use promot_core::model::tensors::Precision;
use promot_core::spec::RunSpec;
use promot_core::train::Outcome;

use crate::args::{KeepModels, RunArgs};
use crate::bundled;
use crate::catalog::{presets, tasks};
use crate::experiment::{self, Place};
use crate::files::run_folder;
use crate::{dry_run, output, tuned};

pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    let spec = spec(args)?;
    let place = Place::new(args.out.clone(), &args.running, command(args));
    if args.running.dry_run {
        return dry_run::show(spec, &place, args.data.clone());
    }
    let (run, outcome, mut loaded) = experiment::run(spec, &place, args.data.clone(), &args.running.device)?;
    let precision = match args.models {
        KeepModels::F32 => Precision::F32,
        KeepModels::F16 => Precision::F16,
        KeepModels::None => return Ok(()),
    };
    for method in without_weights(&outcome) {
        eprintln!(
            "{method}: its weights are not saved, since a stage of it is not in {}; resume with the same --reuse",
            run.path().display()
        );
    }
    let tasks = outcome.report.spec.target.tasks();
    for trained in outcome.models {
        let folder = run.path().join("models").join(&trained.method);
        tuned::save(&folder, &folder.join("prompt"), trained, &tasks, &mut loaded, precision)?;
    }
    Ok(())
}

/// What was trained with the first seed, and whose checkpoints are gone.
fn without_weights(outcome: &Outcome) -> impl Iterator<Item = &str> {
    let first = outcome.report.runs.first().map(|run| run.seed);
    let trained =
        outcome.report.runs.iter().filter(move |run| Some(run.seed) == first && !run.steps.is_empty());
    let saved = |method: &str| outcome.models.iter().any(|trained| trained.method == method);
    trained.map(|run| run.method.as_str()).filter(move |method| !saved(method))
}

/// The spec as asked for: a file, a preset, or on `--resume` without either what the folder holds.
fn spec(args: &RunArgs) -> anyhow::Result<RunSpec> {
    let preset = if args.quick { Some("quick") } else { args.preset.as_deref() };
    let mut spec = match (&args.spec, preset, &args.out) {
        (Some(path), ..) => {
            presets().read(&output::read_text(path)?, &path.display().to_string(), tasks())?
        }
        (None, Some(name), _) => presets().by_name(name)?,
        (None, None, Some(out)) if args.running.resume && run_folder::holds_run(out) => {
            run_folder::stored_spec(out)?
        }
        // A model of the user's own is no match for the tour's synthetic tasks.
        (None, None, _) if args.model.as_deref().is_some_and(of_ones_own) => presets().by_name("paper")?,
        (None, None, _) => presets().by_name("tour")?,
    };
    if let Some(model) = &args.model {
        spec.model.clone_from(model);
    }
    if let Some(task) = &args.task {
        spec.target.task.clone_from(task);
    }
    experiment::override_fields(&mut spec, &args.running)?;
    Ok(spec)
}

fn of_ones_own(model: &str) -> bool {
    bundled::by_name(model).is_none()
}

/// The folder keeps the spec; only what it does not keep must be said again.
fn command(args: &RunArgs) -> String {
    let data = args.data.as_ref().map(|data| format!(" --data {}", data.display())).unwrap_or_default();
    format!("promot run{data}")
}
