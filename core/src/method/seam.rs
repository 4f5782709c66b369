//! The hooks of a method, and what they see.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use crate::batch::{Batch, RowId};
use crate::error::Result;
use crate::loss::{self, LossSettings};
use crate::model::parameters::{self, Weights};
use crate::model::pass::{Hook, Pass};
use crate::model::{Dropout, Model, ParamPath, Site};
use crate::optim::{Grads, Group};
use crate::rng::Streams;

/// One way to fine-tune. Every hook has a default, so standard fine-tuning is the empty implementation.
///
/// Order of a stage: `prepare`; for each step `forward_weights`, `loss` of every micro-batch (`passes` times),
/// `transform_gradients`, the optimizer, `after_step`; at checkpoints `scored`; `finish` of the kept checkpoint.
pub trait Method: Send + Sync {
    /// Whether the parameter at this path is trained; the others stay bit-equal.
    fn trainable(&self, path: &ParamPath) -> bool {
        path.is_weight()
    }

    /// What is different after the stage.
    fn moves(&self) -> Moves {
        Moves::Weights
    }

    /// Attaches, inserts or re-initialises parameters before the first step. A resumed stage is prepared in the same
    /// way before its checkpoint is read, so this draws from named streams only.
    fn prepare(&self, model: Model, _ctx: &Ctx) -> Result<Model> {
        Ok(model)
    }

    /// Learning rate and weight decay of one parameter.
    fn group(&self, _path: &ParamPath, _ctx: &Ctx) -> Group {
        Group::default()
    }

    /// The dropout rate at a site, given the stage's.
    fn dropout(&self, _site: Site, rate: f64) -> f64 {
        rate
    }

    /// The weights that the loss is computed with, where they are not the trained ones.
    fn forward_weights(&self, model: Model, _state: &mut State, _ctx: &Ctx) -> Result<Model> {
        Ok(model)
    }

    /// The loss of a micro-batch.
    fn loss(&self, forward: &mut Forward<'_>, ctx: &Ctx) -> Loss {
        let logits = forward.logits();
        let losses = forward.token_losses(&logits);
        let tokens = forward.tokens(&logits, &losses);
        let weights = self.token_weights(&tokens, ctx);
        Loss::over_tokens(losses, weights)
    }

    /// How the default loss weighs tokens, `[B, T]`; the sum is divided by the number of target tokens.
    fn token_weights(&self, tokens: &TokenLosses, _ctx: &Ctx) -> Tensor<2> {
        tokens.mask.clone()
    }

    /// Gradients that one update needs of the same batch; `Forward::pass` counts them.
    fn passes(&self) -> usize {
        1
    }

    /// Changes gradients, one set per pass, into the one that the optimizer gets.
    fn transform_gradients(
        &self,
        mut grads: Vec<Grads>,
        _model: &Model,
        _state: &mut State,
        _ctx: &Ctx,
    ) -> Grads {
        grads.swap_remove(0)
    }

    /// Changes the weights after the optimizer.
    fn after_step(&self, model: Model, _state: &mut State, _ctx: &Ctx) -> Model {
        model
    }

    /// The model that is evaluated at a checkpoint.
    fn scored(&self, model: Model, _state: &State, _ctx: &Ctx) -> Result<Model> {
        Ok(model)
    }

    /// The stage's result, from the kept checkpoint.
    fn finish(&self, model: Model, state: &State, ctx: &Ctx) -> Result<Model> {
        self.scored(model, state, ctx)
    }
}

/// What a stage changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// The model's own weights: held-out tasks see it.
    Weights,
    /// What is attached for the target alone, a prompt or an adapter: taken off for held-out tasks.
    Attachment,
    Both,
}

impl Moves {
    pub fn weights(self) -> bool {
        self != Moves::Attachment
    }
}

/// What every hook may look at.
pub struct Ctx<'a> {
    /// The model as the stage found it (theta 0), without a graph.
    pub start: &'a Model,
    /// Steps done, and steps of the stage.
    pub step: usize,
    pub steps: usize,
    /// The learning rate of the present step.
    pub rate: f64,
    pub streams: Streams,
}

impl Ctx<'_> {
    /// The weights of a model and those of the stage's start.
    pub fn now_and_start(&self, model: &Model) -> (Weights, Weights) {
        let is_weight = |path: &ParamPath| path.is_weight();
        (parameters::read(model, &is_weight), parameters::read(self.start, &is_weight))
    }
}

/// A method's own state between steps. It is saved, restored and compared like the optimizer's.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By name, such as a parameter's path with the slot behind it.
    pub tensors: BTreeMap<String, Tensor<2>>,
    pub scalars: BTreeMap<String, f64>,
}

impl State {
    /// One tensor per parameter under a common slot.
    pub fn weights(&self, slot: &str) -> Weights {
        let suffix = format!("/{slot}");
        let of = |(name, tensor): (&String, &Tensor<2>)| {
            Some((name.strip_suffix(&suffix)?.to_owned(), tensor.clone()))
        };
        Weights(self.tensors.iter().filter_map(of).collect())
    }

    pub fn set_weights(&mut self, slot: &str, weights: Weights) {
        self.tensors.extend(weights.0.into_iter().map(|(path, tensor)| (format!("{path}/{slot}"), tensor)));
    }
}

/// One micro-batch and the model that computes it, with a graph.
pub struct Forward<'a> {
    pub(crate) model: &'a Model,
    pub(crate) batch: &'a Batch,
    pub(crate) dropout: Dropout,
    pub(crate) settings: LossSettings,
    pub(crate) pass: usize,
}

impl Forward<'_> {
    /// Logits `[B, T, V]`; every call draws new dropout masks.
    pub fn logits(&mut self) -> Tensor<3> {
        self.pass_through(None)
    }

    /// The same with a hook that captures or replaces hidden states.
    pub fn logits_with_hook(&mut self, hook: Hook<'_>) -> Tensor<3> {
        self.pass_through(Some(hook))
    }

    fn pass_through(&mut self, hook: Option<Hook<'_>>) -> Tensor<3> {
        let mut pass = Pass { dropout: std::mem::replace(&mut self.dropout, Dropout::off()), hook };
        let logits = self.model.logits(self.batch, &mut pass);
        self.dropout = pass.dropout;
        logits
    }

    /// Logits of another model, such as `Ctx::start`, without dropout.
    pub fn logits_of(&self, model: &Model) -> Tensor<3> {
        model.logits(self.batch, &mut Pass::eval())
    }

    /// Loss of every position `[B, T]` in nats, label smoothing and z-loss included.
    pub fn token_losses(&self, logits: &Tensor<3>) -> Tensor<2> {
        let device = self.model.device();
        loss::token_losses(logits.clone(), self.batch.target_ids(&device), self.settings)
    }

    /// What token weights are made from, without a graph.
    pub fn tokens(&self, logits: &Tensor<3>, losses: &Tensor<2>) -> TokenLosses<'_> {
        TokenLosses {
            losses: losses.clone().detach(),
            mask: self.batch.target_mask(&self.model.device()),
            rows: self.batch.row_ids(),
            logits: logits.clone().detach(),
        }
    }

    pub fn batch(&self) -> &Batch {
        self.batch
    }

    /// Which of `Method::passes` this is, from 0.
    pub fn pass(&self) -> usize {
        self.pass
    }
}

/// A micro-batch's target tokens, without a graph.
pub struct TokenLosses<'a> {
    /// `[B, T]`, nats.
    pub losses: Tensor<2>,
    /// `[B, T]`, 1 on target tokens and 0 on padding.
    pub mask: Tensor<2>,
    /// Which row of which task each of the B rows is.
    pub rows: &'a [RowId],
    logits: Tensor<3>,
}

impl TokenLosses<'_> {
    /// Log-probabilities of the whole vocabulary, `[B, T, V]`.
    pub fn log_probs(&self) -> Tensor<3> {
        burn::tensor::activation::log_softmax(self.logits.clone(), 2)
    }
}

/// A micro-batch's loss: a sum, and what the sums of all micro-batches are divided by.
pub struct Loss {
    /// One number with a graph.
    pub sum: Tensor<1>,
    pub norm: Norm,
}

/// The denominator of a batch's loss.
#[allow(clippy::large_enum_variant)] // one per micro-batch, and a tensor is a handle
pub enum Norm {
    /// The number of target tokens of the whole batch, known before the pass.
    Tokens,
    /// The sum of these over all micro-batches, without a graph.
    Weight(Tensor<1>),
}

impl Loss {
    /// `sum(losses * weights)`, over the number of target tokens.
    pub fn over_tokens(losses: Tensor<2>, weights: Tensor<2>) -> Self {
        Self { sum: losses.mul(weights).sum(), norm: Norm::Tokens }
    }
}
