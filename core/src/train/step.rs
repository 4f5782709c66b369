//! One update: forward, loss, backward, summed over the parts of a batch.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::batch::Batch;
use crate::loss::{self, LossSettings};
use crate::method::{Method, TokenLosses};
use crate::model::{Dropout, Model};
use crate::optim::Grads;

/// A batch's gradients and its loss.
pub struct Accumulated {
    pub grads: Grads,
    /// One number, nats per real target token, smoothing and z-loss included.
    pub loss: Tensor<1>,
    pub tokens: usize,
}

/// Gradients of the mean loss over the real target tokens of all parts together, so that splitting a batch
/// changes nothing but memory.
///
/// # Panics
/// Panics without parts.
pub fn accumulate(
    model: &Model,
    method: &dyn Method,
    parts: &[Batch],
    settings: LossSettings,
    dropout: &mut Dropout,
) -> Accumulated {
    let normaliser = parts.iter().map(Batch::target_tokens).sum::<usize>().max(1) as f64;
    let mut grads = Grads::default();
    let mut total: Option<Tensor<1>> = None;
    for part in parts {
        let device = model.device();
        let logits = model.logits(part, dropout);
        let losses = loss::token_losses(logits, part.target_ids(&device), settings);
        let tokens = TokenLosses { losses: losses.clone().detach(), real: part.target_mask(&device) };
        let loss = loss::reduce(losses, method.weigh(&tokens), normaliser);
        grads.add(Grads::take(loss.backward(), model));
        let loss = loss.inner();
        total = Some(match total {
            Some(sum) => sum.add(loss),
            None => loss,
        });
    }
    let tokens = parts.iter().map(Batch::tokens).sum();
    Accumulated { grads, loss: total.expect("a batch has at least one part"), tokens }
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
