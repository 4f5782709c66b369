//! The whole experiment of a spec: every method with every seed, scored on the target and on the unseen tasks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{PlannedStage, planned, recipes};
use super::recipe::{Recipe, settings};
use super::restored::{Tuned, restored};
use super::rows::{Data, Rows, Target};
use super::stage::{Judge, StageContext, StageResult, run_stage};
use super::start::new_prompt;
use super::{Event, FinishedRun, Mixture, Observer, TrainingSet, tell};
use crate::checkpoint::fingerprint;
use crate::device::OpenDevice;
use crate::error::Result;
use crate::eval::{Evaluation, Evaluator, TaskRows};
use crate::method::PromptUse;
use crate::model::Model;
use crate::model::folder::LoadedModel;
use crate::report::{ExampleAnswers, MethodRun, Report, StepRecord, TaskScore, norm_avg};
use crate::rng::Streams;
use crate::spec::{PromptInit, RunSpec};
use crate::task::Task;

/// What an experiment gives.
pub struct Outcome {
    pub report: Report,
    /// The trained models of the first seed, in the spec's order; one whose checkpoints are gone is absent.
    pub models: Vec<TrainedModel>,
}

pub struct TrainedModel {
    pub method: String,
    pub seed: u64,
    pub tuned: Tuned,
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
    let recipes = recipes(&spec)?;
    let data = Data::read(&spec, rows)?;
    let mut runs = Vec::new();
    let mut models = Vec::new();
    for (seed_index, seed) in spec.seeds.iter().copied().enumerate() {
        let mut seed_run = SeedRun::new(&spec, loaded, device, rows, &data, seed);
        for (index, recipe) in recipes.iter().copied().enumerate() {
            let (index, count) = (seed_index * recipes.len() + index, spec.seeds.len() * recipes.len());
            let method = recipe.name.to_owned();
            tell(observer, Event::RunStarted { method: method.clone(), seed, index, count })?;
            let kept = seed_index == 0 && !recipe.stages.is_empty();
            let (finished, tuned) = match observer.load_run(recipe.name, seed)? {
                Some(finished) if kept => (finished, seed_run.restore(recipe, observer).await?),
                Some(finished) => (finished, None),
                None => {
                    let (finished, tuned) = seed_run.run(recipe, observer).await?;
                    observer.save_run(&finished)?;
                    (finished, Some(tuned).filter(|_| kept))
                }
            };
            models.extend(tuned.map(|tuned| TrainedModel { method, seed, tuned }));
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
    tuned: Tuned,
    records: Vec<StepRecord>,
    seconds: f64,
}

#[derive(Default)]
struct Scores {
    targets: Vec<TaskScore>,
    unseen: Vec<TaskScore>,
    examples: Vec<ExampleAnswers>,
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
            targets: data.targets.iter().map(|target| target.task).collect(),
            length_multiple: device.length_multiple,
            at_once: device.at_once(loaded.info.parameters),
        };
        Self { spec, loaded, device, rows, data, seed, evaluator, stages: BTreeMap::new() }
    }

    async fn run(
        &mut self,
        recipe: &'static Recipe,
        observer: &mut dyn Observer,
    ) -> Result<(FinishedRun, Tuned)> {
        let mut tuned = Tuned::new(self.loaded.model.clone(), self.data.targets.len());
        let mut steps = Vec::new();
        let mut seconds = BTreeMap::new();
        let mut target_shots = recipe.shots;
        for planned in planned(self.spec, recipe, self.seed) {
            let done = match self.stages.get(&planned.name) {
                Some(done) => done.clone(),
                None => {
                    let done = self.stage(&planned, tuned, observer).await?;
                    self.stages.insert(planned.name, done.clone());
                    done
                }
            };
            tuned = done.tuned;
            steps.extend(done.records);
            seconds.insert(planned.label, done.seconds);
            target_shots = planned.shots;
        }
        let began = observer.now();
        let Scores { mut targets, unseen, examples } =
            self.score(recipe.name, &tuned, target_shots, observer).await?;
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
            target: targets.remove(0),
            also: targets,
            unseen,
            norm_avg,
            steps,
            seconds,
        };
        Ok((FinishedRun { run, examples }, tuned))
    }

    /// The model of a recipe that was finished before, from its checkpoints.
    async fn restore(&self, recipe: &'static Recipe, observer: &mut dyn Observer) -> Result<Option<Tuned>> {
        let mut tuned = Tuned::new(self.loaded.model.clone(), self.data.targets.len());
        for planned in planned(self.spec, recipe, self.seed) {
            let Some(checkpoint) = observer.load(&planned.name)? else { return Ok(None) };
            // A prompt that the stage does not train is not in its checkpoint.
            if !planned.stage.method.trains_prompt() {
                tuned = self.with_new_prompts(tuned, &planned).await?;
            }
            tuned = restored(tuned, &planned, &checkpoint)?;
        }
        Ok(Some(tuned))
    }

    /// Several tasks at once stand behind frozen prompts; one alone behind the model's own, which may move.
    async fn stage(
        &self,
        planned: &PlannedStage,
        before: Tuned,
        observer: &mut dyn Observer,
    ) -> Result<Done> {
        let streams = Streams::new(self.seed);
        let stage = planned.stage;
        let Tuned { model, mut prompts } = self.with_new_prompts(before, planned).await?;
        let targets = &self.data.targets[planned.tasks.clone()];
        let mixture =
            Mixture(targets.iter().map(|target| self.training_set(target, planned.shots)).collect());
        let watched = self.data.watched();
        let judge = Judge {
            evaluator: &self.evaluator,
            validation: targets.iter().map(Target::validation).collect(),
            limit: self.spec.target.validation_limit,
            shots: planned.shots,
            watched: &watched,
        };
        let identity = Identity {
            name: &planned.name,
            model: &self.loaded.info.sha256,
            seed: self.seed,
            spec: self.spec,
        };
        let (own, frozen) = match planned.tasks.len() {
            1 => (prompts[planned.tasks.start].take(), &[][..]),
            _ => (None, &prompts[planned.tasks.clone()]),
        };
        let context = StageContext {
            name: planned.name.clone(),
            label: planned.label.clone(),
            method: stage.method,
            spec: settings(self.spec, stage.settings),
            source: &mixture,
            prompts: frozen,
            judge: Some(judge),
            streams,
            start: self.loaded.config.start(),
            pad: self.loaded.tokenizer.pad,
            length_multiple: self.device.length_multiple,
            at_once: self.device.at_once(self.loaded.info.parameters),
            threads: self.device.threads,
            fingerprint: fingerprint(&identity)?,
        };
        let StageResult { mut model, records, seconds, .. } =
            run_stage(&context, model.with_prompt(own), observer).await?;
        if let Some(prompt) = model.prompt.take() {
            prompts[planned.tasks.start] = Some(prompt);
        }
        Ok(Done { tuned: Tuned { model, prompts }, records, seconds })
    }

    fn training_set(&self, target: &'a Target, shots: usize) -> TrainingSet<'a> {
        TrainingSet {
            task: target.task,
            rows: &target.train,
            tokenizer: &self.loaded.tokenizer,
            shots,
            max_input: self.spec.target.max_input,
            streams: Streams::new(self.seed),
        }
    }

    /// With new prompts for the stage's tasks, where its method begins with such.
    async fn with_new_prompts(&self, mut tuned: Tuned, planned: &PlannedStage) -> Result<Tuned> {
        let (spec, how) = (&self.spec.prompt, planned.stage.method.prompt());
        if how == PromptUse::Keep {
            return Ok(tuned);
        }
        let file = match (how, spec.init) {
            (PromptUse::New, PromptInit::File) => Some(self.rows.prompt(&spec.text)?),
            _ => None,
        };
        for place in planned.tasks.clone() {
            let classes: Vec<&str> =
                self.data.targets[place].task.choices.iter().map(|(_, word)| *word).collect();
            let stream = if place == 0 { "prompt".to_owned() } else { format!("prompt/{place}") };
            let rng = Streams::new(self.seed).stream(&stream);
            let (tokenizer, device) = (&self.loaded.tokenizer, &self.device.device);
            let prompt =
                new_prompt(&tuned.model, tokenizer, spec, how, &classes, file.as_deref(), rng, device)
                    .await?;
            tuned.prompts[place] = Some(prompt);
        }
        Ok(tuned)
    }

    /// The tuned tasks each with its prompt, the others without any (paper, section 4: prompts go where their format
    /// is wanted).
    async fn score(
        &self,
        method: &str,
        tuned: &Tuned,
        target_shots: usize,
        observer: &mut dyn Observer,
    ) -> Result<Scores> {
        let mut scores = Scores::default();
        for (place, target) in self.data.targets.iter().enumerate() {
            let model = tuned.behind(place);
            let found = self.evaluate(&model, &target.test(), target_shots, observer).await?;
            scores.examples.extend(answers(method, target.task, &found));
            scores.targets.push(found.score);
        }
        for shots in &self.spec.eval.shots {
            for task in &self.data.unseen {
                let found = self.evaluate(&tuned.model, &task.rows(), *shots, observer).await?;
                if Some(shots) == self.spec.eval.shots.first() {
                    scores.examples.extend(answers(method, task.task, &found));
                }
                scores.unseen.push(found.score);
            }
        }
        Ok(scores)
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
