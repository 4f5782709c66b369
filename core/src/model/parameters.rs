//! Parameters by path as plain matrices: what methods compute with. Handles only, no copies.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::path::Walk;
use super::tensors::to_vec;
use super::{Model, ParamPath};
use crate::error::Result;

/// One `[rows, columns]` matrix per parameter path, without a graph; a vector is one row.
#[derive(Clone, Debug, Default)]
pub struct Weights(pub BTreeMap<String, Tensor<2>>);

impl Weights {
    pub fn map(self, mut change: impl FnMut(&str, Tensor<2>) -> Tensor<2>) -> Self {
        Self(self.0.into_iter().map(|(path, tensor)| (path.clone(), change(&path, tensor))).collect())
    }
}

/// `start + a * (trained - start)` for the parameters in both; exact for 0 and 1.
pub fn interpolate(start: &Weights, trained: Weights, a: f64) -> Weights {
    trained.map(|path, tensor| match (start.0.get(path), a) {
        (Some(_), 1.0) | (None, _) => tensor,
        (Some(start), 0.0) => start.clone(),
        (Some(start), _) => start.clone() + (tensor - start.clone()) * a,
    })
}

/// Whether both have the same parameters with the same numbers.
///
/// # Errors
/// A device that cannot be read.
pub async fn equal(one: &Weights, other: &Weights) -> Result<bool> {
    if !one.0.keys().eq(other.0.keys()) {
        return Ok(false);
    }
    let differences = one.0.iter().map(|(path, tensor)| {
        let other = other.0[path].clone();
        (tensor.dims() == other.dims()).then(|| (tensor.clone() - other).abs().sum())
    });
    let Some(differences) = differences.collect::<Option<Vec<_>>>() else { return Ok(false) };
    match differences.into_iter().reduce(|sum, difference| sum + difference) {
        Some(sum) => Ok(to_vec(sum).await?.iter().all(|sum| *sum == 0.0)),
        None => Ok(true),
    }
}

/// The parameters that `of` names.
pub fn read(model: &Model, of: &dyn Fn(&ParamPath) -> bool) -> Weights {
    let mut read = Read { path: Walk::default(), of, found: BTreeMap::new() };
    model.visit(&mut read);
    Weights(read.found)
}

/// Puts matrices in the place of parameters; what has none stays. Whether they are trained does not change.
pub fn replace(model: Model, weights: Weights) -> Model {
    model.map(&mut Replace { path: Walk::default(), weights: weights.0 })
}

struct Read<'a> {
    path: Walk,
    of: &'a dyn Fn(&ParamPath) -> bool,
    found: BTreeMap<String, Tensor<2>>,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        let path = self.path.path();
        if (self.of)(&self.path.param()) {
            let tensor = param.val();
            let tensor = if tensor.is_autodiff() { tensor.inner() } else { tensor };
            self.found.insert(path, matrix(tensor));
        }
    }
}

struct Replace {
    path: Walk,
    weights: BTreeMap<String, Tensor<2>>,
}

impl ModuleMapper for Replace {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let Some(new) = self.weights.remove(&self.path.path()) else { return param };
        let (id, old, mapper) = param.consume();
        let new = new.reshape(old.shape());
        let new = if old.is_autodiff() {
            Tensor::from_inner(new).set_require_grad(old.is_require_grad())
        } else {
            new
        };
        Param::from_mapped_value(id, new, mapper)
    }
}

/// A vector becomes one row; a matrix stays.
pub(crate) fn matrix<const R: usize>(tensor: Tensor<R>) -> Tensor<2> {
    let dims = tensor.dims();
    let columns = dims[R - 1];
    let rows = dims[..R - 1].iter().product();
    tensor.reshape([rows, columns])
}
