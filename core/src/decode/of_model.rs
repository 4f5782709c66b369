//! The model behind the search: one cached decoder step a token.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};

use super::{Hypothesis, NextToken, SearchSettings, search};
use crate::batch;
use crate::error::Result;
use crate::model::{Cache, Dropout, Model, tensors};

/// Decodes a batch of inputs, `beams` hypotheses each.
pub struct ModelDecoder<'a> {
    model: &'a Model,
    cache: Cache,
}

impl<'a> ModelDecoder<'a> {
    /// Encodes the inputs once. `model` must be without autodiff (`Module::valid`).
    pub fn new(model: &'a Model, inputs: &[&[u32]], pad: u32, beams: usize, multiple: usize) -> Self {
        let (ids, mask) = batch::inputs(inputs, pad, multiple, &model.device());
        let encoded = model.encode(ids, mask, &mut Dropout::off());
        Self { model, cache: Cache::new(model.t5(), &encoded, beams) }
    }
}

impl NextToken for ModelDecoder<'_> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let ids: Vec<i32> = tokens.iter().map(|token| *token as i32).collect();
        let ids = TensorData::new(ids, [tokens.len(), 1]);
        let ids = Tensor::<2, Int>::from_data(ids, &self.model.device());
        tensors::to_vec(self.cache.step(self.model.t5(), ids)).await
    }

    fn reorder(&mut self, parents: &[usize]) {
        self.cache.reorder(parents);
    }

    fn keep_inputs(&mut self, inputs: &[usize]) {
        self.cache.keep_inputs(inputs);
    }

    fn vocab_size(&self) -> usize {
        self.model.t5().vocab_size()
    }
}

/// The best output of each input, in the order given; `batch` inputs at a time, similar lengths together.
pub async fn generate(
    model: &Model,
    inputs: &[Vec<u32>],
    pad: u32,
    settings: &SearchSettings,
    batch: usize,
    multiple: usize,
    progress: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<Hypothesis>> {
    let model = model.valid();
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|index| inputs[*index].len());
    let mut outputs: Vec<Option<Hypothesis>> = vec![None; inputs.len()];
    for (done, chunk) in order.chunks(batch.max(1)).enumerate() {
        progress(done * batch.max(1))?;
        let rows: Vec<&[u32]> = chunk.iter().map(|index| inputs[*index].as_slice()).collect();
        let mut decoder = ModelDecoder::new(&model, &rows, pad, settings.beams, multiple);
        let found = search(&mut decoder, rows.len(), settings).await?;
        for (index, hypothesis) in chunk.iter().zip(found) {
            outputs[*index] = Some(hypothesis);
        }
    }
    progress(inputs.len())?;
    Ok(outputs.into_iter().flatten().collect())
}
