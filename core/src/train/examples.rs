//! Training rows as pairs of ids, in an order that a seed fixes and a step number finds again.

use std::ops::Range;

use crate::batch::Pair;
use crate::data::Example;
use crate::error::{Error, Result};
use crate::rng::{Streams, choose, permutation};
use crate::task::Task;
use crate::tokenizer::Tokenizer;

/// Where a stage's batches come from. A step's batch depends on its number alone, so that a resumed stage sees what
/// an uninterrupted one would.
pub trait Source {
    /// The `size` rows of the 0-based `step`: a list for each task.
    fn pairs(&self, step: usize, size: usize) -> Result<Vec<Vec<Pair>>>;
}

/// The tasks in turn, row by row, so that each has the same share whatever its size.
pub struct Mixture<'a>(pub Vec<TrainingSet<'a>>);

impl Source for Mixture<'_> {
    fn pairs(&self, step: usize, size: usize) -> Result<Vec<Vec<Pair>>> {
        let tasks = self.0.len();
        // How many of the mixture's first rows are of the task at this place.
        let of = |place: usize, rows: usize| (rows + tasks - 1 - place) / tasks;
        let sets = self.0.iter().enumerate();
        sets.map(|(place, set)| set.pairs(of(place, step * size)..of(place, (step + 1) * size))).collect()
    }
}

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
    /// Epoch and row of each position: every epoch is a new permutation, batches run across epochs.
    fn indices(&self, positions: Range<usize>) -> Vec<(usize, usize)> {
        let n = self.rows.len();
        let mut order = (usize::MAX, Vec::new());
        positions
            .map(|position| {
                let epoch = position / n;
                if order.0 != epoch {
                    order = (epoch, permutation(n, &mut self.streams.stream(&format!("shuffle/{epoch}"))));
                }
                (epoch, order.1[position % n])
            })
            .collect()
    }

    fn pairs(&self, positions: Range<usize>) -> Result<Vec<Pair>> {
        if self.rows.is_empty() {
            let rows = format!("training rows of {}", self.task.name);
            return Err(Error::mismatch(rows, "at least one", "none"));
        }
        self.indices(positions).into_iter().map(|at| self.pair(at)).collect()
    }

    fn pair(&self, (epoch, index): (usize, usize)) -> Result<Pair> {
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
