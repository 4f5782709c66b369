//! `--dry-run` of `run` and `tune`: which rows are read and how long they are, a training row as the model reads it,
//! which stages run and which are there already. Reads data and tokenizer alone, and writes nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use promot_core::data::Split;
use promot_core::model::folder::outline;
use promot_core::render::{RenderedRow, Renderer};
use promot_core::spec::{Recipe, Run, RunSpec, StageSpec, TargetSpec};
use promot_core::task::Task;
use promot_core::tokenizer::Tokenizer;
use promot_core::train::{DatasetProvider as _, PlannedStage, planned, run_settings};

use crate::experiment::{self, Place};
use crate::files::dataset::{Dataset, Whole};
use crate::files::{model_folder, run_folder};
use crate::memory::{Memory, Planner, gib};

/// Prints what would run.
///
/// # Errors
/// Those of a run before its first step: the spec, the data, the tokenizer, another run in the folder.
pub fn show(spec: RunSpec, place: &Place, data: Option<PathBuf>) -> anyhow::Result<()> {
    let run = experiment::resolve(spec, data.as_deref())?;
    let (config, tokenizer) = model_folder::read_without_weights(&run.model)?;
    let model = config.as_ref().map(outline).transpose()?;
    let rows = Dataset::new(data, Whole::Divided, 0);
    let mut text = format!("{}: {}, tuned on {}\n", run.name, run.model, run.target.tasks().join(", "));
    for name in run.target.tasks() {
        target(&mut text, &run, run.tasks.by_name(name)?, &rows, &tokenizer)?;
    }
    held_out(&mut text, &run, &rows)?;
    let known = model.as_ref().zip(config.as_ref());
    let planner =
        known.map(|(model, config)| Planner::new(&run, model, config, &rows, &tokenizer)).transpose()?;
    stages(&mut text, &run, place, planner.as_ref())?;
    if let Some((planner, memory)) = planner.zip(Memory::here()) {
        for problem in planner.problems(memory.free)? {
            writeln!(text, "{problem}")?;
        }
    }
    print!("{text}");
    Ok(())
}

/// A tuned task: its rows, their lengths, and the first of them.
fn target(
    text: &mut String,
    run: &Run,
    task: &Task,
    rows: &Dataset,
    tokenizer: &Tokenizer,
) -> anyhow::Result<()> {
    let TargetSpec { train_limit, validation_limit, test_limit, max_input, .. } = run.target;
    let train = rows.rows(task, Split::Train, train_limit)?;
    let validation = rows.rows(task, Split::Validation, validation_limit)?.len();
    let test = rows.rows(task, Split::Test, test_limit)?.len();
    writeln!(
        text,
        "\n{}: {} training rows, {validation} validation rows, {test} test rows",
        task.name,
        train.len()
    )?;
    let renderer = Renderer { task, tokenizer, shots: 0, max_input };
    let rendered: Vec<RenderedRow> =
        train.iter().map(|row| renderer.render(&[], row)).collect::<Result<_, _>>()?;
    let mut targets = Vec::new();
    for row in &rendered {
        targets.push(tokenizer.encode_target(&row.text.input, &row.text.target)?);
    }
    let cut = rendered.iter().filter(|row| row.truncated).count();
    let limit = if max_input == 0 { String::new() } else { format!(" ({cut} are cut at {max_input})") };
    let inputs = range(rendered.iter().map(|row| row.input.len()));
    let length = range(targets.iter().map(Vec::len));
    writeln!(text, "  a training input has {inputs} tokens{limit}, a target {length}")?;
    if let (Some(row), Some(target)) = (rendered.first(), targets.first()) {
        writeln!(text, "  the first, without examples before it:")?;
        lines(text, "input", &tokenizer.decode_all(&row.input)?)?;
        lines(text, "target", &tokenizer.decode_all(target)?)?;
        writeln!(text, "    the loss is on the {} tokens of the target", target.len())?;
    }
    Ok(())
}

fn lines(text: &mut String, name: &str, content: &str) -> std::fmt::Result {
    let mut lines = content.lines();
    writeln!(text, "    {name:<7} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(text, "    {:<7} {line}", ""))
}

fn range(lengths: impl Iterator<Item = usize> + Clone) -> String {
    let (least, most) = (lengths.clone().min().unwrap_or(0), lengths.max().unwrap_or(0));
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

fn held_out(text: &mut String, run: &Run, rows: &Dataset) -> anyhow::Result<()> {
    let mut tasks = Vec::new();
    for name in &run.eval.tasks {
        let count = rows.rows(run.tasks.by_name(name)?, Split::Test, run.eval.limit)?.len();
        tasks.push(format!("{name} ({count} rows)"));
    }
    if !tasks.is_empty() {
        let shots: Vec<String> = run.eval.shots.iter().map(usize::to_string).collect();
        writeln!(text, "\nheld out, {}-shot: {}", shots.join("- and "), tasks.join(", "))?;
    }
    Ok(())
}

fn stages(text: &mut String, run: &Run, place: &Place, planner: Option<&Planner<'_>>) -> anyhow::Result<()> {
    let folder = experiment::folder(run, place);
    run_folder::check(&folder, run, place.resume)?;
    let mut plan = Plan { place, folder: &folder, planner, seen: BTreeSet::new(), stages: 0, updates: 0 };
    for seed in &run.seeds {
        writeln!(text, "\nseed {seed}")?;
        for recipe in &run.recipes {
            let done = finished(run, recipe, *seed, place, &folder)?;
            let points = if done.is_some() { &[] } else { recipe.trained() };
            let what = match (done, &recipe.merge) {
                (Some(done), _) => done,
                (None, Some(plan)) => format!(": made of {}", plan.of.join(", ")),
                _ if recipe.stages.is_empty() => ": nothing is trained".to_owned(),
                _ if points.len() > 1 => format!(": validation chooses among {}", points.len()),
                _ => String::new(),
            };
            writeln!(text, "  {}{what}", recipe.name)?;
            for point in points {
                for stage in planned(run, point, *seed)? {
                    writeln!(text, "    {}", plan.line(&stage)?)?;
                }
            }
        }
    }
    let Plan { stages, updates, .. } = plan;
    writeln!(
        text,
        "\n{stages} stages to run, {updates} updates in all; the report goes to {}",
        folder.display()
    )?;
    Ok(())
}

/// Where a method stands finished and scored, if it does.
fn finished(
    run: &Run,
    recipe: &Recipe,
    seed: u64,
    place: &Place,
    folder: &Path,
) -> anyhow::Result<Option<String>> {
    if place.resume && run_folder::read_finished(folder, &recipe.name, seed)?.is_some() {
        return Ok(Some(": finished and scored".to_owned()));
    }
    let settings = run_settings(run, recipe, seed)?;
    let found = run_folder::finished_among(&place.reuse, &recipe.name, seed, &settings)?;
    Ok(found.map(|(other, _)| format!(": finished and scored in {}", other.display())))
}

/// What has been listed.
struct Plan<'a> {
    place: &'a Place,
    folder: &'a Path,
    /// `None` where there is no config.json to plan with.
    planner: Option<&'a Planner<'a>>,
    /// Stages by name: methods that begin alike share them.
    seen: BTreeSet<String>,
    /// Stages that have to run, and their updates.
    stages: usize,
    updates: usize,
}

impl Plan<'_> {
    fn line(&mut self, stage: &PlannedStage) -> anyhow::Result<String> {
        let training = &stage.stage.training;
        let status = match self.seen.insert(stage.name.clone()) {
            false => "the same as above".to_owned(),
            true => {
                let (left, status) = self.status(stage)?;
                self.stages += usize::from(left > 0);
                self.updates += left;
                match self.planner.filter(|_| left > 0) {
                    Some(planner) => format!("{status}, about {} on the CPU", gib(planner.peak(stage)?)),
                    None => status,
                }
            }
        };
        let StageSpec { steps, batch, learning_rate, .. } = training;
        let (id, name) = (&stage.id, &stage.stage.name);
        Ok(format!("{id}, {name}: {steps} updates of {batch} rows, learning rate {learning_rate}: {status}"))
    }

    /// The updates that are left of a stage.
    fn status(&self, stage: &PlannedStage) -> anyhow::Result<(usize, String)> {
        let done = |(step, steps): (usize, usize)| step == steps;
        let own = if self.place.resume { run_folder::progress(self.folder, &stage.name)? } else { None };
        if own.is_some_and(done) {
            return Ok((0, "finished".to_owned()));
        }
        for other in &self.place.reuse {
            if run_folder::progress(other, &stage.name)?.is_some_and(done) {
                return Ok((0, format!("taken over from {}", other.display())));
            }
        }
        Ok(match own {
            Some((step, steps)) => (steps.saturating_sub(step), format!("goes on after {step}")),
            None => (stage.stage.training.steps, "to run".to_owned()),
        })
    }
}
