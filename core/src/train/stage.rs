//! One stage: steps, checkpoints scored on the target's validation rows, the best one kept.

use burn::module::Module;

use super::alignment::alignment;
use super::step::{Accumulated, Part, accumulate, set_trainable};
use super::{Control, Event, Observer, Source};
use crate::batch::{Batch, Layout, Pair};
use crate::checkpoint::{Manifest, State};
use crate::error::{Error, Result};
use crate::eval::{Evaluator, TaskRows};
use crate::loss::LossSettings;
use crate::method::Method;
use crate::model::{Dropout, Model, SoftPrompt, tensors};
use crate::optim::{Optimizer, schedule};
use crate::report::StepRecord;
use crate::rng::Streams;
use crate::spec::StageSpec;

/// Everything a stage works with, its model excepted.
pub struct StageContext<'a> {
    /// The checkpoint's name, such as `seed-0.prompt-tuning`.
    pub name: String,
    /// What the curves call it: "stage 1".
    pub label: String,
    pub method: &'a dyn Method,
    pub spec: &'a StageSpec,
    pub source: &'a dyn Source,
    /// The frozen prompt before the rows of each of the source's tasks; empty where the model's own, if it has one, stands
    /// before all.
    pub prompts: &'a [Option<SoftPrompt>],
    /// What chooses the best checkpoint; without it that is the last one.
    pub judge: Option<Judge<'a>>,
    pub streams: Streams,
    pub start: u32,
    pub pad: u32,
    pub length_multiple: usize,
    /// Parts of a batch computed side by side.
    pub at_once: usize,
    /// Whether parameters are updated side by side.
    pub threads: bool,
    pub fingerprint: String,
}

/// What is scored along the way.
pub struct Judge<'a> {
    pub evaluator: &'a Evaluator<'a>,
    /// The targets' rows that choose the checkpoint by the mean of the scores, in the order of the source's tasks, how
    /// many of each (0 for all), and answered examples before each.
    pub validation: Vec<TaskRows<'a>>,
    pub limit: usize,
    pub shots: usize,
    /// Tasks scored for the curves, with the prompt taken off; they choose nothing.
    pub watched: &'a [TaskRows<'a>],
}

impl StageContext<'_> {
    /// Rows, a list for each task, as parts of one batch.
    pub(super) fn parts(&self, rows: Vec<Vec<Pair>>) -> Vec<Part> {
        let layout = Layout {
            pad: self.pad,
            start: self.start,
            multiple: self.length_multiple,
            parts: (self.spec.accumulate * self.at_once).div_ceil(rows.len().max(1)),
        };
        let tasks = rows.into_iter().enumerate();
        tasks
            .flat_map(|(place, rows)| {
                let parts = Batch::parts(rows, layout).into_iter();
                parts.map(move |batch| Part { batch, prompt: self.prompt(place).cloned() })
            })
            .collect()
    }

    /// The frozen prompt of the task at this place of the source.
    fn prompt(&self, place: usize) -> Option<&SoftPrompt> {
        self.prompts.get(place)?.as_ref()
    }
}

/// A stage's end.
pub struct StageResult {
    /// The best checkpoint's model, without autodiff.
    pub model: Model,
    pub records: Vec<StepRecord>,
    pub best_step: usize,
    pub seconds: f64,
}

/// Runs the stage from its start, or from the checkpoint that the observer has.
///
/// # Errors
/// `Error::Stopped` after a stop was asked for; the checkpoint is saved by then.
pub async fn run_stage(
    context: &StageContext<'_>,
    start: Model,
    observer: &mut dyn Observer,
) -> Result<StageResult> {
    let mut run = Running::begin(context, start, observer).await?;
    observer.event(&Event::StageStarted {
        stage: context.label.clone(),
        from: run.step,
        steps: context.spec.steps,
    });
    run.since = observer.now();
    if run.step == 0 {
        run.align(context).await?;
        if let Some(judge) = &context.judge {
            run.watch(context, judge, observer).await?;
        }
    }
    while run.step < context.spec.steps {
        run.one_step(context, observer).await?;
    }
    let seconds = run.seconds(observer);
    let best_step = run.best_step();
    observer.event(&Event::StageDone { stage: context.label.clone(), steps: run.step, best_step });
    let model = context.method.finish(&run.before, run.best_model().valid());
    Ok(StageResult { model, records: run.records, best_step, seconds })
}

/// The state between two steps.
struct Running {
    before: Model,
    model: Model,
    optimizer: Optimizer,
    /// Steps done.
    step: usize,
    best: Option<Best>,
    records: Vec<StepRecord>,
    seconds_before: f64,
    since: f64,
    /// A stop was asked for; an evaluation under way is finished first, so that a resumed run is the same run.
    stop: bool,
}

struct Best {
    step: usize,
    score: f64,
    model: Model,
}

impl Running {
    async fn begin(context: &StageContext<'_>, start: Model, observer: &mut dyn Observer) -> Result<Self> {
        let before = start.valid();
        let model = set_trainable(before.clone(), &|path| context.method.trainable(path));
        let fresh = Self {
            before,
            model,
            optimizer: Optimizer::new(context.spec.optimizer).side_by_side(context.threads),
            step: 0,
            best: None,
            records: Vec::new(),
            seconds_before: 0.0,
            since: 0.0,
            stop: false,
        };
        match observer.load(&context.name)? {
            Some(checkpoint) => {
                fresh.restore(context, State::from_checkpoint(&checkpoint, &context.fingerprint)?)
            }
            None => Ok(fresh),
        }
    }

    fn restore(mut self, context: &StageContext<'_>, state: State) -> Result<Self> {
        let manifest = state.manifest;
        let naming = |path: &str| context.method.trainable(path).then(|| (path.to_owned(), false));
        let device = self.before.device();
        if let Some((step, score)) = manifest.best {
            let weights = state.best.as_ref().unwrap_or(&state.weights);
            let model =
                tensors::load(self.before.clone(), weights, &naming, &[], "the checkpoint's best weights")?;
            self.best = Some(Best { step, score, model });
        }
        let model = tensors::load(self.before.clone(), &state.weights, &naming, &[], "the checkpoint")?;
        self.model = set_trainable(model, &|path| context.method.trainable(path));
        self.optimizer = Optimizer::restore(context.spec.optimizer, manifest.step, state.optimizer, &device)?
            .side_by_side(context.threads);
        self.step = manifest.step;
        self.records = manifest.records;
        self.seconds_before = manifest.seconds;
        Ok(self)
    }

    async fn one_step(&mut self, context: &StageContext<'_>, observer: &mut dyn Observer) -> Result<()> {
        let spec = context.spec;
        let parts = context.parts(context.source.pairs(self.step, spec.batch)?);
        let mut dropout =
            Dropout::new(spec.dropout, context.streams.stream(&format!("dropout/{}", self.step)));
        let settings = LossSettings { label_smoothing: spec.label_smoothing, z_loss: spec.z_loss };
        let done = accumulate(&self.model, context.method, &parts, context.at_once, settings, &mut dropout);
        let (loss, tokens) = self.apply(context, done).await?;
        self.step += 1;
        self.records.push(StepRecord {
            stage: context.label.clone(),
            step: self.step,
            loss: Some(loss),
            ..StepRecord::default()
        });
        let stage = context.label.clone();
        observer.breathe().await;
        let event = Event::Step { stage, step: self.step, steps: spec.steps, loss, tokens };
        let control = observer.event(&event);
        self.stop |= control == Control::Stop;
        let due = self.step == spec.steps
            || (spec.checkpoint_every > 0 && self.step.is_multiple_of(spec.checkpoint_every));
        self.align(context).await?;
        if let Some(judge) = &context.judge {
            self.watch(context, judge, observer).await?;
            if due {
                self.validate(context, judge, observer).await?;
            }
        }
        if due || self.stop || control == Control::Save {
            self.save(context, observer).await?;
            observer.breathe().await;
        }
        if self.stop {
            return Err(Error::Stopped { step: self.step });
        }
        Ok(())
    }

    async fn apply(&mut self, context: &StageContext<'_>, done: Accumulated) -> Result<(f64, usize)> {
        let mut grads = context.method.mask(done.grads);
        if context.spec.clip_norm > 0.0 {
            grads.clip(context.spec.clip_norm);
        }
        let rate = schedule::rate(context.spec, self.step);
        self.model = self.optimizer.update(self.model.clone(), grads, rate);
        let loss = f64::from(tensors::to_vec(done.loss).await?[0]);
        if !loss.is_finite() {
            return Err(Error::mismatch(
                format!("loss of {} at step {}", context.label, self.step + 1),
                "a finite number",
                format!("{loss}; a smaller learning rate may help"),
            ));
        }
        Ok((loss, done.tokens))
    }

    /// Scores the targets' validation rows and keeps the model if it is the best so far; the earlier one wins
    /// ties.
    async fn validate(
        &mut self,
        context: &StageContext<'_>,
        judge: &Judge<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let model = self.model.valid();
        let mut sum = 0.0;
        for (place, task) in judge.validation.iter().enumerate() {
            observer.breathe().await;
            let mut progress = watching(observer, task.task.name, &mut self.stop);
            let model = model.clone().behind(context.prompt(place));
            let found =
                judge.evaluator.evaluate(&model, task, judge.shots, judge.limit, &mut progress).await?;
            drop(progress);
            sum += found.score.score;
        }
        let score = sum / judge.validation.len() as f64;
        let best = self.best.as_ref().is_none_or(|best| score > best.score);
        if best {
            self.best = Some(Best { step: self.step, score, model });
        }
        if let Some(record) = self.records.last_mut() {
            record.validation = Some(score);
        }
        observer.event(&Event::Validated { stage: context.label.clone(), step: self.step, score, best });
        Ok(())
    }

    /// Scores the watched tasks without the prompt, for the curves alone.
    async fn watch(
        &mut self,
        context: &StageContext<'_>,
        judge: &Judge<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let spec = judge.evaluator.spec;
        if !curve_due(self.step, spec.curve_every) {
            return Ok(());
        }
        // With the prompt taken off, stage 1 changes nothing: there is nothing to watch.
        if !context.method.trains_weights() {
            return Ok(());
        }
        let model = self.model.valid().with_prompt(None);
        for task in judge.watched {
            observer.breathe().await;
            let mut progress = watching(observer, task.task.name, &mut self.stop);
            let found = judge.evaluator.evaluate(&model, task, 1, spec.curve_limit, &mut progress).await?;
            drop(progress);
            let (score, format_rate) = (found.score.score, found.score.target_format_rate);
            let (stage, name) = (context.label.clone(), task.task.name.to_owned());
            let record = self.record(context);
            record.unseen.insert(name.clone(), score);
            if let Some(rate) = format_rate {
                record.format_rate.insert(name.clone(), rate);
            }
            observer.event(&Event::Watched { stage, step: self.step, task: name, score, format_rate });
        }
        Ok(())
    }

    /// Records how much of the gradient is about the format.
    async fn align(&mut self, context: &StageContext<'_>) -> Result<()> {
        let Some(spec) = context.judge.as_ref().map(|judge| judge.evaluator.spec) else { return Ok(()) };
        if spec.alignment_every == 0 || !self.step.is_multiple_of(spec.alignment_every) {
            return Ok(());
        }
        let alignment = alignment(context, &self.model, spec.alignment_rows).await?;
        self.record(context).alignment = alignment;
        Ok(())
    }

    /// What is known of the last step, or of the model before the first one.
    fn record(&mut self, context: &StageContext<'_>) -> &mut StepRecord {
        if self.records.is_empty() {
            self.records.push(StepRecord { stage: context.label.clone(), ..StepRecord::default() });
        }
        let last = self.records.len() - 1;
        &mut self.records[last]
    }

    async fn save(&self, context: &StageContext<'_>, observer: &mut dyn Observer) -> Result<()> {
        let naming = |path: &str| context.method.trainable(path).then(|| (path.to_owned(), false));
        let best = match &self.best {
            Some(best) if best.step != self.step => Some(tensors::read(&best.model, &naming).await?),
            _ => None,
        };
        let state = State {
            manifest: Manifest {
                version: 1,
                fingerprint: context.fingerprint.clone(),
                step: self.step,
                steps: context.spec.steps,
                best: self.best.as_ref().map(|best| (best.step, best.score)),
                records: self.records.clone(),
                seconds: self.seconds(observer),
                hashes: Default::default(),
            },
            weights: tensors::read(&self.model, &naming).await?,
            best,
            optimizer: self.optimizer.state().await?,
        };
        observer.save(&state.to_checkpoint(&context.name)?)
    }

    fn seconds(&self, observer: &dyn Observer) -> f64 {
        self.seconds_before + observer.now() - self.since
    }

    fn best_step(&self) -> usize {
        self.best.as_ref().map_or(self.step, |best| best.step)
    }

    fn best_model(&self) -> Model {
        self.best.as_ref().map_or_else(|| self.model.clone(), |best| best.model.clone())
    }
}

/// Whether the curves have a point after so many steps: what is forgotten is forgotten early, so the first points lie
/// closer together (0, 1, 2, 4, 8, ...).
pub fn curve_due(step: usize, every: usize) -> bool {
    every > 0 && (step.is_multiple_of(every) || (step < every && step.is_power_of_two()))
}

/// A progress callback that passes rows on as events and remembers a wish to stop.
fn watching<'a>(
    observer: &'a mut dyn Observer,
    task: &'a str,
    stop: &'a mut bool,
) -> impl FnMut(usize, usize) -> Result<()> + 'a {
    move |done, rows| {
        let event = Event::Evaluating { task: task.to_owned(), done, rows };
        *stop |= observer.event(&event) == Control::Stop;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_begin_with_points_close_together() {
        let due = |every| (0..=21).filter(|step| curve_due(*step, every)).collect::<Vec<_>>();
        assert_eq!(due(10), [0, 1, 2, 4, 8, 10, 20]);
        assert_eq!(due(8), [0, 1, 2, 4, 8, 16]);
        assert!(due(0).is_empty());
    }
}
