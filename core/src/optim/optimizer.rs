//! Optimizers that move a model by its gradients. Their state is a few matrices per parameter path, so that a
//! checkpoint can be read back asynchronously and loaded in another process; Burn's own optimizer records are
//! read synchronously (which panics in a browser) and keyed by ids that change from process to process.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::update::{Slots, Update};
use super::{Grads, OptimizerSpec, adafactor, adamw, muon};
use crate::error::{Error, Result};
use crate::model::parameters::matrix;
use crate::model::path::Walk;
use crate::model::tensors::{self, HostTensor, HostTensors};
use crate::model::{Model, ParamPath};
use crate::parallel;

/// An optimizer and its state.
pub struct Optimizer {
    spec: OptimizerSpec,
    /// Updates made so far.
    step: usize,
    slots: BTreeMap<String, Slots>,
    side_by_side: bool,
}

/// How the update of one parameter differs from the others'.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Factor of the learning rate.
    pub rate: f64,
    /// In place of the optimizer's weight decay.
    pub weight_decay: Option<f64>,
}

impl Default for Group {
    fn default() -> Self {
        Self { rate: 1.0, weight_decay: None }
    }
}

impl Optimizer {
    pub fn new(spec: OptimizerSpec) -> Self {
        Self { spec, step: 0, slots: BTreeMap::new(), side_by_side: false }
    }

    /// Parameters are updated at the same time, on the threads there are: for a CPU device, which uses one thread for
    /// most of its operations. Changes no bit.
    pub fn side_by_side(self, side_by_side: bool) -> Self {
        Self { side_by_side, ..self }
    }

    /// One update; parameters without a gradient stay bit-equal.
    pub fn update(&mut self, model: Model, grads: Grads, rate: f64) -> Model {
        self.update_by_group(model, grads, rate, &|_| Group::default())
    }

    /// The same, where `group` says what a parameter's update differs in.
    pub fn update_by_group(
        &mut self,
        model: Model,
        grads: Grads,
        rate: f64,
        group: &dyn Fn(&ParamPath) -> Group,
    ) -> Model {
        self.step += 1;
        let mut collect =
            Collect { optimizer: self, grads, rate, group, path: Walk::default(), jobs: Vec::new() };
        model.visit(&mut collect);
        let jobs = collect.jobs;
        let work = |job: Job| job.work(self);
        let done: Vec<Done> =
            if self.side_by_side { parallel::map(jobs, work) } else { jobs.into_iter().map(work).collect() };
        let mut updated = BTreeMap::new();
        for Done { path, slots, param } in done {
            self.slots.insert(path.clone(), slots);
            updated.insert(path, param);
        }
        model.map(&mut Replace { updated, path: Walk::default() })
    }

    fn rule(&self, update: Update, slots: &mut Slots) -> Tensor<2> {
        let decay_of = |weight_decay| update.weight_decay.unwrap_or(weight_decay);
        match self.spec {
            OptimizerSpec::Adafactor { decay, weight_decay, scale_parameter } => adafactor::update(
                &adafactor::Settings { decay, weight_decay: decay_of(weight_decay), scale_parameter },
                update,
                slots,
            ),
            OptimizerSpec::AdamW { beta_1, beta_2, epsilon, weight_decay } => {
                let weight_decay = decay_of(weight_decay);
                adamw::update(&adamw::Settings { beta_1, beta_2, epsilon, weight_decay }, update, slots)
            }
            OptimizerSpec::Muon { momentum, beta_1, beta_2, epsilon } => {
                let others = adamw::Settings { beta_1, beta_2, epsilon, weight_decay: 0.0 };
                muon::update(&muon::Settings { momentum, others }, update, slots)
            }
        }
    }

    /// The state as `<path>/<slot>` tensors; the step count is the caller's to keep.
    pub async fn state(&self) -> Result<HostTensors> {
        let mut state = HostTensors::new();
        for (path, slots) in &self.slots {
            for (slot, tensor) in slots {
                let shape = tensor.dims().to_vec();
                let values = tensors::to_vec(tensor.clone()).await?;
                state.insert(format!("{path}/{slot}"), HostTensor { shape, values });
            }
        }
        Ok(state)
    }

    /// An optimizer that goes on after `step` updates.
    pub fn restore(spec: OptimizerSpec, step: usize, state: HostTensors, device: &Device) -> Result<Self> {
        let mut slots: BTreeMap<String, Slots> = BTreeMap::new();
        for (name, tensor) in state {
            let slot = name.rsplit_once('/').and_then(|(path, slot)| Some((path, known_slot(slot)?)));
            let Some((path, slot)) = slot else {
                return Err(Error::mismatch("optimizer state", "names like `path/slot`", name));
            };
            let data = TensorData::new(tensor.values, tensor.shape);
            slots.entry(path.to_owned()).or_default().insert(slot, Tensor::from_data(data, device));
        }
        Ok(Self { slots, step, ..Self::new(spec) })
    }
}

fn known_slot(name: &str) -> Option<&'static str> {
    adafactor::SLOTS.into_iter().chain(adamw::SLOTS).chain(muon::SLOTS).find(|slot| *slot == name)
}

/// One parameter with its gradient and its state.
struct Job {
    path: String,
    update: Update,
    slots: Slots,
}

/// The parameter as a matrix, and its state, after the update.
struct Done {
    path: String,
    param: Tensor<2>,
    slots: Slots,
}

impl Job {
    fn work(self, optimizer: &Optimizer) -> Done {
        let Self { path, update, mut slots } = self;
        let param = optimizer.rule(update, &mut slots);
        Done { path, param, slots }
    }
}

/// Takes the state of every parameter that has a gradient out of the optimizer.
struct Collect<'a> {
    optimizer: &'a mut Optimizer,
    grads: Grads,
    rate: f64,
    group: &'a dyn Fn(&ParamPath) -> Group,
    path: Walk,
    jobs: Vec<Job>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        let path = self.path.path();
        let Some(grad) = self.grads.0.remove(&path) else { return };
        let parsed = self.path.param();
        let group = (self.group)(&parsed);
        let update = Update {
            param: matrix(param.val().inner()),
            grad,
            is_matrix: R >= 2,
            in_block: R >= 2 && parsed.layer.is_some(),
            time: self.optimizer.step,
            rate: self.rate * group.rate,
            weight_decay: group.weight_decay,
        };
        let slots = self.optimizer.slots.remove(&path).unwrap_or_default();
        self.jobs.push(Job { path, update, slots });
    }
}

/// Puts updated parameters in their places.
struct Replace {
    updated: BTreeMap<String, Tensor<2>>,
    path: Walk,
}

impl ModuleMapper for Replace {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let Some(updated) = self.updated.remove(&self.path.path()) else { return param };
        let (id, tensor, mapper) = param.consume();
        let updated = updated.reshape(tensor.shape());
        Param::from_mapped_value(id, Tensor::from_inner(updated).require_grad(), mapper)
    }
}
