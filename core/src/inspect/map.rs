//! A soft prompt's vectors among the embeddings of tokens, as a picture of two dimensions.

use burn::tensor::Tensor;

use super::components::plane;
use crate::error::{Error, Result};
use crate::model::tensors::to_vec;
use crate::model::{Model, SoftPrompt};

/// Places in the plane of the first two principal components of all that is shown, by direction: every vector is taken at
/// length 1, as the cosine takes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptMap {
    /// Of the prompt's vectors, in their order.
    pub vectors: Vec<[f64; 2]>,
    /// Of the tokens, in theirs.
    pub tokens: Vec<[f64; 2]>,
    /// The share of the variance along each axis, in [0, 1].
    pub explained: [f64; 2],
}

/// Where the vectors of a soft prompt lie among the input embeddings of the tokens `ids`.
///
/// # Errors
/// A prompt of another width than the model's, an id beyond its vocabulary.
pub async fn map(prompt: &SoftPrompt, model: &Model, ids: &[u32]) -> Result<PromptMap> {
    let (width, vocabulary) = (model.width(), model.vocab_size());
    if prompt.width() != width {
        return Err(Error::mismatch("soft prompt", format!("width {width}"), prompt.width()));
    }
    let row = |id: &u32| match usize::try_from(*id) {
        Ok(row) if row < vocabulary => Ok(row),
        _ => Err(Error::mismatch("token id", format!("below {vocabulary}"), id)),
    };
    let rows = ids.iter().map(row).collect::<Result<Vec<_>>>()?;
    let table = model.embedding();
    let vectors = prompt.value.val().detach().to_device(&table.device());
    let chosen = rows.iter().map(|row| table.clone().slice([*row..row + 1, 0..width]));
    let all = Tensor::cat(std::iter::once(vectors).chain(chosen).collect(), 0);
    let values = to_vec(all).await?;
    let (mut places, explained) = plane(values.chunks(width.max(1)).map(unit).collect());
    let tokens = places.split_off(prompt.length());
    Ok(PromptMap { vectors: places, tokens, explained })
}

fn unit(row: &[f32]) -> Vec<f64> {
    let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
    let length = row.iter().map(|value| value * value).sum::<f64>().sqrt().max(1e-12);
    row.into_iter().map(|value| value / length).collect()
}
