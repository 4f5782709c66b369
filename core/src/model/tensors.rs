//! Tensors of a module on the host, and between modules and safetensors bytes. Reading back is asynchronous:
//! a browser's GPU knows no other way. (Burn's own stores read synchronously and know no shards.)

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use safetensors::{Dtype, View};

pub use super::host_tensor::{HostTensor, HostTensors, TensorSource};
use super::path::Walk;
use super::weights::WeightFiles;
use crate::error::{Error, Result};

/// The name under which the parameter at a path is stored, and whether it is stored transposed.
pub type Naming<'a> = &'a dyn Fn(&str) -> Option<(String, bool)>;

/// Parameters under their own paths.
pub fn by_path(path: &str) -> Option<(String, bool)> {
    Some((path.to_owned(), false))
}

/// Reads the float parameters that `wanted` chooses.
///
/// # Errors
/// Lists the chosen parameters that `naming` has no name for: nothing is left out unless `wanted` says so.
pub async fn read<M: Module>(
    module: &M,
    wanted: &dyn Fn(&str) -> bool,
    naming: Naming<'_>,
) -> Result<HostTensors> {
    let mut collect =
        Collect { path: Walk::default(), wanted, naming, found: Vec::new(), problems: Vec::new() };
    module.visit(&mut collect);
    if !collect.problems.is_empty() {
        return Err(Error::Tensors { what: "the form to be written".to_owned(), problems: collect.problems });
    }
    let mut tensors = BTreeMap::new();
    for (name, transposed, shape, flat) in collect.found {
        let tensor = HostTensor { shape, values: to_vec(flat).await? };
        tensors.insert(name, if transposed { tensor.transposed() } else { tensor });
    }
    Ok(tensors)
}

/// A tensor's numbers on the host.
pub async fn to_vec<const R: usize>(tensor: Tensor<R>) -> Result<Vec<f32>> {
    let data = tensor
        .into_data_async()
        .await
        .map_err(|error| Error::Device { device: "read-back".into(), problem: format!("{error:?}") })?;
    data.convert::<f32>().try_into_vec().map_err(|error| Error::format("tensor data", format!("{error:?}")))
}

struct Collect<'a> {
    path: Walk,
    wanted: &'a dyn Fn(&str) -> bool,
    naming: Naming<'a>,
    found: Vec<(String, bool, Vec<usize>, Tensor<1>)>,
    problems: Vec<String>,
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
        if !(self.wanted)(&path) {
            return;
        }
        let Some((name, transposed)) = (self.naming)(&path) else {
            return self.problems.push(format!("`{path}` has no name there"));
        };
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let count: usize = shape.iter().product();
        self.found.push((name, transposed, shape, tensor.detach().reshape([count])));
    }
}

/// Puts `tensors` into the parameters that `naming` names, in place of what is there. All shapes are checked before
/// the first tensor is read; then there is one at a time on the host.
///
/// # Errors
/// Lists every missing tensor, every one of another shape, and every one that no parameter asked for; names one whose
/// numbers are not all finite.
/// `optional` names may be unused.
pub fn load<M: Module>(
    module: M,
    tensors: &impl TensorSource,
    naming: Naming<'_>,
    optional: &[&str],
    what: &str,
) -> Result<M> {
    let mut check =
        Check { path: Walk::default(), naming, tensors, used: BTreeSet::new(), problems: Vec::new() };
    module.visit(&mut check);
    let Check { used, mut problems, .. } = check;
    for name in tensors.names() {
        if !used.contains(name) && !optional.contains(&name) {
            problems.push(format!("`{name}` is in the file, but the model has no such tensor"));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Tensors { what: what.to_owned(), problems });
    }
    let mut fill = Fill { path: Walk::default(), naming, tensors, failed: None };
    let module = module.map(&mut fill);
    fill.failed.map_or(Ok(module), Err)
}

struct Check<'a, S> {
    path: Walk,
    naming: Naming<'a>,
    tensors: &'a S,
    used: BTreeSet<String>,
    problems: Vec<String>,
}

impl<S: TensorSource> ModuleVisitor for Check<'_, S> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        let Some((name, transposed)) = (self.naming)(&self.path.path()) else { return };
        let mut expected = param.lazy_shape().as_slice().to_vec();
        if transposed {
            expected.reverse();
        }
        match self.tensors.shape(&name) {
            None => self.problems.push(format!("`{name}` is missing")),
            Some(found) if found != expected => {
                self.problems.push(format!("`{name}`: expected shape {expected:?}, found {found:?}"));
            }
            Some(_) => {}
        }
        self.used.insert(name);
    }
}

struct Fill<'a, S> {
    path: Walk,
    naming: Naming<'a>,
    tensors: &'a S,
    failed: Option<Error>,
}

impl<S: TensorSource> ModuleMapper for Fill<'_, S> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let Some((name, transposed)) = (self.naming)(&self.path.path()) else { return param };
        if self.failed.is_some() {
            return param;
        }
        let finite = |found: HostTensor| found.check_finite(format!("`{name}`")).map(|()| found);
        let found = match self.tensors.tensor(&name).and_then(finite) {
            Ok(found) if transposed => found.transposed(),
            Ok(found) => found,
            Err(error) => {
                self.failed = Some(error);
                return param;
            }
        };
        replaced(param, TensorData::new(found.values, found.shape))
    }
}

/// The parameter with another value; one that was not initialised yet is not initialised for it.
pub(super) fn replaced<const R: usize>(param: Param<Tensor<R>>, data: TensorData) -> Param<Tensor<R>> {
    if !param.is_initialized() {
        return Param::from_tensor(Tensor::from_data(data, &param.lazy_device()));
    }
    let grad = param.is_require_grad();
    param.map(|old| Tensor::from_data(data, &old.device()).set_require_grad(grad))
}

/// Tensors of one safetensors file, widened to f32.
///
/// # Errors
/// A header larger than the file, overlapping offsets, truncation, a type other than f16, bf16, f32, f64.
pub fn from_safetensors(bytes: &[u8], what: &str) -> Result<HostTensors> {
    let files = [(what.to_owned(), bytes)];
    let file = WeightFiles::open(&files)?;
    file.names().into_iter().map(|name| Ok((name.to_owned(), file.tensor(name)?))).collect()
}

/// The type that numbers are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    F16,
}

/// One safetensors file. Tensors that are given away are freed one by one, so that there is never a second copy of all.
pub fn to_safetensors<N: AsRef<str> + Ord + Display, T: Borrow<HostTensor>>(
    tensors: impl IntoIterator<Item = (N, T)>,
    precision: Precision,
) -> Result<Vec<u8>> {
    let views = tensors.into_iter().map(|(name, tensor)| (name, Stored { tensor, precision }));
    // transformers refuses files without the format key.
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    safetensors::serialize(views, metadata).map_err(|error| Error::format("tensors to be written", error))
}

struct Stored<T> {
    tensor: T,
    precision: Precision,
}

impl<T: Borrow<HostTensor>> View for Stored<T> {
    fn dtype(&self) -> Dtype {
        match self.precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.borrow().shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = &self.tensor.borrow().values;
        Cow::Owned(match self.precision {
            Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Precision::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        let width = if self.precision == Precision::F16 { 2 } else { 4 };
        self.tensor.borrow().values.len() * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> HostTensors {
        let tensor = HostTensor { shape: vec![2, 3], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, -6.5] };
        BTreeMap::from([("a".to_owned(), tensor)])
    }

    #[test]
    fn safetensors_round_trip_in_both_precisions() {
        for precision in [Precision::F32, Precision::F16] {
            let bytes = to_safetensors(&sample(), precision).unwrap();
            assert_eq!(from_safetensors(&bytes, "sample").unwrap(), sample());
        }
    }

    #[test]
    fn damaged_files_are_refused_with_sizes() {
        let bytes = to_safetensors(&sample(), Precision::F32).unwrap();
        let message = |bytes: &[u8]| from_safetensors(bytes, "sample").unwrap_err().to_string();
        assert!(message(&bytes[..bytes.len() - 4]).contains("sample cannot be read"));
        let mut larger = bytes.clone();
        larger[..8].copy_from_slice(&(1u64 << 20).to_le_bytes());
        assert!(message(&larger).contains("header claims 1048576 bytes"), "{}", message(&larger));
    }

    #[test]
    fn transposing_swaps_rows_and_columns() {
        let tensor = sample().remove("a").unwrap();
        assert_eq!(tensor.transposed().values, [1.0, 4.0, 2.0, 5.0, 3.0, -6.5]);
        assert_eq!(tensor.transposed().transposed(), tensor);
    }
}
