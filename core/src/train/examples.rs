//! Training rows as pairs of ids, in an order that a seed fixes and a step number finds again.

use crate::batch::Batch;
use crate::data::Example;
use crate::error::{Error, Result};
use crate::rng::{Streams, choose, permutation};
use crate::task::Task;
use crate::tokenizer::Tokenizer;

/// The training rows of one task.
pub struct TrainingSet<'a> {
    pub task: &'a Task,
    pub rows: &'a [Example],
    pub tokenizer: &'a Tokenizer,
    /// Answered examples before each input.
    pub shots: usize,
    /// Longest input in tokens, end-of-sequence token included; 0 for no limit.
    pub max_input: usize,
    pub streams: Streams,
}

impl TrainingSet<'_> {
    /// The rows of 0-based `step`: each epoch is a new permutation, batches run across epochs.
    pub fn indices(&self, step: usize, batch: usize) -> Vec<(usize, usize)> {
        let n = self.rows.len();
        let mut order = (usize::MAX, Vec::new());
        (step * batch..(step + 1) * batch)
            .map(|position| {
                let epoch = position / n;
                if order.0 != epoch {
                    order = (epoch, permutation(n, &mut self.streams.stream(&format!("shuffle/{epoch}"))));
                }
                (epoch, order.1[position % n])
            })
            .collect()
    }

    /// The batch of a step, in `parts` parts of nearly equal size, rows of similar length together.
    pub fn batch(
        &self,
        step: usize,
        size: usize,
        parts: usize,
        start: u32,
        multiple: usize,
    ) -> Result<Vec<Batch>> {
        if self.rows.is_empty() {
            return Err(Error::mismatch(
                format!("training rows of {}", self.task.name),
                "at least one",
                "none",
            ));
        }
        let mut pairs =
            self.indices(step, size).into_iter().map(|at| self.pair(at)).collect::<Result<Vec<_>>>()?;
        pairs.sort_by_key(|(input, target)| (input.len(), target.len()));
        let part = size.div_ceil(parts.max(1));
        Ok(pairs
            .chunks(part)
            .map(|chunk| {
                let rows: Vec<(&[u32], &[u32])> =
                    chunk.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
                Batch::new(&rows, self.tokenizer.pad, start, multiple)
            })
            .collect())
    }

    fn pair(&self, (epoch, index): (usize, usize)) -> Result<(Vec<u32>, Vec<u32>)> {
        let mut rng = self.streams.stream(&format!("training shots/{epoch}/{index}"));
        // One more than asked for, so that the row itself can be left out.
        let shots: Vec<&Example> = choose(self.rows.len(), self.shots + 1, &mut rng)
            .into_iter()
            .filter(|other| *other != index)
            .take(self.shots)
            .map(|other| &self.rows[other])
            .collect();
        let rendered = self.task.render_with_shots(&shots, &self.rows[index])?;
        let mut input = self.tokenizer.encode(&rendered.input)?;
        if self.max_input > 0 && input.len() > self.max_input {
            input.truncate(self.max_input - 1);
            input.push(self.tokenizer.eos);
        }
        Ok((input, self.tokenizer.encode(&rendered.target)?))
    }
}
