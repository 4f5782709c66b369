//! `promot tune`: one method on one model. Leaves a report, the tuned model and its soft prompt, one for each task.

use promot_core::model::tensors::Precision;
use promot_core::spec::RunSpec;

use crate::args::TuneArgs;
use crate::bundled;
use crate::catalog::{define_tasks, presets, tasks};
use crate::experiment::{self, Place};
use crate::fail::usage;
use crate::{dry_run, tuned};

pub fn run(args: &TuneArgs) -> anyhow::Result<()> {
    let spec = spec(args)?;
    let place = Place::new(args.out.clone(), &args.running, command(args));
    if args.running.dry_run {
        return dry_run::show(spec, &place, args.data.clone());
    }
    let (run, outcome, mut loaded) = experiment::run(spec, &place, args.data.clone(), &args.running.device)?;
    let tasks = outcome.report.spec.target.tasks();
    for trained in outcome.models {
        let (model, prompt) = (run.path().join("model"), run.path().join("prompt"));
        tuned::save(&model, &prompt, trained, &tasks, &mut loaded, Precision::F32)?;
    }
    Ok(())
}

/// The bundled models take the tour's settings, others the paper's. Only the tuned tasks are scored, unless
/// `--set eval.shots` and `eval.tasks` ask for more.
fn spec(args: &TuneArgs) -> anyhow::Result<RunSpec> {
    let [task, also @ ..] = &args.task[..] else {
        return Err(usage("--task: expected at least one task, found none".to_owned()));
    };
    let bundled = bundled::by_name(&args.model).is_some();
    let mut spec = if bundled { presets().by_name("tour")? } else { RunSpec::default() };
    spec.model = args.model.clone();
    spec.target.task = task.clone();
    spec.target.also = also.to_vec();
    define_tasks(&mut spec)?;
    let known = spec.known_tasks(tasks())?;
    spec.target.tasks().into_iter().try_for_each(|task| known.by_name(task).map(|_| ()))?;
    spec.name = format!("{}-{}", args.method, spec.target.tasks().join("+"));
    spec.methods = vec![args.method.as_str().into()];
    spec.eval.tasks = Vec::new();
    spec.eval.shots = Vec::new();
    spec.eval.curve_every = 0;
    experiment::override_fields(&mut spec, &args.running)?;
    Ok(spec)
}

fn command(args: &TuneArgs) -> String {
    let mut command =
        format!("promot tune --model {} --task {} --method {}", args.model, args.task.join(","), args.method);
    if let Some(data) = &args.data {
        command += &format!(" --data {}", data.display());
    }
    if let Some(seed) = args.running.seed {
        command += &format!(" --seed {seed}");
    }
    for setting in &args.running.set {
        command += &format!(" --set '{setting}'");
    }
    command
}
