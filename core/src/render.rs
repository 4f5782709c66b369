//! From a row to what the model reads: in-context examples drawn, template filled, tokenised, cut to the longest
//! length. Training, evaluation and the page render here and nowhere else, so that all three see the same inputs.

use rand::RngCore;

use crate::data::Example;
use crate::error::{Error, Result};
use crate::rng::{Streams, choose, sample};
use crate::task::{Rendered, Task};
use crate::tokenizer::{Message, Role, Tokenizer};

/// The settings that decide what a row of a task looks like.
#[derive(Clone, Copy)]
pub struct Renderer<'a> {
    pub task: &'a Task,
    pub tokenizer: &'a Tokenizer,
    /// In-context examples before each input.
    pub shots: usize,
    /// Longest input in tokens, end-of-sequence token included; 0 for no limit.
    pub max_input: usize,
}

/// A row as text and as ids.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedRow {
    pub text: Rendered,
    /// The ids of the input, at most `max_input` of them.
    pub input: Vec<u32>,
    /// Whether the input was longer and has been cut.
    pub truncated: bool,
}

/// Where an evaluation draws its in-context examples: the first training rows of the task.
#[derive(Clone, Copy)]
pub struct ShotPool<'a> {
    rows: &'a [Example],
    seed: u64,
}

impl<'a> ShotPool<'a> {
    /// The first `size` of the training rows, 0 for all. Equal sizes and seeds give equal draws, whoever asks.
    pub fn new(training_rows: &'a [Example], size: usize, seed: u64) -> Self {
        let size = if size == 0 { training_rows.len() } else { size.min(training_rows.len()) };
        Self { rows: &training_rows[..size], seed }
    }

    pub fn size(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> &'a [Example] {
        self.rows
    }
}

impl<'a> Renderer<'a> {
    /// A row behind its in-context examples.
    pub fn render(&self, in_context: &[&Example], row: &Example) -> Result<RenderedRow> {
        let text = match self.task.chat {
            true => self.chat(in_context, row)?,
            false => self.task.render_with_shots(in_context, row)?,
        };
        let (input, truncated) = self.encode(&text.input)?;
        Ok(RenderedRow { text, input, truncated })
    }

    fn chat(&self, in_context: &[&Example], row: &Example) -> Result<Rendered> {
        let mut rendered = self.task.render(row)?;
        let mut turns = Vec::new();
        for shot in in_context {
            let Rendered { input, target, .. } = self.task.render(shot)?;
            turns.push(Message { role: Role::User, content: input });
            turns.push(Message { role: Role::Assistant, content: target });
        }
        turns.push(Message { role: Role::User, content: std::mem::take(&mut rendered.input) });
        rendered.input = self.tokenizer.chat(&turns)?;
        Ok(rendered)
    }

    /// The rows of an evaluation, each behind the examples drawn for it.
    pub fn evaluation(&self, rows: &[Example], pool: &ShotPool<'_>) -> Result<Vec<RenderedRow>> {
        rows.iter().zip(self.draws(pool)?).map(|(row, shots)| self.render(&shots, row)).collect()
    }

    /// The in-context examples of an evaluation's rows, in their order and without end: those of a row do not depend
    /// on how many rows there are.
    ///
    /// # Errors
    /// A pool with fewer rows than examples asked for.
    pub fn draws<'p>(&self, pool: &ShotPool<'p>) -> Result<impl Iterator<Item = Vec<&'p Example>> + use<'p>> {
        let (shots, rows) = (self.shots, pool.rows);
        if rows.len() < shots {
            let what = format!("in-context examples of {}", self.task.name);
            return Err(Error::mismatch(what, format!("at least {shots} training rows"), rows.len()));
        }
        let mut rng = Streams::new(pool.seed).stream(&format!("shots/{}/{shots}", self.task.name));
        Ok(std::iter::repeat_with(move || {
            let chosen = if shots == 0 { Vec::new() } else { choose(rows.len(), shots, &mut rng) };
            chosen.into_iter().map(|index| &rows[index]).collect()
        }))
    }

    /// A training row behind other rows of its data set, drawn from the given stream.
    pub fn training(&self, rows: &[Example], index: usize, rng: &mut impl RngCore) -> Result<RenderedRow> {
        let others = other_rows(rows.len(), index, self.shots, rng);
        let shots: Vec<&Example> = others.into_iter().map(|other| &rows[other]).collect();
        self.render(&shots, &rows[index])
    }

    /// The ids of an input, and whether it had to be cut.
    fn encode(&self, text: &str) -> Result<(Vec<u32>, bool)> {
        let ids = self.tokenizer.encode_input(text)?;
        let truncated = self.max_input > 0 && ids.len() > self.max_input;
        let ids = if truncated { self.tokenizer.cut(ids, self.max_input) } else { ids };
        Ok((ids, truncated))
    }
}

/// `count` rows out of `n` other than `own`; fewer where there are not so many.
fn other_rows(n: usize, own: usize, count: usize, rng: &mut impl RngCore) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let others = sample(n.saturating_sub(1), count, rng).into_iter();
    others.map(|index| index + usize::from(index >= own)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Counting;

    #[test]
    fn draws_of_a_training_row_do_not_grow_with_the_data() {
        let mut rng = Counting { inner: Streams::new(0).stream("training shots"), draws: 0 };
        for (rows, shots) in [(8017, 0), (8017, 1), (40_000_000, 0), (40_000_000, 1), (40_000_000, 4)] {
            rng.draws = 0;
            let found = other_rows(rows, 17, shots, &mut rng);
            assert_eq!(found.len(), shots);
            assert!(rng.draws <= 10 * shots, "{} draws for {shots} of {rows} rows", rng.draws);
        }
    }

    #[test]
    fn a_row_is_never_its_own_example() {
        let mut rng = Streams::new(0).stream("training shots");
        for own in 0..4 {
            let mut found = other_rows(4, own, 9, &mut rng);
            found.sort_unstable();
            assert_eq!(found, (0..4).filter(|index| *index != own).collect::<Vec<_>>());
        }
        assert!(other_rows(1, 0, 1, &mut rng).is_empty());
    }
}
