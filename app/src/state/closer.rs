//! What is asked for only when somebody looks closer.

use super::State;
use super::attention::Attending;
use super::weights::Weights;
use crate::column::{Column, RecipeName};

impl State {
    /// The user looks at the probabilities of an answer's tokens: the tokens, where they are to be asked for, from then on
    /// under the number `id`.
    pub fn weigh(&mut self, id: u64, column: &Column) -> Option<Vec<u32>> {
        let dead = self.is_dead();
        let answer = self.answers.get_mut(column)?;
        if dead || answer.recorded || !answer.complete || answer.weights != Weights::Unasked {
            return None;
        }
        answer.weights = Weights::Asked(id);
        Some(answer.ids.clone())
    }

    /// The same for what the decoder attended to.
    pub fn attend(&mut self, id: u64, column: &Column) -> Option<Vec<u32>> {
        let dead = self.is_dead();
        let answer = self.answers.get_mut(column)?;
        if dead || answer.recorded || !answer.complete || answer.attention != Attending::Unasked {
            return None;
        }
        answer.attention = Attending::Asked(id);
        Some(answer.ids.clone())
    }

    /// The user looks at what training left in a model: the model to ask about, where that is not known.
    pub fn inspect(&mut self, id: u64) -> Option<RecipeName> {
        if self.is_dead() {
            return None;
        }
        self.explore.ask(id, &self.models)
    }
}
