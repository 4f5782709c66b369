//! One tensor on the host, and where a model's tensors come from.

use std::collections::BTreeMap;
use std::fmt::Display;

use half::{bf16, f16};
use safetensors::Dtype;

use crate::error::{Error, Result};

/// One tensor as f32 numbers, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

pub type HostTensors = BTreeMap<String, HostTensor>;

impl HostTensor {
    /// # Errors
    /// Numbers that are infinite or none at all; `name` says whose.
    pub fn check_finite(&self, name: impl Display) -> Result<()> {
        let Some(found) = self.values.iter().find(|value| !value.is_finite()) else { return Ok(()) };
        let wrong = self.values.iter().filter(|value| !value.is_finite()).count();
        let found = format!("{found} ({wrong} of {} are not finite)", self.values.len());
        Err(Error::mismatch(format!("numbers of {name}"), "finite ones", found))
    }

    pub fn transposed(&self) -> Self {
        let [rows, columns] = self.shape[..] else { return self.clone() };
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..columns {
            values.extend((0..rows).map(|row| self.values[row * columns + column]));
        }
        Self { shape: vec![columns, rows], values }
    }
}

/// Tensors that can be had one at a time.
pub trait TensorSource {
    fn names(&self) -> Vec<&str>;

    fn shape(&self, name: &str) -> Option<&[usize]>;

    fn tensor(&self, name: &str) -> Result<HostTensor>;
}

impl TensorSource for HostTensors {
    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.get(name).map(|tensor| tensor.shape.as_slice())
    }

    fn tensor(&self, name: &str) -> Result<HostTensor> {
        self.get(name)
            .cloned()
            .ok_or_else(|| Error::mismatch("tensors", format!("one called `{name}`"), "none"))
    }
}

/// Numbers of `tensor` in `file` as f32.
pub(super) fn widen(data: &[u8], dtype: Dtype, tensor: &str, file: &str) -> Result<Vec<f32>> {
    fn each<const N: usize>(data: &[u8], widen: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        data.as_chunks::<N>().0.iter().map(|chunk| widen(*chunk)).collect()
    }
    Ok(match dtype {
        Dtype::F32 => each(data, f32::from_le_bytes),
        Dtype::F16 => each(data, |chunk| f16::from_le_bytes(chunk).to_f32()),
        Dtype::BF16 => each(data, |chunk| bf16::from_le_bytes(chunk).to_f32()),
        Dtype::F64 => each(data, |chunk| f64::from_le_bytes(chunk) as f32),
        other => {
            let expected = "one of F16, BF16, F32, F64";
            return Err(Error::mismatch(
                format!("type of `{tensor}` in {file}"),
                expected,
                format!("{other:?}"),
            ));
        }
    })
}
