//! The whole experiment of a spec: every method with every seed, scored on the target and on the held-out tasks.

use std::collections::BTreeMap;

use super::context::{StageContext, Validation};
use super::frontier::frontier;
use super::identity::{self, Inputs, RunIdentity};
use super::plan::{PlannedStage, planned};
use super::replay::replayed;
use super::restore::{Setup, restore, validation};
use super::rows::{Data, Target};
use super::scoring::{Scores, Scoring};
use super::stage::{StageResult, run_stage};
use super::tuned::{Attached, TunedModel, bare};
use super::watch::{Question, Watch};
use super::{Event, FinishedRun, Mixture, Observer, Replayed, Source, TrainingSet, tell};
use crate::error::{Error, Result};
use crate::eval::{Evaluator, TaskRows};
use crate::model::{Model, parameters};
use crate::render::Renderer;
use crate::report::{ExampleAnswers, FrontierPoint, MethodRun, Report, StepRecord, SweepPoint, norm_avg};
use crate::rng::Streams;
use crate::signs::judge;
use crate::spec::{MergePlan, Recipe, Run};

/// What an experiment gives.
pub struct Outcome {
    pub report: Report,
    /// The trained models of the first seed, in the spec's order; one whose checkpoints are gone is absent.
    pub models: Vec<TrainedModel>,
}

pub struct TrainedModel {
    pub method: String,
    pub seed: u64,
    pub tuned: TunedModel,
}

/// The version that reports are written in. Version 1 had a spec of version 1.
const REPORT_VERSION: u32 = 2;

/// Runs all methods with all seeds. What was finished before (as the observer knows) is not done again.
pub async fn experiment(setup: Setup<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let run = setup.run;
    // What cannot run is refused before anything does.
    for recipe in run.recipes.iter().flat_map(Recipe::trained) {
        planned(run, recipe, 0)?;
    }
    let data = Data::read(run, setup.rows)?;
    let inputs = Inputs::new(run, &setup.loaded.info.sha256, &data)?;
    let mut runs: Vec<FinishedRun> = Vec::new();
    let mut models = Vec::new();
    for (seed_index, seed) in run.seeds.iter().copied().enumerate() {
        let mut seed_run = SeedRun::new(setup, &data, seed);
        for (index, recipe) in run.recipes.iter().enumerate() {
            let (index, count) =
                (seed_index * run.recipes.len() + index, run.seeds.len() * run.recipes.len());
            let method = recipe.name.clone();
            tell(observer, Event::RunStarted { method: method.clone(), seed, index, count })?;
            let trained = !recipe.stages.is_empty() || recipe.merge.is_some();
            let kept = trained && (seed_index == 0 || merged_later(run, recipe));
            let identity = inputs.identity(recipe, seed)?;
            let known = observer.load_run(&recipe.name, seed, &identity.settings)?;
            known.iter().try_for_each(|known| same_inputs(known, &identity))?;
            let (finished, tuned) = match known {
                Some(finished) if kept => {
                    let tuned = match &recipe.merge {
                        Some(plan) => Some(seed_run.merged(plan)?),
                        None => {
                            let chosen = |point: &&Recipe| point.swept == finished.run.chosen;
                            let point = recipe.points.iter().find(chosen).unwrap_or(recipe);
                            restore(setup, point, seed, &mut |name| observer.load(name)).await?
                        }
                    };
                    (finished, tuned)
                }
                Some(finished) => (finished, None),
                None => {
                    let untouched = |finished: &&FinishedRun| is_untouched(run, &finished.run.method);
                    seed_run.scoring.pretrained = runs.iter().find(untouched).cloned();
                    let (finished, tuned) = seed_run.run(recipe, identity, observer).await?;
                    observer.save_run(&finished)?;
                    (finished, Some(tuned).filter(|_| kept))
                }
            };
            if let Some(tuned) = &tuned {
                seed_run.finished.insert(recipe.name.clone(), tuned.clone());
            }
            let tuned = tuned.filter(|_| seed_index == 0);
            models.extend(tuned.map(|tuned| TrainedModel { method, seed, tuned }));
            observer.event(&Event::RunDone { run: Box::new(finished.run.clone()) });
            runs.push(finished);
        }
    }
    Ok(Outcome { report: assemble(setup, runs), models })
}

/// # Errors
/// Scores of another model or of other rows.
fn same_inputs(known: &FinishedRun, here: &RunIdentity) -> Result<()> {
    match &known.identity {
        Some(there) if there.inputs != here.inputs => Err(Error::mismatch(
            format!("{} with seed {}, which is finished", known.run.method, known.run.seed),
            "the model and the rows of this run",
            "others",
        )),
        _ => Ok(()),
    }
}

/// Whether a recipe leaves the model as it came.
fn is_untouched(run: &Run, recipe: &str) -> bool {
    let nothing = |recipe: &Recipe| recipe.stages.is_empty() && recipe.merge.is_none();
    run.recipes.iter().any(|known| known.name == recipe && nothing(known))
}

/// Whether a merge of this run needs the recipe's model.
fn merged_later(run: &Run, recipe: &Recipe) -> bool {
    run.recipes.iter().filter_map(|other| other.merge.as_ref()).any(|plan| plan.of.contains(&recipe.name))
}

/// The report of the methods that are finished; the examples are those of the first seed.
pub fn assemble(setup: Setup<'_>, finished: Vec<FinishedRun>) -> Report {
    let first = setup.run.seeds.first().copied();
    let mut runs = Vec::new();
    let (mut examples, mut frontier) = (Vec::new(), Vec::new());
    for finished in finished {
        frontier.extend(finished.frontier);
        if Some(finished.run.seed) == first {
            merge(&mut examples, finished.examples);
        }
        runs.push(finished.run);
    }
    let (device, model) = (setup.device.info.clone(), setup.loaded.info.clone());
    let (spec, signs) = (setup.run.asked.clone(), judge(&runs, (&setup.loaded.config).into()));
    Report { version: REPORT_VERSION, spec, device, model, runs, examples, frontier, signs }
}

/// All methods with one seed. Stages that two recipes share (ProMoT's first and prompt tuning) run once.
struct SeedRun<'a> {
    setup: Setup<'a>,
    data: &'a Data,
    seed: u64,
    /// Along training.
    evaluator: Evaluator<'a>,
    /// Of finished models.
    scoring: Scoring<'a>,
    stages: BTreeMap<String, Done>,
    /// Models that are kept, by recipe.
    finished: BTreeMap<String, TunedModel>,
}

#[derive(Clone)]
struct Done {
    tuned: TunedModel,
    records: Vec<StepRecord>,
    validation: Option<f64>,
    seconds: f64,
}

/// A recipe's stages, run.
struct Trained {
    tuned: TunedModel,
    steps: Vec<StepRecord>,
    /// The best validation score of its last stage.
    validation: Option<f64>,
}

/// The point that becomes a recipe's row.
struct Chosen<'r> {
    point: &'r Recipe,
    trained: Trained,
    /// All points that there were to choose among.
    points: Vec<SweepPoint>,
    frontier: Vec<FrontierPoint>,
}

impl<'a> SeedRun<'a> {
    fn new(setup: Setup<'a>, data: &'a Data, seed: u64) -> Self {
        let Setup { run, loaded, device, .. } = setup;
        let evaluator = Evaluator {
            tokenizer: &loaded.tokenizer,
            layout: device.layout_for(loaded),
            spec: &run.eval,
            max_input: run.target.max_input,
            // The same questions for every seed: seeds vary the training, not the test.
            shot_seed: 0,
            targets: data.targets.iter().map(|target| &target.task).collect(),
        };
        let longest = run.eval.max_input;
        let max_input = if longest == 0 { evaluator.max_input } else { longest };
        let last = Evaluator { max_input, targets: evaluator.targets.clone(), ..evaluator };
        let (stages, finished) = (BTreeMap::new(), BTreeMap::new());
        let scoring = Scoring { setup, data, evaluator: last, pretrained: None };
        Self { setup, data, seed, evaluator, scoring, stages, finished }
    }

    async fn run(
        &mut self,
        recipe: &Recipe,
        identity: RunIdentity,
        observer: &mut dyn Observer,
    ) -> Result<(FinishedRun, TunedModel)> {
        let run = self.setup.run;
        let mut seconds = BTreeMap::new();
        let Chosen { point, trained, points, frontier } = self.choose(recipe, &mut seconds, observer).await?;
        let Trained { mut tuned, steps, .. } = trained;
        if let Some(plan) = &recipe.merge {
            tuned = self.merged(plan)?;
        }
        let began = observer.now();
        let Scores { mut targets, unseen, text, examples } =
            self.scoring.score(&recipe.name, &tuned, point.shots(), observer).await?;
        seconds.insert("evaluation".to_owned(), observer.now() - began);
        let average = |shots: &usize| {
            let average = norm_avg(unseen.iter().filter(|score| score.shots == *shots && !score.prompt))?;
            Some((shots.to_string(), average))
        };
        let norm_avg = run.eval.shots.iter().filter_map(average).collect();
        let run = MethodRun {
            method: recipe.name.clone(),
            seed: self.seed,
            target: targets.remove(0),
            also: targets,
            unseen,
            text,
            norm_avg,
            swept: recipe.swept.clone(),
            chosen: if points.is_empty() { BTreeMap::new() } else { point.swept.clone() },
            points,
            steps,
            seconds,
        };
        Ok((FinishedRun { run, examples, frontier, identity: Some(identity) }, tuned))
    }

    /// Trains all points of a recipe and gives the one with the best validation score, of equal ones the earlier.
    ///
    /// # Errors
    /// A diverged training is one where no point is left.
    async fn choose<'r>(
        &mut self,
        recipe: &'r Recipe,
        seconds: &mut BTreeMap<String, f64>,
        observer: &mut dyn Observer,
    ) -> Result<Chosen<'r>> {
        let all = recipe.trained();
        let several = all.len() > 1;
        let (mut points, mut best, mut diverged) = (Vec::new(), None, None);
        let mut courses = Vec::new();
        for (index, point) in all.iter().enumerate() {
            if several {
                let event = Event::PointStarted { name: point.name.clone(), index, count: all.len() };
                tell(observer, event)?;
            }
            let trained = match self.train(point, seconds, observer).await {
                Ok(trained) => Some(trained),
                Err(error @ Error::Diverged { .. }) => {
                    diverged = Some(error);
                    None
                }
                Err(error) => return Err(error),
            };
            let validation = trained.as_ref().and_then(|trained| trained.validation);
            courses.push(trained.as_ref().map(|trained| trained.steps.clone()).unwrap_or_default());
            if several {
                points.push(SweepPoint { swept: point.swept.clone(), validation });
            }
            if let Some(trained) = trained
                && best.as_ref().is_none_or(|(_, known): &(_, Trained)| validation > known.validation)
            {
                best = Some((point, trained));
            }
        }
        match (best, diverged) {
            (Some((point, trained)), _) => {
                let of = |(other, steps): (&Recipe, &Vec<StepRecord>)| {
                    let whose = (recipe.name.as_str(), self.seed);
                    frontier(self.setup.run, whose, other, steps, other.swept == point.swept)
                };
                let frontier = all.iter().zip(&courses).flat_map(of).collect();
                Ok(Chosen { point, trained, points, frontier })
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::mismatch("points of the sweep", "at least one", 0)),
        }
    }

    /// Runs a recipe's stages; adds their times to those of the stages with the same name, each stage's once.
    async fn train(
        &mut self,
        recipe: &Recipe,
        seconds: &mut BTreeMap<String, f64>,
        observer: &mut dyn Observer,
    ) -> Result<Trained> {
        let Setup { run, loaded, .. } = self.setup;
        let mut tuned = TunedModel::new(loaded.model.clone(), self.data.targets.len());
        let (mut steps, mut scores) = (Vec::new(), Vec::new());
        for planned in planned(run, recipe, self.seed)? {
            let known = self.stages.get(&planned.name).cloned();
            let shared = known.is_some();
            let done = match known {
                Some(done) => done,
                None => {
                    let done = self.stage(&planned, tuned, observer).await?;
                    self.stages.insert(planned.name.clone(), done.clone());
                    done
                }
            };
            tuned = done.tuned;
            steps.extend(done.records);
            let time = seconds.entry(planned.id.to_string()).or_insert(0.0);
            // A stage that another recipe has run took its time all the same, but no point is counted twice.
            if !shared || *time == 0.0 {
                *time += done.seconds;
            }
            scores.push((planned.id, done.validation));
        }
        Ok(Trained { tuned, steps, validation: validation(&scores) })
    }

    /// One model of several finished ones, with what the merge says is attached for single tasks.
    fn merged(&self, plan: &MergePlan) -> Result<TunedModel> {
        let of = |name: &String| {
            let missing = || Error::mismatch(format!("merge of {name}"), "its checkpoints", "none");
            self.finished.get(name).ok_or_else(missing)
        };
        let finished = plan.of.iter().map(of).collect::<Result<Vec<_>>>()?;
        let read = |model: &Model| parameters::read(model, &|path| path.is_weight());
        let pretrained = bare(self.setup.loaded.model.clone());
        let all: Vec<_> = finished.iter().map(|tuned| read(&tuned.model)).collect();
        let merged = (plan.info.build)(&plan.settings).merge(&read(&pretrained), &all);
        let attached = finished
            .iter()
            .map(|tuned| &tuned.attached)
            .filter(|_| !plan.info.of_first)
            .find(|attached| attached.iter().any(|one| !one.is_empty()));
        let attached = attached.unwrap_or(&finished[0].attached).clone();
        Ok(TunedModel { model: parameters::replace(pretrained, merged), attached })
    }

    async fn stage(
        &self,
        planned: &PlannedStage,
        before: TunedModel,
        observer: &mut dyn Observer,
    ) -> Result<Done> {
        let Setup { run, loaded, device, .. } = self.setup;
        let before = self.setup.with_new_prompts(before, planned, self.seed).await?;
        let targets = &self.data.targets[planned.tasks.clone()];
        let shots = planned.stage.training.shots;
        let rate = planned.stage.training.one_shot_rate;
        let set = |index| self.training_set(index, shots).with_one_shot_rate(rate);
        let mixture = Mixture(planned.tasks.clone().map(set).collect());
        let mut attached = match planned.attached_to_rows() {
            true => before.attached[planned.tasks.clone()].to_vec(),
            // One task's attachments are the model's own, and may move.
            false => Vec::new(),
        };
        let share = planned.stage.training.replay;
        let mut rows: Vec<String> = targets.iter().map(Target::hash).collect::<Result<_>>()?;
        let source: Box<dyn Source> = match &self.data.replay {
            Some(replay) if share > 0.0 => {
                attached.push(Attached::default());
                rows.push(replay.hash()?);
                let (answers, index) = (planned.stage.training.replay_answers, self.data.targets.len());
                let rows = replayed(self.setup, replay, answers, index, Streams::new(self.seed)).await?;
                Box::new(Replayed { tuned: mixture, rows, share })
            }
            _ => Box::new(mixture),
        };
        let fingerprint = identity::of_stage(planned, &loaded.info.sha256, &rows)?;
        let held_out = self.data.held_out();
        let rows: Vec<TaskRows<'_>> = targets.iter().map(Target::validation).collect();
        let watch = Watch::new(&run.eval, questions(&run.eval.watch, &rows, &held_out));
        let validation = Validation {
            evaluator: &self.evaluator,
            rows,
            limit: run.target.validation_limit,
            shots,
            held_out: &held_out,
            watch: Some(&watch),
        };
        let context = StageContext {
            name: planned.name.clone(),
            id: planned.id.clone(),
            method: &*planned.method,
            spec: &planned.stage.training,
            source: &*source,
            attached: &attached,
            validation: Some(validation),
            streams: Streams::new(self.seed),
            layout: device.layout_for(loaded),
            threads: device.threads,
            fingerprint,
        };
        let StageResult { model, records, validation, seconds, .. } =
            run_stage(&context, before.start_of(planned), observer).await?;
        Ok(Done { tuned: before.after(planned, model), records, validation, seconds })
    }

    fn training_set(&self, index: usize, shots: usize) -> TrainingSet<'a> {
        let Target { task, train, .. } = &self.data.targets[index];
        let (tokenizer, max_input) = (&self.setup.loaded.tokenizer, self.setup.run.target.max_input);
        let renderer = Renderer { task, tokenizer, shots, max_input };
        TrainingSet::new(renderer, index, train, Streams::new(self.seed))
    }
}

/// The first row of each of these tasks, where the stage trains on it or it is held out.
fn questions<'a>(
    watched: &[String],
    targets: &[TaskRows<'a>],
    held_out: &[TaskRows<'a>],
) -> Vec<Question<'a>> {
    let question = |name: &String| {
        let place = |rows: &[TaskRows<'a>]| rows.iter().position(|rows| rows.task.name == *name);
        match place(targets) {
            Some(index) => Some(Question::new(&targets[index], Some(index))),
            None => Some(Question::new(&held_out[place(held_out)?], None)),
        }
    };
    watched.iter().filter_map(question).collect()
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
