//! `promot eval`: scores of one model on tasks, with answered examples before each question.

use indicatif::ProgressBar;
use promot_core::data::Split;
use promot_core::device::OpenDevice;
use promot_core::eval::{Evaluator, TaskRows};
use promot_core::report::{DeviceInfo, ModelInfo, TaskScore, norm_avg};
use promot_core::spec::EvalSpec;
use promot_core::task::Task;
use promot_core::train::DatasetProvider as _;
use promot_core::{Error, Result};
use serde::Serialize;

use crate::args::EvalArgs;
use crate::catalog;
use crate::files::dataset::{Dataset, Whole};
use crate::loaded::{self, LoadedModel};
use crate::{device, interrupt, output, table};

/// What `--json` gives.
#[derive(Serialize)]
struct Scores {
    device: DeviceInfo,
    model: ModelInfo,
    scores: Vec<TaskScore>,
    /// Plain mean of the scores.
    norm_avg: f64,
}

pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let tasks = args.tasks.iter().map(catalog::task).collect::<Result<Vec<_>>>()?;
    tasks.iter().try_for_each(|task| task.check_least("--min-new", args.min_new))?;
    let device = device::open(&args.device)?;
    let loaded = loaded::model_with_prompt(&args.model, &device)?;
    interrupt::listen()?;
    let data = Dataset::new(args.data.clone(), Whole::Test, loaded.config.d_model());
    let spec = EvalSpec {
        beams: args.beams,
        shots: vec![args.shots],
        limit: args.limit,
        min_new_tokens: args.min_new,
        suppress: args.suppress.as_deref().map(output::read_words).transpose()?.unwrap_or_default(),
        ..EvalSpec::default()
    };
    let scores = tasks
        .iter()
        .map(|task| score(task, args, &spec, &data, &loaded, &device))
        .collect::<anyhow::Result<Vec<_>>>()?;
    show(&scores);
    if let Some(path) = &args.json {
        let norm_avg = norm_avg(&scores).unwrap_or_default();
        output::json(path, &Scores { device: device.info, model: loaded.info, scores, norm_avg })?;
    }
    Ok(())
}

fn score(
    task: &Task,
    args: &EvalArgs,
    spec: &EvalSpec,
    data: &Dataset,
    loaded: &LoadedModel,
    device: &OpenDevice,
) -> anyhow::Result<TaskScore> {
    let rows = data.rows(task, Split::Test, args.limit)?;
    let shot_rows = if args.shots == 0 { Vec::new() } else { data.rows(task, Split::Train, spec.shot_pool)? };
    let evaluator = Evaluator {
        tokenizer: &loaded.tokenizer,
        layout: device.layout_for(loaded),
        spec,
        max_input: args.max_input,
        shot_seed: args.seed,
        targets: vec![task],
    };
    let bar = ProgressBar::new(rows.len() as u64).with_prefix(task.name.clone());
    let mut progress = |done: usize, _: usize| {
        bar.set_position(done as u64);
        if interrupt::asked() { Err(Error::Stopped { step: done }) } else { Ok(()) }
    };
    let rows = TaskRows { task, rows: &rows, shot_rows: &shot_rows };
    let found = pollster::block_on(evaluator.evaluate(&loaded.model, &rows, args.shots, 0, &mut progress))?;
    bar.finish_and_clear();
    // Nothing was tuned here, so there is no tuned format whose rate could be told.
    Ok(TaskScore { target_format_rate: None, rows: None, ..found.score })
}

/// For people, so on standard error; `--json` is for programs.
fn show(scores: &[TaskScore]) {
    let rows = scores.iter().map(|score| {
        let numbers = [format!("{:.1}", score.score), score.n.to_string(), score.signature.clone()];
        [score.task.clone(), score.metric.clone()].into_iter().chain(numbers).collect()
    });
    eprintln!("{}", table::plain(&["task", "metric", "score", "rows", "signature"], rows));
    for (score, warning) in
        scores.iter().flat_map(|score| score.warnings.iter().map(move |text| (score, text)))
    {
        eprintln!("warning: {}: {warning} (metric = \"rouge-2-unicode\" in a task's file)", score.task);
    }
    for score in scores.iter().filter(|score| score.truncated > 0) {
        eprintln!(
            "{}: {} of {} inputs were longer than --max-input and have been cut",
            score.task, score.truncated, score.n
        );
    }
}
