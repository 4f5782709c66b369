//! The soft prompt: P trained vectors in front of the embedded input (Lester et al., 2021; stage 1 of ProMoT). Its value, its initialisers and where it is placed.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng as _;

use crate::error::{Error, Result};
use crate::rng::{Rng, choose};

/// `value`: `[P, D]`.
#[derive(Module, Debug)]
pub struct SoftPrompt {
    pub value: Param<Tensor<2>>,
}

impl SoftPrompt {
    /// From P rows of D numbers each, row after row.
    pub fn from_values(values: Vec<f32>, length: usize, d_model: usize, device: &Device) -> Result<Self> {
        if values.len() != length * d_model {
            return Err(Error::mismatch(
                "soft prompt",
                format!("{length} vectors of width {d_model}"),
                format!("{} numbers", values.len()),
            ));
        }
        let value = Tensor::from_data(TensorData::new(values, [length, d_model]), device);
        Ok(Self { value: Param::from_tensor(value) })
    }

    pub fn length(&self) -> usize {
        self.value.lazy_shape()[0]
    }

    pub fn width(&self) -> usize {
        self.value.lazy_shape()[1]
    }

    /// Puts the prompt before each row: `[B, S, D]` and mask `[B, S]` become `[B, P + S, D]` and `[B, P + S]`.
    /// A prompt of length 0 changes nothing.
    pub fn prepend(&self, embedded: Tensor<3>, mask: Tensor<2>) -> (Tensor<3>, Tensor<2>) {
        let (rows, length) = (embedded.dims()[0], self.length());
        if length == 0 {
            return (embedded, mask);
        }
        let ones = Tensor::ones([rows, length], &mask.device());
        (self.before(embedded), Tensor::cat(vec![ones, mask], 1))
    }

    /// The embeddings alone: `[B, S, D]` become `[B, P + S, D]`.
    pub fn before(&self, embedded: Tensor<3>) -> Tensor<3> {
        let [rows, _, width] = embedded.dims();
        let length = self.length();
        if length == 0 {
            return embedded;
        }
        let prompt = self.value.val().unsqueeze::<3>().expand([rows, length, width]);
        Tensor::cat(vec![prompt, embedded], 1)
    }
}

/// Uniform in +-`range`, P x D numbers.
pub fn uniform(length: usize, d_model: usize, range: f64, rng: &mut Rng) -> Vec<f32> {
    let range = range as f32;
    (0..length * d_model).map(|_| rng.random_range(-range..=range)).collect()
}

/// Rows of the embedding table, drawn without replacement from its first `vocabulary` rows (0 for all).
pub fn from_vocabulary(
    length: usize,
    table: &EmbeddingTable,
    vocabulary: usize,
    rng: &mut Rng,
) -> Result<Vec<f32>> {
    let rows = if vocabulary == 0 { table.rows() } else { vocabulary.min(table.rows()) };
    if length > rows {
        return Err(Error::mismatch(
            "soft prompt sampled from the vocabulary",
            format!("a length of at most {rows}, the entries there are"),
            length,
        ));
    }
    Ok(choose(rows, length, rng).into_iter().flat_map(|row| table.row(row).to_vec()).collect())
}

/// Each class word's mean embedding first, vocabulary rows for the rest (Lester et al., section 3.1).
pub fn from_classes(
    length: usize,
    table: &EmbeddingTable,
    classes: &[Vec<u32>],
    vocabulary: usize,
    rng: &mut Rng,
) -> Result<Vec<f32>> {
    let mut values = Vec::with_capacity(length * table.width);
    for ids in classes.iter().filter(|ids| !ids.is_empty()).take(length) {
        let mut mean = vec![0.0; table.width];
        for id in ids {
            for (sum, value) in mean.iter_mut().zip(table.checked_row(*id)?) {
                *sum += value / ids.len() as f32;
            }
        }
        values.extend(mean);
    }
    let rest = length - values.len() / table.width;
    values.extend(from_vocabulary(rest, table, vocabulary, rng)?);
    Ok(values)
}

/// The embeddings of given ids, repeated or cut to `length`.
pub fn from_ids(length: usize, table: &EmbeddingTable, ids: &[u32]) -> Result<Vec<f32>> {
    if ids.is_empty() {
        return Err(Error::mismatch("text of the soft prompt", "at least one token", "none"));
    }
    let mut values = Vec::with_capacity(length * table.width);
    for position in 0..length {
        values.extend_from_slice(table.checked_row(ids[position % ids.len()])?);
    }
    Ok(values)
}

/// The embedding matrix on the host, V x D.
pub struct EmbeddingTable {
    pub values: Vec<f32>,
    pub width: usize,
}

impl EmbeddingTable {
    pub fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..][..self.width]
    }

    fn checked_row(&self, id: u32) -> Result<&[f32]> {
        let id = id as usize;
        if id >= self.rows() {
            return Err(Error::mismatch("token id", format!("below the vocabulary's {}", self.rows()), id));
        }
        Ok(self.row(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    fn table() -> EmbeddingTable {
        EmbeddingTable { values: (0..20).map(|x| x as f32).collect(), width: 2 }
    }

    #[test]
    fn classes_come_first_as_means() {
        let mut rng = Streams::new(0).stream("prompt");
        let values = from_classes(3, &table(), &[vec![1, 2], vec![4]], 0, &mut rng).unwrap();
        assert_eq!(&values[..4], &[3.0, 4.0, 8.0, 9.0]);
        assert_eq!(values.len(), 6);
    }

    #[test]
    fn text_repeats_to_length() {
        assert_eq!(from_ids(3, &table(), &[0, 5]).unwrap(), vec![0.0, 1.0, 10.0, 11.0, 0.0, 1.0]);
        assert!(from_ids(3, &table(), &[99]).is_err());
    }

    #[test]
    fn vocabulary_draws_without_replacement_and_refuses_too_long_prompts() {
        let mut rng = Streams::new(0).stream("prompt");
        let mut rows: Vec<_> = from_vocabulary(10, &table(), 0, &mut rng)
            .unwrap()
            .chunks(2)
            .map(|row| row[0] as usize)
            .collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..10).map(|x| 2 * x).collect::<Vec<_>>());
        assert!(from_vocabulary(6, &table(), 5, &mut rng).is_err());
    }
}
