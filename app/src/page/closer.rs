//! What is asked of the worker only when the user looks closer.

use leptos::prelude::*;

use super::app::App;
use crate::column::{Column, RecipeName};
use crate::protocol::{Answered, Command};
use crate::state::State;
use crate::state::place::Screen;

impl App {
    /// Asks for the probabilities of an answer's tokens, where they are not there.
    pub fn weigh(&self, column: &Column) {
        self.look_closer(column, State::weigh, |id, answered| Command::Weigh { id, answered });
    }

    /// The same for what the decoder attended to.
    pub fn attend(&self, column: &Column) {
        self.look_closer(column, State::attend, |id, answered| Command::Attend { id, answered });
    }

    fn look_closer(
        &self,
        column: &Column,
        look: fn(&mut State, u64, &Column) -> Option<Vec<u32>>,
        command: fn(u64, Answered) -> Command,
    ) {
        let id = self.next_id();
        let ids = self.state.try_maybe_update(|state| {
            let ids = look(state, id, column);
            (ids.is_some(), ids)
        });
        let Some(ids) = ids.flatten() else { return };
        let answered = self.state.with_untracked(|state| Answered {
            input: state.question.text.clone(),
            column: column.clone(),
            prompt: state.prompt,
            mix: state.mix,
            ids,
        });
        self.send(&command(id, answered));
    }

    /// The user explores another model.
    pub fn explore(&self, recipe: RecipeName) {
        self.state.update(|state| state.explore.choose(recipe));
        self.inspect();
    }

    /// Asks what training left in the model that is explored, while somebody looks and where it is not known.
    pub fn inspect(&self) {
        if self.view.get_untracked() != Screen::Explore {
            return;
        }
        let id = self.next_id();
        let recipe = self.state.try_maybe_update(|state| {
            let recipe = state.inspect(id);
            (recipe.is_some(), recipe)
        });
        if let Some(recipe) = recipe.flatten() {
            self.send(&Command::Inspect { id, recipe });
        }
    }
}
