//! `promot eval`: scores of one model on tasks, with answered examples before each question.

use indicatif::ProgressBar;
use promot_core::data::Split;
use promot_core::device::OpenDevice;
use promot_core::eval::{Evaluator, TaskRows};
use promot_core::report::{DeviceInfo, ModelInfo, TaskScore, norm_avg};
use promot_core::spec::EvalSpec;
use promot_core::task::{Candidates, Task};
use promot_core::train::DatasetProvider as _;
use promot_core::{Error, Result};
use serde::{Deserialize, Serialize};

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

/// A line of `--predictions`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    pub task: String,
    pub shots: usize,
    /// Of the rows that were scored, from 0.
    pub row: usize,
    pub input: String,
    pub references: Vec<String>,
    /// What the model wrote.
    pub output: String,
    /// What of it counts as the answer.
    pub answer: String,
    /// In [0, 100]; absent where a score is one of all rows together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Whether the model ended it itself, before the task's limit of tokens; absent where it chose among candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<bool>,
}

impl Answered {
    /// What two models have to share for their answers to be compared; their inputs may differ in in-context examples.
    pub fn asked(&self) -> (&str, usize, usize, &[String]) {
        (&self.task, self.shots, self.row, &self.references)
    }
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
    let mut answered = Vec::new();
    let scores = tasks
        .iter()
        .map(|task| score(task, args, &spec, &data, &loaded, &device, &mut answered))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(path) = &args.predictions {
        let mut lines = output::Lines::new(path);
        answered.iter().try_for_each(|row| lines.push(row))?;
        lines.finish()?;
    }
    show(&scores);
    show_cut(&tasks, &answered);
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
    answered: &mut Vec<Answered>,
) -> anyhow::Result<TaskScore> {
    let rows = data.rows(task, Split::Test, args.limit)?;
    let drawn = args.shots > 0 || matches!(task.candidates, Some(Candidates::Others(_)));
    let shot_rows = if drawn { data.rows(task, Split::Train, spec.shot_pool)? } else { Vec::new() };
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
    let origin = data.origin(task, Split::Test);
    let rows = TaskRows { task, rows: &rows, shot_rows: &shot_rows, origin: &origin };
    let found = pollster::block_on(evaluator.evaluate(&loaded.model, &rows, args.shots, 0, &mut progress))?;
    bar.finish_and_clear();
    answered.extend(found.predictions.into_iter().enumerate().map(|(row, prediction)| Answered {
        task: task.name.clone(),
        shots: args.shots,
        row,
        input: prediction.input,
        references: prediction.references,
        answer: task.answer(&prediction.output),
        output: prediction.output,
        ended: prediction.ended,
        score: found.score.rows.as_ref().and_then(|rows| rows.of_row(row)),
    }));
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

/// How many answers have no end of their own.
fn show_cut(tasks: &[Task], answered: &[Answered]) {
    for task in tasks {
        let of_task = || answered.iter().filter(|row| row.task == task.name);
        let cut = of_task().filter(|row| row.ended == Some(false)).count();
        if cut > 0 {
            let (name, all, limit) = (&task.name, of_task().count(), task.max_new_tokens);
            eprintln!(
                "{name}: {cut} of {all} answers were cut at {limit} tokens (max_new_tokens of the task)"
            );
        }
    }
}
