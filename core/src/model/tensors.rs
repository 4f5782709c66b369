//! Tensors of a module on the host, and between modules and safetensors bytes. Reading back is asynchronous:
//! a browser's GPU knows no other way. (Burn's own stores read synchronously and know no shards.)

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, View};

use crate::error::{Error, Result};

/// One tensor as f32 numbers, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

pub type HostTensors = BTreeMap<String, HostTensor>;

/// The name under which a parameter is stored, and whether it is stored transposed; `None` leaves it out.
pub type Naming<'a> = &'a dyn Fn(&str) -> Option<(String, bool)>;

impl HostTensor {
    pub fn transposed(&self) -> Self {
        let [rows, columns] = self.shape[..] else { return self.clone() };
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..columns {
            values.extend((0..rows).map(|row| self.values[row * columns + column]));
        }
        Self { shape: vec![columns, rows], values }
    }
}

/// Reads the float parameters that `naming` names.
pub async fn read<M: Module>(module: &M, naming: Naming<'_>) -> Result<HostTensors> {
    let mut collect = Collect { path: Vec::new(), naming, found: Vec::new() };
    module.visit(&mut collect);
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
    path: Vec<String>,
    naming: Naming<'a>,
    found: Vec<(String, bool, Vec<usize>, Tensor<1>)>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        if let Some((name, transposed)) = (self.naming)(&self.path.join(".")) {
            let tensor = param.val();
            let shape = tensor.dims().to_vec();
            let count: usize = shape.iter().product();
            self.found.push((name, transposed, shape, tensor.detach().reshape([count])));
        }
    }
}

/// Puts `tensors` into the parameters that `naming` names, in place of what is there.
///
/// # Errors
/// Lists every missing tensor, every one of another shape, and every one that no parameter asked for.
/// `optional` names may be unused.
pub fn load<M: Module>(
    module: M,
    tensors: &HostTensors,
    naming: Naming<'_>,
    optional: &[&str],
    what: &str,
) -> Result<M> {
    let mut fill = Fill { path: Vec::new(), naming, tensors, used: BTreeSet::new(), problems: Vec::new() };
    let module = module.map(&mut fill);
    let mut problems = fill.problems;
    for name in tensors.keys() {
        if !fill.used.contains(name) && !optional.contains(&name.as_str()) {
            problems.push(format!("`{name}` is in the file, but the model has no such tensor"));
        }
    }
    if problems.is_empty() { Ok(module) } else { Err(Error::Tensors { what: what.to_owned(), problems }) }
}

struct Fill<'a> {
    path: Vec<String>,
    naming: Naming<'a>,
    tensors: &'a HostTensors,
    used: BTreeSet<String>,
    problems: Vec<String>,
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const R: usize>(&mut self, param: Param<Tensor<R>>) -> Param<Tensor<R>> {
        let Some((name, transposed)) = (self.naming)(&self.path.join(".")) else { return param };
        let Some(found) = self.tensors.get(&name) else {
            self.problems.push(format!("`{name}` is missing"));
            return param;
        };
        let expected = param.lazy_shape().as_slice().to_vec();
        let stored: Vec<usize> =
            if transposed { expected.iter().rev().copied().collect() } else { expected.clone() };
        if found.shape != stored {
            self.problems.push(format!("`{name}`: expected shape {stored:?}, found {:?}", found.shape));
            return param;
        }
        self.used.insert(name);
        let found = if transposed { Cow::Owned(found.transposed()) } else { Cow::Borrowed(found) };
        let data = TensorData::new(found.values.clone(), expected);
        let grad = param.is_require_grad();
        param.map(|old| Tensor::from_data(data, &old.device()).set_require_grad(grad))
    }
}

/// Tensors of one safetensors file, widened to f32.
///
/// # Errors
/// A header larger than the file, overlapping offsets, truncation, a type other than f16, bf16, f32, f64.
pub fn from_safetensors(bytes: &[u8], what: &str) -> Result<HostTensors> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| Error::format(what, explain(&error, bytes)))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let values = widen(view.data(), view.dtype()).ok_or_else(|| {
            let expected = "one of F16, BF16, F32, F64";
            Error::mismatch(format!("type of `{name}` in {what}"), expected, format!("{:?}", view.dtype()))
        })?;
        tensors.insert(name, HostTensor { shape: view.shape().to_vec(), values });
    }
    Ok(tensors)
}

/// The library's message, with the sizes that tell a truncated file from a foreign one.
fn explain(error: &safetensors::SafeTensorError, bytes: &[u8]) -> String {
    let header = bytes.first_chunk::<8>().map(|start| u64::from_le_bytes(*start));
    match header {
        Some(header) if header > bytes.len() as u64 => {
            format!("its header claims {header} bytes, the file has {} ({error})", bytes.len())
        }
        _ => format!("{error} (the file has {} bytes)", bytes.len()),
    }
}

fn widen(data: &[u8], dtype: Dtype) -> Option<Vec<f32>> {
    fn each<const N: usize>(data: &[u8], widen: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        data.as_chunks::<N>().0.iter().map(|chunk| widen(*chunk)).collect()
    }
    Some(match dtype {
        Dtype::F32 => each(data, f32::from_le_bytes),
        Dtype::F16 => each(data, |chunk| f16::from_le_bytes(chunk).to_f32()),
        Dtype::BF16 => each(data, |chunk| bf16::from_le_bytes(chunk).to_f32()),
        Dtype::F64 => each(data, |chunk| f64::from_le_bytes(chunk) as f32),
        _ => return None,
    })
}

/// The type that numbers are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    F16,
}

/// One safetensors file.
pub fn to_safetensors(tensors: &HostTensors, precision: Precision) -> Result<Vec<u8>> {
    let views = tensors.iter().map(|(name, tensor)| (name, Stored { tensor, precision }));
    // transformers refuses files without the format key.
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    safetensors::serialize(views, metadata).map_err(|error| Error::format("tensors to be written", error))
}

struct Stored<'a> {
    tensor: &'a HostTensor,
    precision: Precision,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = &self.tensor.values;
        Cow::Owned(match self.precision {
            Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Precision::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        let width = if self.precision == Precision::F16 { 2 } else { 4 };
        self.tensor.values.len() * width
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
