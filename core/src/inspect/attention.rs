//! What a decoder attends to while it writes an answer.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::batch::{Batch, BatchLayout, TokenizedExample};
use crate::error::Result;
use crate::model::path::StackKind;
use crate::model::tensors::to_vec;
use crate::model::{Dropout, Model, Pass, SoftPrompt};

/// Attention weights, as means over heads: by layer, by place of the target, and over prompt and input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attended {
    /// Vectors of the soft prompt, which come first.
    pub prompt: usize,
    /// Tokens of the input, which follow.
    pub input: usize,
    /// An encoder-decoder's cross-attention: the weights of a place have a sum of 1. Of a decoder-only model what is missing
    /// to 1 goes to the answer's own tokens before the place.
    pub layers: Vec<Vec<Vec<f32>>>,
}

/// The attention of the decoder at each place of the row's target, in one teacher-forced pass.
///
/// # Errors
/// A row that is longer than the model reaches.
pub async fn attended(model: &Model, row: &TokenizedExample, layout: &BatchLayout) -> Result<Attended> {
    let model = model.valid();
    let (prompt, input) = (model.prompt.as_ref().map_or(0, SoftPrompt::length), row.input.len());
    if row.target.is_empty() {
        return Ok(Attended { prompt, input, layers: Vec::new() });
    }
    model.check_length(None, (input + row.target.len()).saturating_sub(1))?;
    let mut pass = Pass::new(Dropout::keeping_attention());
    model.hidden(&Batch::new(std::slice::from_ref(row), layout), &mut pass);
    let (places, before) = (row.target.len(), prompt + input);
    // An encoder has one attention a block and its decoder two, of which the second is the cross-attention. The only one of
    // a decoder-only model predicts a token at the position before it.
    let encoder = model.num_blocks(StackKind::Encoder);
    let (each, first) = if encoder > 0 { (2, 0) } else { (1, before.saturating_sub(1)) };
    let kept = pass.dropout.kept_attention().into_iter().skip(encoder);
    let layers: Vec<Tensor<4>> = kept
        .skip(each - 1)
        .step_by(each)
        .map(|weights| weights.mean_dim(1).slice([0..1, 0..1, first..first + places, 0..before]))
        .collect();
    let values = to_vec(Tensor::cat(layers, 0)).await?;
    let layer = |layer: &[f32]| layer.chunks(before.max(1)).map(<[f32]>::to_vec).collect();
    Ok(Attended { prompt, input, layers: values.chunks((places * before).max(1)).map(layer).collect() })
}
