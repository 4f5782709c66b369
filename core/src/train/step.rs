//! One update: forward, loss, backward, summed over the parts of a batch.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::batch::Batch;
use crate::loss::{self, LossSettings};
use crate::method::{Method, TokenLosses};
use crate::model::{Dropout, Model, SoftPrompt};
use crate::optim::Grads;
use crate::parallel;

/// A part of a batch, and the soft prompt that stands before its rows; the model's own, if it has one, where `None`.
#[derive(Clone, Debug)]
pub struct Part {
    pub batch: Batch,
    pub prompt: Option<SoftPrompt>,
}

impl From<Batch> for Part {
    fn from(batch: Batch) -> Self {
        Self { batch, prompt: None }
    }
}

/// A batch's gradients and its loss.
pub struct Accumulated {
    pub grads: Grads,
    /// One number, nats per real target token, smoothing and z-loss included.
    pub loss: Tensor<1>,
    pub tokens: usize,
}

/// Gradients of the mean loss over the real target tokens of all parts together, so that splitting a batch
/// changes nothing but memory and time. `at_once` parts are computed side by side, a thread each: a CPU device uses
/// one thread for most of its operations on small tensors. Sums are taken in the order of the parts, so threads
/// change no bit.
///
/// # Panics
/// Panics without parts.
pub fn accumulate(
    model: &Model,
    method: &dyn Method,
    parts: &[Part],
    at_once: usize,
    settings: LossSettings,
    dropout: &mut Dropout,
) -> Accumulated {
    let normaliser = parts.iter().map(|part| part.batch.target_tokens()).sum::<usize>().max(1) as f64;
    let mut grads = Grads::default();
    let mut total: Option<Tensor<1>> = None;
    for group in parts.chunks(at_once.max(1)) {
        let jobs: Vec<Job> =
            group.iter().map(|part| Job::new(model, method, part, dropout.fork(parts.len()))).collect();
        for (part_grads, part_loss) in parallel::map(jobs, |job| job.gradients(method, settings, normaliser))
        {
            grads.add(part_grads);
            total = Some(match total {
                Some(sum) => sum.add(part_loss),
                None => part_loss,
            });
        }
    }
    let tokens = parts.iter().map(|part| part.batch.tokens()).sum();
    Accumulated { grads, loss: total.expect("a batch has at least one part"), tokens }
}

/// One part with leaves of its own: graphs that share no leaf can grow in different threads.
struct Job<'a> {
    model: Model,
    batch: &'a Batch,
    dropout: Dropout,
}

impl<'a> Job<'a> {
    fn new(model: &Model, method: &dyn Method, part: &'a Part, dropout: Dropout) -> Self {
        let model = model.valid().behind(part.prompt.as_ref());
        let model = set_trainable(model, &|path| method.trainable(path));
        Self { model, batch: &part.batch, dropout }
    }

    fn gradients(
        mut self,
        method: &dyn Method,
        settings: LossSettings,
        normaliser: f64,
    ) -> (Grads, Tensor<1>) {
        let device = self.model.device();
        let logits = self.model.logits(self.batch, &mut self.dropout);
        let losses = loss::token_losses(logits, self.batch.target_ids(&device), settings);
        let tokens = TokenLosses { losses: losses.clone().detach(), real: self.batch.target_mask(&device) };
        let loss = loss::reduce(losses, method.weigh(&tokens), normaliser);
        (Grads::take(loss.backward(), &self.model), loss.inner())
    }
}

/// Switches autodiff on and lets only the parameters require gradients that `trainable` names.
pub fn set_trainable(model: Model, trainable: &dyn Fn(&str) -> bool) -> Model {
    model.train().map(&mut SetTrainable { trainable, path: Vec::new() })
}

struct SetTrainable<'a> {
    trainable: &'a dyn Fn(&str) -> bool,
    path: Vec<String>,
}

impl ModuleMapper for SetTrainable<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let trainable = (self.trainable)(&self.path.join("."));
        param.set_require_grad(trainable)
    }
}
