//! One update: forward, loss, backward, summed over the micro-batches of a batch.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::tuned::Attached;
use crate::batch::Batch;
use crate::loss::LossSettings;
use crate::method::{Ctx, Forward, Method, Norm};
use crate::model::path::Walk;
use crate::model::{Dropout, Model, ParamPath};
use crate::optim::Grads;
use crate::parallel;
use crate::rng::Streams;

/// A part of a batch, and what is attached to the model for its rows; the model's own where `None`.
#[derive(Clone, Debug)]
pub struct MicroBatch {
    pub batch: Batch,
    pub attached: Option<Attached>,
}

impl From<Batch> for MicroBatch {
    fn from(batch: Batch) -> Self {
        Self { batch, attached: None }
    }
}

/// A batch's gradients and its loss.
pub struct Accumulated {
    pub grads: Grads,
    /// One number, nats per unit of the loss's denominator (target tokens), smoothing and z-loss included.
    pub loss: Tensor<1>,
    pub tokens: usize,
}

/// How the micro-batches of an update are computed.
#[derive(Clone, Copy)]
pub struct Backward<'a> {
    pub method: &'a dyn Method,
    pub ctx: &'a Ctx<'a>,
    /// Micro-batches computed at the same time, a thread each: a CPU device uses one thread for most of its operations
    /// on small tensors.
    pub num_workers: usize,
    pub settings: LossSettings,
    pub pass: usize,
}

/// Gradients of the mean loss over all micro-batches together, so that splitting a batch changes nothing but memory and
/// time. Sums are taken in the order of the micro-batches, so threads change no bit.
///
/// # Panics
/// Panics without micro-batches.
pub fn backward_accumulated(
    model: &Model,
    micro_batches: &[MicroBatch],
    how: Backward<'_>,
    dropout: &mut Dropout,
) -> Accumulated {
    let tokens = micro_batches.iter().map(|part| part.batch.target_tokens()).sum::<usize>().max(1) as f64;
    let mut grads = Grads::default();
    let mut loss: Option<Tensor<1>> = None;
    let mut weight: Option<Tensor<1>> = None;
    for group in micro_batches.chunks(how.num_workers.max(1)) {
        let job = |part| Job::new(model, part, how, dropout.fork(micro_batches.len()));
        let jobs: Vec<Job> = group.iter().map(job).collect();
        for done in parallel::map(jobs, |job| job.gradients(tokens)) {
            grads.add(done.grads);
            add(&mut loss, done.loss);
            if let Some(part) = done.weight {
                add(&mut weight, part);
            }
        }
    }
    let mut loss = loss.expect("a batch has at least one micro-batch");
    if let Some(weight) = weight {
        let scale = weight.recip();
        grads.scale(&scale);
        loss = loss * scale;
    }
    Accumulated { grads, loss, tokens: micro_batches.iter().map(|part| part.batch.tokens()).sum() }
}

/// The same for a method by itself, outside of a stage: the model is its own start.
pub fn accumulate(
    model: &Model,
    method: &dyn Method,
    micro_batches: &[MicroBatch],
    num_workers: usize,
    settings: LossSettings,
    dropout: &mut Dropout,
) -> Accumulated {
    let start = model.valid();
    let ctx = Ctx { start: &start, step: 0, steps: 1, rate: 0.0, streams: Streams::new(0) };
    backward_accumulated(
        model,
        micro_batches,
        Backward { method, ctx: &ctx, num_workers, settings, pass: 0 },
        dropout,
    )
}

fn add(total: &mut Option<Tensor<1>>, part: Tensor<1>) {
    *total = Some(match total.take() {
        Some(sum) => sum.add(part),
        None => part,
    });
}

/// One micro-batch with leaves of its own: graphs that share no leaf can grow in different threads.
struct Job<'a> {
    model: Model,
    batch: &'a Batch,
    dropout: Dropout,
    how: Backward<'a>,
}

struct Done {
    grads: Grads,
    loss: Tensor<1>,
    /// Of a loss with a denominator of its own, which is not divided yet.
    weight: Option<Tensor<1>>,
}

impl<'a> Job<'a> {
    fn new(model: &Model, part: &'a MicroBatch, how: Backward<'a>, dropout: Dropout) -> Self {
        let model = model.valid();
        let model = part.attached.as_ref().map_or(model.clone(), |attached| attached.onto(model));
        let model = set_trainable(model, &|path| how.method.trainable(path));
        Self { model, batch: &part.batch, dropout, how }
    }

    /// `tokens`: the target tokens of the whole batch.
    fn gradients(self, tokens: f64) -> Done {
        let Backward { method, ctx, settings, pass, .. } = self.how;
        let mut forward =
            Forward { model: &self.model, batch: self.batch, dropout: self.dropout, settings, pass };
        let loss = method.loss(&mut forward, ctx);
        let (loss, weight) = match loss.norm {
            Norm::Tokens => (loss.sum.div_scalar(tokens), None),
            Norm::Weight(weight) => (loss.sum, Some(weight)),
        };
        Done { grads: Grads::take(loss.backward(), &self.model), loss: loss.inner(), weight }
    }
}

/// Switches autodiff on and lets only the parameters require gradients that `trainable` names.
pub fn set_trainable(model: Model, trainable: &dyn Fn(&ParamPath) -> bool) -> Model {
    model.train().map(&mut SetTrainable { trainable, path: Walk::default() })
}

struct SetTrainable<'a> {
    trainable: &'a dyn Fn(&ParamPath) -> bool,
    path: Walk,
}

impl ModuleMapper for SetTrainable<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let trainable = (self.trainable)(&self.path.param());
        param.set_require_grad(trainable)
    }
}
