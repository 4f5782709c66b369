//! Gradients by parameter path, on the plain device: summed over parts of a batch, clipped, masked by methods.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

use crate::model::Model;
use crate::model::parameters::matrix;
use crate::model::path::Walk;
use burn::module::Module;

/// One `[rows, columns]` matrix per trained parameter; a vector is one row.
#[derive(Clone, Debug, Default)]
pub struct Grads(pub BTreeMap<String, Tensor<2>>);

impl Grads {
    /// Takes the gradients of the parameters that require one.
    pub fn take(gradients: Gradients, model: &Model) -> Self {
        let mut take = Take { path: Walk::default(), gradients, found: BTreeMap::new() };
        model.visit(&mut take);
        Self(take.found)
    }

    /// Adds the gradients of another part of the same batch.
    pub fn add(&mut self, other: Self) {
        for (path, grad) in other.0 {
            let sum = match self.0.remove(&path) {
                Some(old) => old.add(grad),
                None => grad,
            };
            self.0.insert(path, sum);
        }
    }

    /// Multiplies all gradients by one number.
    pub fn scale(&mut self, scale: &Tensor<1>) {
        for grad in self.0.values_mut() {
            *grad = grad.clone().mul(scale.clone().reshape([1, 1]));
        }
    }

    /// Scales all gradients so that their common Euclidean norm is at most `max_norm` (Pascanu et al., 2013).
    pub fn clip(&mut self, max_norm: f64) {
        let squares = self.0.values().map(|grad| grad.clone().square().sum());
        let Some(total) = squares.reduce(Tensor::add) else { return };
        let scale = total.sqrt().clamp_min(max_norm).recip().mul_scalar(max_norm).reshape([1, 1]);
        for grad in self.0.values_mut() {
            *grad = grad.clone().mul(scale.clone());
        }
    }
}

struct Take {
    path: Walk,
    gradients: Gradients,
    found: BTreeMap<String, Tensor<2>>,
}

impl ModuleVisitor for Take {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        if !param.is_require_grad() {
            return;
        }
        if let Some(grad) = param.val().grad_remove(&mut self.gradients) {
            self.found.insert(self.path.path(), matrix(grad));
        }
    }
}
