//! What is asked for only when somebody looks closer.

use super::attention::Attending;
use super::weights::Weights;
use super::{Answer, State};
use crate::column::{Column, RecipeName};

impl State {
    /// The user looks at the probabilities of an answer's tokens: the tokens, where they are to be asked for, from then on
    /// under the number `id`.
    pub fn weigh(&mut self, id: u64, column: &Column) -> Option<Vec<u32>> {
        let answer = self.computed(column).filter(|answer| answer.weights == Weights::Unasked)?;
        answer.weights = Weights::Asked(id);
        Some(answer.ids.clone())
    }

    /// The same for what the decoder attended to.
    pub fn attend(&mut self, id: u64, column: &Column) -> Option<Vec<u32>> {
        let answer = self.computed(column).filter(|answer| answer.attention == Attending::Unasked)?;
        answer.attention = Attending::Asked(id);
        Some(answer.ids.clone())
    }

    /// A column's whole answer, where a model computed it here and can be asked more.
    fn computed(&mut self, column: &Column) -> Option<&mut Answer> {
        if self.is_dead() {
            return None;
        }
        self.answers.get_mut(column).filter(|answer| answer.complete && !answer.recorded)
    }

    /// The user looks at what training left in a model: the model to ask about, where that is not known.
    pub fn inspect(&mut self, id: u64) -> Option<RecipeName> {
        if self.is_dead() {
            return None;
        }
        self.explore.ask(id, &self.models)
    }
}
