//! One stage: steps, checkpoints scored on the target's validation rows, one of them kept.

use burn::module::Module;

use super::checkpoint_choice::{best_validation, candidates};
use super::context::{StageContext, Validation};
use super::gradient_alignment::alignment;
use super::step::{Accumulated, Backward, backward_accumulated, set_trainable};
use super::tuned::{bare, finished};
use super::watch::watch_due;
use super::{Control, Event, Observer};
use crate::batch::TokenizedExample;
use crate::checkpoint::{Candidate, Manifest, MethodState, StageState, pack};
use crate::error::{Error, Result};
use crate::eval::EvalSpec;
use crate::loss::LossSettings;
use crate::method::{Ctx, State};
use crate::model::{Dropout, Model, ParamPath, Rates, tensors};
use crate::optim::{Grads, Optimizer, StageSpec, schedule};
use crate::paired::standard_error;
use crate::record::StepRecord;

/// A stage's end.
pub struct StageResult {
    /// The kept checkpoint's model, without autodiff.
    pub model: Model,
    pub records: Vec<StepRecord>,
    pub kept_step: usize,
    /// The best score of a checkpoint on the validation rows, where there is one.
    pub validation: Option<f64>,
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
        stage: context.id.clone(),
        from: run.step,
        steps: context.spec.steps,
    });
    run.since = observer.now();
    if run.step == 0 {
        run.align(context).await?;
        if let Some(validation) = &context.validation {
            run.evaluate_held_out(context, validation, observer).await?;
            run.answer_questions(context, validation, observer).await?;
        }
    } else {
        observer.event(&Event::Restored { records: run.records.clone() });
    }
    while run.step < context.spec.steps {
        run.one_step(context, observer).await?;
    }
    let seconds = run.seconds(observer);
    let kept_step = run.candidates.first().map_or(run.step, |kept| kept.step);
    observer.event(&Event::StageDone { stage: context.id.clone(), steps: run.step, kept_step });
    let validation = best_validation(&run.records);
    let (kept, state) = run.kept();
    let model = finished(context.method, run.step, context.streams, &run.start, (kept.valid(), state))?;
    Ok(StageResult { model, records: run.records, kept_step, validation, seconds })
}

/// The state between two steps.
struct Running {
    /// As the stage found it, nothing of the method attached.
    start: Model,
    model: Model,
    optimizer: Optimizer,
    /// The method's own.
    state: State,
    /// Steps done.
    step: usize,
    /// The checkpoint that is kept now, and later ones that may take its place.
    candidates: Vec<Scored>,
    records: Vec<StepRecord>,
    seconds_before: f64,
    since: f64,
    /// A stop was asked for; an evaluation under way is finished first, so that a resumed run is the same run.
    stop: bool,
}

struct Scored {
    step: usize,
    score: f64,
    model: Model,
    state: State,
}

impl Running {
    async fn begin(context: &StageContext<'_>, start: Model, observer: &mut dyn Observer) -> Result<Self> {
        let start = start.valid();
        let ctx =
            Ctx { start: &start, step: 0, steps: context.spec.steps, rate: 0.0, streams: context.streams };
        let model = context.method.prepare(start.clone(), &ctx)?;
        let model = set_trainable(model, &|path| context.method.trainable(path));
        let fresh = Self {
            start,
            model,
            optimizer: Optimizer::new(context.spec.optimizer).side_by_side(context.threads),
            state: State::default(),
            step: 0,
            candidates: Vec::new(),
            records: Vec::new(),
            seconds_before: 0.0,
            since: 0.0,
            stop: false,
        };
        match observer.load(&context.name)? {
            Some(checkpoint) => {
                fresh.restore(context, StageState::from_checkpoint(checkpoint, &context.fingerprint)?)
            }
            None => Ok(fresh),
        }
    }

    fn restore(mut self, context: &StageContext<'_>, saved: StageState) -> Result<Self> {
        let naming = |path: &str| context.trains(path).then(|| (path.to_owned(), false));
        let device = self.start.device();
        let prepared = self.model.valid();
        for candidate in &saved.candidates {
            let (step, score) = (candidate.step, candidate.score);
            let (weights, method) = saved.of(Some(candidate));
            let what = format!("the checkpoint's weights of step {step}");
            let model = tensors::load(prepared.clone(), weights, &naming, &[], &what)?;
            self.candidates.push(Scored { step, score, model, state: method.on(&device) });
        }
        let model = tensors::load(prepared, &saved.weights, &naming, &[], "the checkpoint")?;
        self.model = set_trainable(model, &|path| context.method.trainable(path));
        self.state = saved.method.on(&device);
        let StageState { manifest, optimizer, .. } = saved;
        self.optimizer = Optimizer::restore(context.spec.optimizer, manifest.step, optimizer, &device)?
            .side_by_side(context.threads);
        self.step = manifest.step;
        self.records = manifest.records;
        self.seconds_before = manifest.seconds;
        Ok(self)
    }

    /// What the method's hooks see; `start` apart, so that the rest can change meanwhile.
    fn ctx<'a>(start: &'a Model, step: usize, context: &StageContext<'_>) -> Ctx<'a> {
        let rate = schedule::rate(context.spec, step);
        Ctx { start, step, steps: context.spec.steps, rate, streams: context.streams }
    }

    async fn one_step(&mut self, context: &StageContext<'_>, observer: &mut dyn Observer) -> Result<()> {
        let spec = context.spec;
        let rows = context.source.rows(self.step, spec.batch)?;
        let done = self.backward(context, rows)?;
        let (loss, tokens) = self.apply(context, done).await?;
        self.step += 1;
        self.records.push(StepRecord {
            stage: context.id.clone(),
            step: self.step,
            loss: Some(loss),
            ..StepRecord::default()
        });
        let stage = context.id.clone();
        observer.breathe().await;
        let event = Event::Step { stage, step: self.step, steps: spec.steps, loss, tokens };
        let control = observer.event(&event);
        self.stop |= control == Control::Stop;
        let due = checkpoint_due(self.step, spec);
        self.align(context).await?;
        if let Some(validation) = &context.validation {
            self.evaluate_held_out(context, validation, observer).await?;
            self.answer_questions(context, validation, observer).await?;
            if due {
                self.evaluate_checkpoint(context, validation, observer).await?;
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

    /// Gradients of one batch, one set for each pass that the method asks for.
    fn backward(
        &mut self,
        context: &StageContext<'_>,
        rows: Vec<Vec<TokenizedExample>>,
    ) -> Result<Vec<Accumulated>> {
        let spec = context.spec;
        let micro_batches = context.micro_batches(&self.model, rows)?;
        let ctx = Self::ctx(&self.start, self.step, context);
        let model = context.method.forward_weights(self.model.clone(), &mut self.state, &ctx)?;
        let rates = Rates::by_site(|site| context.method.dropout(site, spec.dropout));
        let mut dropout = Dropout::new(rates, context.streams.stream(&format!("dropout/{}", self.step)));
        let settings = LossSettings { label_smoothing: spec.label_smoothing, z_loss: spec.z_loss };
        let (method, num_workers) = (context.method, context.layout.num_workers);
        let one = |pass| {
            let how = Backward { method, ctx: &ctx, num_workers, settings, pass };
            backward_accumulated(&model, &micro_batches, how, &mut dropout)
        };
        Ok((0..method.passes()).map(one).collect())
    }

    async fn apply(&mut self, context: &StageContext<'_>, done: Vec<Accumulated>) -> Result<(f64, usize)> {
        let method = context.method;
        let mut ctx = Self::ctx(&self.start, self.step, context);
        let (loss, tokens) = (done[0].loss.clone(), done[0].tokens);
        let grads: Vec<Grads> = done.into_iter().map(|pass| pass.grads).collect();
        let mut grads = method.transform_gradients(grads, &self.model, &mut self.state, &ctx);
        if context.spec.clip_norm > 0.0 {
            grads.clip(context.spec.clip_norm);
        }
        let group = |path: &ParamPath| method.group(path, &ctx);
        self.model = self.optimizer.update_by_group(self.model.clone(), grads, ctx.rate, &group);
        ctx.step += 1;
        self.model = method.after_step(self.model.clone(), &mut self.state, &ctx);
        let loss = f64::from(tensors::to_vec(loss).await?[0]);
        if !loss.is_finite() {
            return Err(Error::Diverged { stage: context.id.clone(), step: self.step + 1, loss });
        }
        Ok((loss, tokens))
    }

    /// The model that is evaluated now.
    fn scored(&self, context: &StageContext<'_>) -> Result<Model> {
        context.method.scored(self.model.valid(), &self.state, &Self::ctx(&self.start, self.step, context))
    }

    /// Scores the targets' validation rows and keeps the model if it may become the stage's result.
    async fn evaluate_checkpoint(
        &mut self,
        context: &StageContext<'_>,
        validation: &Validation<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let model = self.scored(context)?;
        let Validation { evaluator, limit, shots, .. } = *validation;
        let within = context.spec.keep_earliest_within;
        let (mut sum, mut variance) = (0.0, 0.0);
        for (index, task) in validation.rows.iter().enumerate() {
            observer.breathe().await;
            let mut progress = watching(observer, &task.task.name, &mut self.stop);
            let model = context.for_task(index, &model);
            let found = evaluator.evaluate(&model, task, shots, limit, &mut progress).await?;
            drop(progress);
            sum += found.score.score;
            if within > 0.0 {
                variance += standard_error(&found.score).unwrap_or(0.0).powi(2);
            }
        }
        let count = validation.rows.len() as f64;
        let score = sum / count;
        let best = best_validation(&self.records).is_none_or(|known| score > known);
        if let Some(record) = self.records.last_mut() {
            record.validation = Some(score);
            record.validation_error = (within > 0.0).then_some(variance.sqrt() / count);
        }
        let steps: Vec<usize> = candidates(&self.records, within).iter().map(|record| record.step).collect();
        self.candidates.retain(|candidate| steps.contains(&candidate.step));
        if steps.contains(&self.step) {
            let (model, state) = (self.model.valid(), self.state.clone());
            self.candidates.push(Scored { step: self.step, score, model, state });
        }
        observer.event(&Event::Validated { stage: context.id.clone(), step: self.step, score, best });
        Ok(())
    }

    /// Scores the held-out tasks with nothing attached, for the curves alone.
    async fn evaluate_held_out(
        &mut self,
        context: &StageContext<'_>,
        validation: &Validation<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let spec = validation.evaluator.spec;
        if !held_out_due(self.step, context.spec, spec) {
            return Ok(());
        }
        // With the attachment taken off, stage 1 changes nothing: there is nothing to see.
        if !context.method.moves().weights() {
            return Ok(());
        }
        let model = bare(self.scored(context)?);
        for task in validation.held_out {
            observer.breathe().await;
            let mut progress = watching(observer, &task.task.name, &mut self.stop);
            let found =
                validation.evaluator.evaluate(&model, task, 1, spec.curve_limit, &mut progress).await?;
            drop(progress);
            let (score, format_rate) = (found.score.score, found.score.target_format_rate);
            let (stage, name) = (context.id.clone(), task.task.name.clone());
            let record = self.record(context);
            record.unseen.insert(name.clone(), score);
            if let Some(rate) = format_rate {
                record.format_rate.insert(name.clone(), rate);
            }
            observer.event(&Event::Watched { stage, step: self.step, task: name, score, format_rate });
        }
        Ok(())
    }

    /// Answers the questions that people watch.
    async fn answer_questions(
        &mut self,
        context: &StageContext<'_>,
        validation: &Validation<'_>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let Some(watch) = validation.watch.filter(|watch| !watch.questions.is_empty()) else {
            return Ok(());
        };
        let curves = held_out_due(self.step, context.spec, validation.evaluator.spec);
        if !watch_due(self.step, context.spec, curves) {
            return Ok(());
        }
        let model = self.scored(context)?;
        // With the attachment taken off, a stage that moves no weights answers as it did before its first step.
        let asks_bare = context.method.moves().weights() || self.step == 0;
        let mut answers = Vec::new();
        for question in &watch.questions {
            let model = match question.target {
                Some(index) => context.for_task(index, &model),
                None if asks_bare => bare(model.clone()),
                None => continue,
            };
            observer.breathe().await;
            answers.push(watch.answer(question, validation.evaluator, &model, validation.shots).await?);
        }
        self.record(context).answers.clone_from(&answers);
        let event = Event::Answered { stage: context.id.clone(), step: self.step, answers };
        self.stop |= observer.event(&event) == Control::Stop;
        Ok(())
    }

    /// Records how much of the gradient is about the format.
    async fn align(&mut self, context: &StageContext<'_>) -> Result<()> {
        let Some(spec) = context.validation.as_ref().map(|validation| validation.evaluator.spec) else {
            return Ok(());
        };
        if spec.alignment_every == 0 || !self.step.is_multiple_of(spec.alignment_every) {
            return Ok(());
        }
        let ctx = Self::ctx(&self.start, self.step, context);
        let alignment = alignment(context, &self.model, &ctx, spec.alignment_rows).await?;
        self.record(context).alignment = alignment;
        Ok(())
    }

    /// What is known of the last step, or of the model before the first one.
    fn record(&mut self, context: &StageContext<'_>) -> &mut StepRecord {
        if self.records.is_empty() {
            self.records.push(StepRecord { stage: context.id.clone(), ..StepRecord::default() });
        }
        let last = self.records.len() - 1;
        &mut self.records[last]
    }

    async fn save(&self, context: &StageContext<'_>, observer: &mut dyn Observer) -> Result<()> {
        let trained = |path: &str| context.trains(path);
        // Packed one after the other: numbers and file together are most of the memory that saving takes.
        let optimizer = pack(self.optimizer.state().await?)?;
        let weights = pack(tensors::read(&self.model, &trained, &tensors::by_path).await?)?;
        let method = MethodState::read(&self.state).await?.packed()?;
        let mut candidates = Vec::new();
        for Scored { step, score, model, state } in &self.candidates {
            let own = match *step == self.step {
                true => None,
                false => {
                    let weights = pack(tensors::read(model, &trained, &tensors::by_path).await?)?;
                    Some((weights, MethodState::read(state).await?.packed()?))
                }
            };
            candidates.push(Candidate { step: *step, score: *score, own });
        }
        let state = StageState {
            manifest: Manifest {
                version: 0,
                fingerprint: context.fingerprint.clone(),
                step: self.step,
                steps: context.spec.steps,
                best: None,
                later: Vec::new(),
                records: self.records.clone(),
                seconds: self.seconds(observer),
                scalars: Default::default(),
                best_scalars: Default::default(),
                hashes: Default::default(),
            },
            weights,
            optimizer,
            method,
            candidates,
        };
        observer.save(state.to_checkpoint(&context.name)?)
    }

    fn seconds(&self, observer: &dyn Observer) -> f64 {
        self.seconds_before + observer.now() - self.since
    }

    fn kept(&self) -> (&Model, &State) {
        self.candidates.first().map_or((&self.model, &self.state), |kept| (&kept.model, &kept.state))
    }
}

/// Whether there is a checkpoint after so many steps.
fn checkpoint_due(step: usize, spec: &StageSpec) -> bool {
    step == spec.steps || (spec.checkpoint_every > 0 && step.is_multiple_of(spec.checkpoint_every))
}

/// Whether held-out tasks are scored after so many steps of a stage: for the curves, and for the frontier.
pub fn held_out_due(step: usize, training: &StageSpec, eval: &EvalSpec) -> bool {
    (eval.frontier && step > 0 && checkpoint_due(step, training)) || curve_due(step, eval.curve_every)
}

/// Whether the curves have a point after so many steps. Forgetting happens early, so points are denser at the start
/// (0, 1, 2, 4, 8, ...).
fn curve_due(step: usize, every: usize) -> bool {
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
