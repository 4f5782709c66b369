//! Where a tensor stands in a file, and how its numbers are written there.

use safetensors::Dtype;

use super::blocks::Blocks;
use super::host_tensor::{HostTensor, widen};
use crate::error::{Error, Result};

/// Where the numbers of a tensor stand in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub encoding: Encoding,
    pub shape: Vec<usize>,
    pub from: u64,
    pub bytes: usize,
    /// The heads whose rows stand in pairs, as in a GGUF file's queries and keys; 0 for rows as they should be.
    pub paired_heads: usize,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain(Dtype),
    Blocks(Blocks),
}

impl Place {
    pub fn plain(dtype: Dtype, shape: Vec<usize>, from: u64, bytes: usize) -> Self {
        Self { encoding: Encoding::Plain(dtype), shape, from, bytes, paired_heads: 0 }
    }

    /// The tensor of these bytes; `name` and `file` stand in errors.
    ///
    /// # Errors
    /// A type of number that is not known here.
    pub fn read(&self, data: &[u8], name: &str, file: &str) -> Result<HostTensor> {
        let values = match self.encoding {
            Encoding::Plain(dtype) => widen(data, dtype, name, file)?,
            Encoding::Blocks(blocks) => blocks.numbers(data),
        };
        let expected: usize = self.shape.iter().product();
        if values.len() != expected {
            let what = format!("numbers of `{name}` in {file}");
            return Err(Error::mismatch(what, expected, values.len()));
        }
        Ok(HostTensor { shape: self.shape.clone(), values: self.unpaired(values) })
    }

    /// Rows of heads in the order of Hugging Face's rotation, where number i of a head is turned with number i + half; in
    /// the file it stands beside it.
    fn unpaired(&self, values: Vec<f32>) -> Vec<f32> {
        let rows = self.shape.first().copied().unwrap_or_default();
        if self.paired_heads == 0 || rows == 0 {
            return values;
        }
        let (width, of_head) = (values.len() / rows, rows / self.paired_heads);
        let from = |row: usize| {
            let (head, within) = (row / of_head, row % of_head);
            let (second, pair) = (within / (of_head / 2), within % (of_head / 2));
            head * of_head + 2 * pair + second
        };
        (0..rows).flat_map(|row| values[from(row) * width..][..width].iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paired_rows_stand_in_halves_afterwards() {
        let data: Vec<u8> = (0..16).flat_map(|value: u8| f32::from(value).to_le_bytes()).collect();
        let place = Place { paired_heads: 2, ..Place::plain(Dtype::F32, vec![8, 2], 0, 64) };
        let found = place.read(&data, "q", "a file").unwrap().values;
        let rows: Vec<f32> = found.iter().step_by(2).map(|value| value / 2.0).collect();
        assert_eq!(rows, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    }

    #[test]
    fn fewer_numbers_than_the_shape_has_are_told_of() {
        let found = Place::plain(Dtype::F32, vec![3], 0, 8).read(&[0; 8], "a", "f").unwrap_err().to_string();
        assert_eq!(found, "numbers of `a` in f: expected 3, found 2");
    }
}
