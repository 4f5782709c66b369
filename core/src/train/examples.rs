//! Training rows as ids, in an order that a seed fixes and a step number finds again.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use rand::Rng as _;

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

    /// The same of the tuned tasks alone, where there are others.
    fn tuned_rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        self.rows(step, size)
    }
}

/// The tasks in turn, row by row, so that each has the same share whatever its size.
pub struct Mixture<'a>(pub Vec<TrainingSet<'a>>);

impl Mixture<'_> {
    /// The rows at these places of the endless mixture: a list for each task.
    fn at(&self, positions: Range<usize>) -> Result<Vec<Vec<TokenizedExample>>> {
        let tasks = self.0.len();
        // How many of the mixture's first rows are of the task at this place.
        let of = |place: usize, rows: usize| (rows + tasks - 1 - place) / tasks;
        let sets = self.0.iter().enumerate();
        sets.map(|(place, set)| set.at(of(place, positions.start)..of(place, positions.end))).collect()
    }
}

impl Source for Mixture<'_> {
    fn rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        self.at(step * size..(step + 1) * size)
    }
}

/// The tuned tasks with a share of other rows in each batch, which are a last list of their own.
pub struct Replayed<'a> {
    pub tuned: Mixture<'a>,
    /// At least one row; they come in their order, again and again.
    pub rows: Vec<TokenizedExample>,
    /// In [0, 1).
    pub share: f64,
}

impl Source for Replayed<'_> {
    fn rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        // How many of the first batches' rows are replayed: a share below one row a batch fills every few batches.
        let before = |step: usize| ((step * size) as f64 * self.share).floor() as usize;
        let (from, to) = (before(step), before(step + 1));
        let mut lists = self.tuned.at(step * size - from..(step + 1) * size - to)?;
        lists.push((from..to).map(|place| self.rows[place % self.rows.len()].clone()).collect());
        Ok(lists)
    }

    fn tuned_rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        self.tuned.rows(step, size)
    }
}

/// The training rows of one task.
pub struct TrainingSet<'a> {
    renderer: Renderer<'a>,
    /// Share of the rows with one in-context example in front, where the renderer has none.
    one_shot_rate: f64,
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
        Self { renderer, one_shot_rate: 0.0, task_index, rows, streams, epoch: RefCell::default() }
    }

    /// With one in-context example before this share of the rows, if the others have none.
    pub fn with_one_shot_rate(self, one_shot_rate: f64) -> Self {
        Self { one_shot_rate, ..self }
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
        let mut renderer = self.renderer;
        if renderer.shots == 0 && self.one_shot_rate > 0.0 {
            renderer.shots = usize::from(rng.random::<f64>() < self.one_shot_rate);
        }
        let rendered = renderer.training(self.rows, index, &mut rng)?;
        Ok(TokenizedExample {
            id: RowId { task: self.task_index, row: index },
            target: self.renderer.tokenizer.encode_target(&rendered.text.input, &rendered.text.target)?,
            input: rendered.input,
            truncated: rendered.truncated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::built_in;
    use crate::tokenizer::Tokenizer;

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_json(include_bytes!("../../../tests/golden/t5/t5-1.1/tokenizer.json")).unwrap()
    }

    fn numbers(count: usize) -> Vec<Example> {
        (0..count).map(|n| Example::new([("input", n.into()), ("target", n.into())])).collect()
    }

    fn renderer(tokenizer: &Tokenizer) -> Renderer<'_> {
        let task = built_in().by_name("text2text").unwrap();
        Renderer { task, tokenizer, shots: 0, max_input: 0 }
    }

    #[test]
    fn a_share_of_the_rows_has_an_example_in_front() {
        let (tokenizer, rows) = (tokenizer(), numbers(400));
        let lengths = |rate: f64| -> Vec<usize> {
            let set = TrainingSet::new(renderer(&tokenizer), 0, &rows, Streams::new(1));
            let found = set.with_one_shot_rate(rate).at(0..400).unwrap();
            found.iter().map(|row| row.input.len()).collect()
        };
        let (none, half, all) = (lengths(0.0), lengths(0.5), lengths(1.0));
        assert!(none.iter().zip(&all).all(|(none, all)| none < all));
        let with = half.iter().zip(&none).filter(|(half, none)| half > none).count();
        assert!((160..240).contains(&with), "{with} of 400");
        assert_eq!(half, lengths(0.5));
    }

    #[test]
    fn a_share_of_each_batch_is_replayed() {
        let (tokenizer, rows) = (tokenizer(), numbers(400));
        let tuned = || Mixture(vec![TrainingSet::new(renderer(&tokenizer), 0, &rows, Streams::new(1))]);
        let replay: Vec<_> = (0..7).map(|n| TokenizedExample::from((vec![n], vec![n]))).collect();
        for (share, each) in [(0.0, vec![0; 5]), (0.1, vec![0, 1, 1, 1, 1]), (0.5, vec![4; 5])] {
            let source = Replayed { tuned: tuned(), rows: replay.clone(), share };
            let batches: Vec<_> = (0..5).map(|step| source.rows(step, 8).unwrap()).collect();
            let counts: Vec<usize> = batches.iter().map(|lists| lists[1].len()).collect();
            assert_eq!(counts.iter().sum::<usize>(), (40.0 * share) as usize);
            assert_eq!(counts, each, "{share}");
            assert!(batches.iter().all(|lists| lists[0].len() + lists[1].len() == 8));
            // Neither list leaves a row out or has one twice.
            let tuned_rows: Vec<_> = batches.iter().flat_map(|lists| lists[0].clone()).collect();
            assert_eq!(tuned_rows, tuned().at(0..tuned_rows.len()).unwrap().remove(0));
            let replayed: Vec<_> = batches.into_iter().flat_map(|mut lists| lists.remove(1)).collect();
            assert!(replayed.iter().zip(replay.iter().cycle()).all(|(found, due)| found == due));
        }
    }

    #[test]
    fn an_epoch_is_permuted_once() {
        let (tokenizer, rows) = (tokenizer(), numbers(7));
        let set = TrainingSet::new(renderer(&tokenizer), 2, &rows, Streams::new(1));
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
