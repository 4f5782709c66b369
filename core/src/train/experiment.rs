//! The whole experiment of a spec: every method with every seed, scored on the target and on the unseen tasks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::recipe::{Recipe, Stage, settings};
use super::restored::{restored, stage_names};
use super::stage::{Judge, StageContext, StageResult, run_stage};
use super::start::new_prompt;
use super::{Event, FinishedRun, Observer, TrainingSet, tell};
use crate::checkpoint::fingerprint;
use crate::data::{Example, Split};
use crate::device::OpenDevice;
use crate::error::{Error, Result};
use crate::eval::{Evaluation, Evaluator, TaskRows};
use crate::method::PromptUse;
use crate::model::Model;
use crate::model::folder::LoadedModel;
use crate::report::{ExampleAnswers, MethodRun, Report, StepRecord, TaskScore, norm_avg};
use crate::rng::Streams;
use crate::spec::RunSpec;
use crate::task::Task;

/// Where rows and prompt files come from.
pub trait Rows {
    /// The rows of a split, at most `limit` (0 for all).
    fn rows(&self, task: &'static Task, split: Split, limit: usize) -> Result<Vec<Example>>;

    /// The numbers of the prompt file that a spec names.
    fn prompt(&self, file: &str) -> Result<Vec<f32>> {
        Err(Error::mismatch(format!("prompt {file}"), "a caller that reads files", "none"))
    }
}

/// The mini world's rows: no files are needed.
pub struct WorldRows;

impl Rows for WorldRows {
    fn rows(&self, task: &'static Task, split: Split, limit: usize) -> Result<Vec<Example>> {
        task.world_rows(split, limit)
    }
}

/// What an experiment gives.
pub struct Outcome {
    pub report: Report,
    /// The trained models of the first seed, in the spec's order; one whose checkpoints are gone is absent.
    pub models: Vec<TrainedModel>,
}

pub struct TrainedModel {
    pub method: String,
    pub seed: u64,
    pub model: Model,
}

/// How many questions of each task the report shows.
const EXAMPLES_PER_TASK: usize = 3;

/// Runs the spec. What was finished before (as the observer knows) is not done again.
pub async fn experiment(
    spec: &RunSpec,
    loaded: &LoadedModel,
    device: &OpenDevice,
    rows: &dyn Rows,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let spec = spec.clone().resolve()?;
    let data = Data::read(&spec, rows)?;
    let mut runs = Vec::new();
    let mut models = Vec::new();
    for (seed_index, seed) in spec.seeds.iter().copied().enumerate() {
        let mut seed_run = SeedRun::new(&spec, loaded, device, rows, &data, seed);
        for (index, method) in spec.methods.iter().enumerate() {
            let recipe = Recipe::by_name(method)?;
            let (index, count) =
                (seed_index * spec.methods.len() + index, spec.seeds.len() * spec.methods.len());
            tell(observer, Event::RunStarted { method: method.clone(), seed, index, count })?;
            let finished = match observer.load_run(method, seed)? {
                Some(finished) => {
                    if seed_index == 0 && !recipe.stages.is_empty() {
                        let model = seed_run.restore(recipe, observer)?;
                        models.extend(model.map(|model| TrainedModel {
                            method: method.clone(),
                            seed,
                            model,
                        }));
                    }
                    finished
                }
                None => {
                    let (finished, model) = seed_run.run(recipe, observer).await?;
                    observer.save_run(&finished)?;
                    if seed_index == 0 && !recipe.stages.is_empty() {
                        models.push(TrainedModel { method: method.clone(), seed, model });
                    }
                    finished
                }
            };
            observer.event(&Event::RunDone { run: Box::new(finished.run.clone()) });
            runs.push(finished);
        }
    }
    Ok(Outcome { report: assemble(spec, device, loaded, runs), models })
}

/// The report of the methods that are finished; the examples are those of the first seed.
pub fn assemble(
    spec: RunSpec,
    device: &OpenDevice,
    loaded: &LoadedModel,
    finished: Vec<FinishedRun>,
) -> Report {
    let first = spec.seeds.first().copied();
    let mut runs = Vec::new();
    let mut examples = Vec::new();
    for finished in finished {
        if Some(finished.run.seed) == first {
            merge(&mut examples, finished.examples);
        }
        runs.push(finished.run);
    }
    Report { version: 1, spec, device: device.info.clone(), model: loaded.info.clone(), runs, examples }
}

/// The rows of all tasks, read once.
struct Data {
    target: &'static Task,
    train: Vec<Example>,
    validation: Vec<Example>,
    test: Vec<Example>,
    unseen: Vec<Unseen>,
}

struct Unseen {
    task: &'static Task,
    rows: Vec<Example>,
    shot_rows: Vec<Example>,
}

/// Shots are drawn from this many training rows at most.
const SHOT_ROWS: usize = 1000;

impl Data {
    fn read(spec: &RunSpec, rows: &dyn Rows) -> Result<Self> {
        let target = Task::by_name(&spec.target.task)?;
        let unseen = spec
            .eval
            .tasks
            .iter()
            .map(|name| {
                let task = Task::by_name(name)?;
                Ok(Unseen {
                    task,
                    rows: rows.rows(task, Split::Test, spec.eval.limit)?,
                    shot_rows: rows.rows(task, Split::Train, SHOT_ROWS)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            target,
            train: rows.rows(target, Split::Train, spec.target.train_limit)?,
            validation: rows.rows(target, Split::Validation, spec.target.validation_limit)?,
            test: rows.rows(target, Split::Test, spec.target.test_limit)?,
            unseen,
        })
    }

    fn watched(&self) -> Vec<TaskRows<'_>> {
        self.unseen.iter().map(Unseen::as_rows).collect()
    }
}

impl Unseen {
    fn as_rows(&self) -> TaskRows<'_> {
        TaskRows { task: self.task, rows: &self.rows, shot_rows: &self.shot_rows }
    }
}

/// All methods with one seed. Stages that two recipes share (ProMoT's first and prompt tuning) run once.
struct SeedRun<'a> {
    spec: &'a RunSpec,
    loaded: &'a LoadedModel,
    device: &'a OpenDevice,
    rows: &'a dyn Rows,
    data: &'a Data,
    seed: u64,
    evaluator: Evaluator<'a>,
    stages: BTreeMap<String, Done>,
}

#[derive(Clone)]
struct Done {
    model: Model,
    records: Vec<StepRecord>,
    seconds: f64,
}

/// What decides a stage's course, for the checkpoint's fingerprint.
#[derive(Serialize)]
struct Identity<'a> {
    name: &'a str,
    model: &'a str,
    seed: u64,
    spec: &'a RunSpec,
}

impl<'a> SeedRun<'a> {
    fn new(
        spec: &'a RunSpec,
        loaded: &'a LoadedModel,
        device: &'a OpenDevice,
        rows: &'a dyn Rows,
        data: &'a Data,
        seed: u64,
    ) -> Self {
        let evaluator = Evaluator {
            tokenizer: &loaded.tokenizer,
            start: loaded.config.start(),
            spec: &spec.eval,
            // The same questions for every seed: seeds vary the training, not the test.
            shot_seed: 0,
            target: data.target,
            length_multiple: device.length_multiple,
            at_once: device.at_once(loaded.info.parameters),
        };
        Self { spec, loaded, device, rows, data, seed, evaluator, stages: BTreeMap::new() }
    }

    async fn run(&mut self, recipe: &Recipe, observer: &mut dyn Observer) -> Result<(FinishedRun, Model)> {
        let mut model = self.loaded.model.clone();
        let names = stage_names(self.spec, recipe, self.seed);
        let mut steps = Vec::new();
        let mut seconds = BTreeMap::new();
        for (index, (stage, name)) in recipe.stages.iter().zip(names).enumerate() {
            let shots = settings(self.spec, stage.settings).shots + recipe.shots;
            let label = format!("stage {}", index + 1);
            let done = match self.stages.get(&name) {
                Some(done) => done.clone(),
                None => {
                    let done = self.stage(&name, &label, stage, shots, model, observer).await?;
                    self.stages.insert(name, done.clone());
                    done
                }
            };
            model = done.model;
            steps.extend(done.records);
            seconds.insert(label, done.seconds);
        }
        let target_shots = match recipe.stages.last() {
            Some(stage) => settings(self.spec, stage.settings).shots + recipe.shots,
            None => recipe.shots,
        };
        let began = observer.now();
        let (target, unseen, examples) = self.score(recipe.name, &model, target_shots, observer).await?;
        seconds.insert("evaluation".to_owned(), observer.now() - began);
        let norm_avg = self
            .spec
            .eval
            .shots
            .iter()
            .filter_map(|shots| {
                let average = norm_avg(unseen.iter().filter(|score| score.shots == *shots))?;
                Some((shots.to_string(), average))
            })
            .collect();
        let run = MethodRun {
            method: recipe.name.to_owned(),
            seed: self.seed,
            target,
            unseen,
            norm_avg,
            steps,
            seconds,
        };
        Ok((FinishedRun { run, examples }, model))
    }

    /// The model of a recipe that was finished before, from its checkpoints.
    fn restore(&self, recipe: &Recipe, observer: &mut dyn Observer) -> Result<Option<Model>> {
        let mut checkpoints = Vec::new();
        for name in stage_names(self.spec, recipe, self.seed) {
            let Some(checkpoint) = observer.load(&name)? else { return Ok(None) };
            checkpoints.push(checkpoint);
        }
        restored(self.loaded.model.clone(), recipe, &checkpoints).map(Some)
    }

    async fn stage(
        &self,
        name: &str,
        label: &str,
        stage: &Stage,
        shots: usize,
        model: Model,
        observer: &mut dyn Observer,
    ) -> Result<Done> {
        let streams = Streams::new(self.seed);
        let spec = settings(self.spec, stage.settings);
        let model = self.with_prompt(model, stage.method.prompt(), streams).await?;
        let watched = self.data.watched();
        let source = TrainingSet {
            task: self.data.target,
            rows: &self.data.train,
            tokenizer: &self.loaded.tokenizer,
            shots,
            max_input: self.spec.target.max_input,
            streams,
        };
        let validation =
            TaskRows { task: self.data.target, rows: &self.data.validation, shot_rows: &self.data.train };
        let judge = Judge {
            evaluator: &self.evaluator,
            validation,
            limit: self.spec.target.validation_limit,
            shots,
            watched: &watched,
        };
        let identity = Identity { name, model: &self.loaded.info.sha256, seed: self.seed, spec: self.spec };
        let context = StageContext {
            name: name.to_owned(),
            label: label.to_owned(),
            method: stage.method,
            spec,
            source: &source,
            judge: Some(judge),
            streams,
            start: self.loaded.config.start(),
            pad: self.loaded.tokenizer.pad,
            length_multiple: self.device.length_multiple,
            at_once: self.device.at_once(self.loaded.info.parameters),
            threads: self.device.threads,
            fingerprint: fingerprint(&identity)?,
        };
        let StageResult { model, records, seconds, .. } = run_stage(&context, model, observer).await?;
        Ok(Done { model, records, seconds })
    }

    async fn with_prompt(&self, model: Model, how: PromptUse, streams: Streams) -> Result<Model> {
        if how == PromptUse::Keep {
            return Ok(model);
        }
        let file = match self.spec.prompt.init {
            crate::spec::PromptInit::File => Some(self.rows.prompt(&self.spec.prompt.text)?),
            _ => None,
        };
        let classes: Vec<&str> = self.data.target.choices.iter().map(|(_, word)| *word).collect();
        let (tokenizer, spec) = (&self.loaded.tokenizer, &self.spec.prompt);
        let prompt =
            new_prompt(&model, tokenizer, spec, how, &classes, file.as_deref(), streams, &self.device.device)
                .await?;
        Ok(model.with_prompt(Some(prompt)))
    }

    /// The target with the prompt, the other tasks without it (paper, section 4: prompts go where their format
    /// is wanted).
    async fn score(
        &self,
        method: &str,
        model: &Model,
        target_shots: usize,
        observer: &mut dyn Observer,
    ) -> Result<(TaskScore, Vec<TaskScore>, Vec<ExampleAnswers>)> {
        let target_rows =
            TaskRows { task: self.data.target, rows: &self.data.test, shot_rows: &self.data.train };
        let found = self.evaluate(model, &target_rows, target_shots, observer).await?;
        let mut examples = answers(method, self.data.target, &found);
        let target = found.score;
        let bare = model.clone().with_prompt(None);
        let mut unseen = Vec::new();
        for shots in &self.spec.eval.shots {
            for task in &self.data.unseen {
                let found = self.evaluate(&bare, &task.as_rows(), *shots, observer).await?;
                if Some(shots) == self.spec.eval.shots.first() {
                    examples.extend(answers(method, task.task, &found));
                }
                unseen.push(found.score);
            }
        }
        Ok((target, unseen, examples))
    }

    async fn evaluate(
        &self,
        model: &Model,
        rows: &TaskRows<'_>,
        shots: usize,
        observer: &mut dyn Observer,
    ) -> Result<Evaluation> {
        let name = rows.task.name;
        observer.breathe().await;
        let mut progress =
            |done, rows| tell(observer, Event::Evaluating { task: name.to_owned(), done, rows });
        self.evaluator.evaluate(model, rows, shots, 0, &mut progress).await
    }
}

fn answers(method: &str, task: &Task, evaluation: &Evaluation) -> Vec<ExampleAnswers> {
    evaluation
        .predictions
        .iter()
        .take(EXAMPLES_PER_TASK)
        .map(|prediction| ExampleAnswers {
            task: task.name.to_owned(),
            input: prediction.input.clone(),
            reference: prediction.reference.clone(),
            outputs: BTreeMap::from([(method.to_owned(), prediction.output.clone())]),
        })
        .collect()
}

/// Answers of several methods to the same question become one row.
fn merge(all: &mut Vec<ExampleAnswers>, new: Vec<ExampleAnswers>) {
    for answer in new {
        match all.iter_mut().find(|known| known.task == answer.task && known.input == answer.input) {
            Some(known) => known.outputs.extend(answer.outputs),
            None => all.push(answer),
        }
    }
}
