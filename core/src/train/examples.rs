//! Training rows as ids, in an order that a seed fixes and a step number finds again.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use crate::batch::{RowId, TokenizedExample};
use crate::data::Example;
use crate::error::{Error, Result};
use crate::render::Renderer;
use crate::rng::{Streams, permutation};

/// Where a stage's batches come from. A step's batch depends on its number alone, so that a resumed stage sees what
/// an uninterrupted one would.
pub trait Source {
    /// The `size` rows of the 0-based `step`: a list for each task.
    fn rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>>;
}

/// The tasks in turn, row by row, so that each has the same share whatever its size.
pub struct Mixture<'a>(pub Vec<TrainingSet<'a>>);

impl Source for Mixture<'_> {
    fn rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        let tasks = self.0.len();
        // How many of the mixture's first rows are of the task at this place.
        let of = |place: usize, rows: usize| (rows + tasks - 1 - place) / tasks;
        let sets = self.0.iter().enumerate();
        sets.map(|(place, set)| set.at(of(place, step * size)..of(place, (step + 1) * size))).collect()
    }
}

/// The training rows of one task.
pub struct TrainingSet<'a> {
    renderer: Renderer<'a>,
    /// Of the rows' ids.
    task_index: usize,
    rows: &'a [Example],
    streams: Streams,
    /// The last epoch's number and order: a permutation costs as many draws as there are rows.
    epoch: RefCell<Option<(usize, Rc<[usize]>)>>,
}

impl<'a> TrainingSet<'a> {
    /// `task_index`: the task's index among the tuned ones, for the ids of its rows.
    pub fn new(renderer: Renderer<'a>, task_index: usize, rows: &'a [Example], streams: Streams) -> Self {
        Self { renderer, task_index, rows, streams, epoch: RefCell::default() }
    }

    /// Every epoch is a new permutation, batches run across epochs.
    fn at(&self, positions: Range<usize>) -> Result<Vec<TokenizedExample>> {
        let n = self.rows.len();
        if n == 0 {
            let rows = format!("training rows of {}", self.renderer.task.name);
            return Err(Error::mismatch(rows, "at least one", "none"));
        }
        positions
            .map(|position| {
                let epoch = position / n;
                self.row(epoch, self.order(epoch)[position % n])
            })
            .collect()
    }

    fn order(&self, epoch: usize) -> Rc<[usize]> {
        let mut last = self.epoch.borrow_mut();
        match &*last {
            Some((known, order)) if *known == epoch => Rc::clone(order),
            _ => {
                let mut rng = self.streams.stream(&format!("shuffle/{epoch}"));
                let order: Rc<[usize]> = permutation(self.rows.len(), &mut rng).into();
                *last = Some((epoch, Rc::clone(&order)));
                order
            }
        }
    }

    fn row(&self, epoch: usize, index: usize) -> Result<TokenizedExample> {
        let mut rng = self.streams.stream(&format!("training shots/{epoch}/{index}"));
        let rendered = self.renderer.training(self.rows, index, &mut rng)?;
        Ok(TokenizedExample {
            id: RowId { task: self.task_index, row: index },
            input: rendered.input,
            target: self.renderer.tokenizer.encode(&rendered.text.target)?,
            truncated: rendered.truncated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::built_in;
    use crate::tokenizer::Tokenizer;

    #[test]
    fn an_epoch_is_permuted_once() {
        let bytes = include_bytes!("../../../tests/golden/t5/t5-1.1/tokenizer.json");
        let tokenizer = Tokenizer::from_json(bytes).unwrap();
        let task = built_in().by_name("text2text").unwrap();
        let row = |n: usize| Example::new([("input", n.into()), ("target", n.into())]);
        let rows: Vec<Example> = (0..7).map(row).collect();
        let renderer = Renderer { task, tokenizer: &tokenizer, shots: 0, max_input: 0 };
        let set = TrainingSet::new(renderer, 2, &rows, Streams::new(1));
        let first = set.order(0);
        // Steps of three rows: the third runs across the end of the epoch.
        for step in 0..2 {
            set.at(step * 3..(step + 1) * 3).unwrap();
            assert!(Rc::ptr_eq(&first, &set.order(0)), "step {step}");
        }
        let across = set.at(6..9).unwrap();
        let second = set.order(1);
        assert_ne!(first, second);
        let ids: Vec<RowId> = across.iter().map(|row| row.id).collect();
        assert_eq!(ids, [first[6], second[0], second[1]].map(|row| RowId { task: 2, row }));
        set.at(9..12).unwrap();
        assert!(Rc::ptr_eq(&second, &set.order(1)));
    }
}
