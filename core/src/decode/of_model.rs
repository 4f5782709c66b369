//! The model behind the search: one cached decoder step a token.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};

use super::{Hypothesis, NextToken, SearchSettings, Suppressed, search};
use crate::batch::{BatchLayout, Inputs};
use crate::error::{Error, Result};
use crate::model::{Cache, Model, tensors};
use crate::parallel;

/// Decodes a batch of inputs, `beams` hypotheses each.
pub struct ModelDecoder<'a> {
    model: &'a Model,
    cache: Cache,
}

impl<'a> ModelDecoder<'a> {
    /// Reads the inputs once. `model` must be without autodiff (`Module::valid`).
    pub fn new(model: &'a Model, inputs: &[&[u32]], layout: &BatchLayout, beams: usize) -> Self {
        Self { model, cache: model.decoder(&Inputs::new(inputs, layout), beams) }
    }
}

impl NextToken for ModelDecoder<'_> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let ids: Vec<i32> = tokens.iter().map(|token| *token as i32).collect();
        let ids = TensorData::new(ids, [tokens.len(), 1]);
        let ids = Tensor::<2, Int>::from_data(ids, &self.model.device());
        let logits = tensors::to_vec(self.model.step(&mut self.cache, ids)).await?;
        check_finite("logits", &logits)?;
        Ok(logits)
    }

    fn reorder_cache(&mut self, parents: &[usize]) {
        self.cache.reorder_cache(parents);
    }

    fn retain_inputs(&mut self, inputs: &[usize]) {
        self.cache.retain_inputs(inputs);
    }

    fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }
}

/// # Errors
/// A number that is infinite or none at all: whatever is made of it means nothing.
pub(super) fn check_finite(what: &str, numbers: &[f32]) -> Result<()> {
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(found) => Err(Error::mismatch(format!("{what} of the model"), "finite numbers", found)),
        None => Ok(()),
    }
}

/// How inputs are put together.
#[derive(Clone, Copy, Debug)]
pub struct Batching<'a> {
    /// Inputs searched together; with several workers each searches its share of them.
    pub rows: usize,
    pub layout: BatchLayout,
    /// Tokens that no output may have.
    pub suppressed: &'a [u32],
}

/// The best output of each input, in the order given; similar lengths are searched together.
pub async fn generate(
    model: &Model,
    inputs: &[Vec<u32>],
    settings: &SearchSettings,
    batching: Batching<'_>,
    progress: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<Hypothesis>> {
    let model = model.valid();
    let longest = inputs.iter().map(Vec::len).max().unwrap_or(0);
    model.check_length(None, longest + settings.max_new_tokens.saturating_sub(1))?;
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|index| inputs[*index].len());
    let mut outputs: Vec<Option<Hypothesis>> = vec![None; inputs.len()];
    for (done, chunk) in order.chunks(batching.rows.max(1)).enumerate() {
        progress(done * batching.rows.max(1))?;
        let rows: Vec<&[u32]> = chunk.iter().map(|index| inputs[*index].as_slice()).collect();
        for (index, hypothesis) in chunk.iter().zip(batch(&model, &rows, settings, batching).await?) {
            outputs[*index] = Some(hypothesis);
        }
    }
    progress(inputs.len())?;
    Ok(outputs.into_iter().flatten().collect())
}

async fn part(
    model: &Model,
    rows: &[&[u32]],
    settings: &SearchSettings,
    batching: Batching<'_>,
) -> Result<Vec<Hypothesis>> {
    let decoder = ModelDecoder::new(model, rows, &batching.layout, settings.beams);
    search(&mut Suppressed { inner: decoder, tokens: batching.suppressed }, rows.len(), settings).await
}

/// Without threads, a batch is searched as one.
async fn batch(
    model: &Model,
    rows: &[&[u32]],
    settings: &SearchSettings,
    batching: Batching<'_>,
) -> Result<Vec<Hypothesis>> {
    if !parallel::THREADS || batching.layout.num_workers <= 1 || rows.len() <= 1 {
        return part(model, rows, settings, batching).await;
    }
    let jobs: Vec<(Model, &[&[u32]])> = rows
        .chunks(rows.len().div_ceil(batching.layout.num_workers))
        .map(|rows| (model.clone(), rows))
        .collect();
    let parts = parallel::map(jobs, |(model, rows)| at_once(part(&model, rows, settings, batching)));
    Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What a future gives that has nothing to wait for.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    use std::task::{Context, Poll, Waker};
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::mismatch("reading from the device", "numbers at once", "a wait")),
    }
}
