//! Models from checkpoints: what a run that has stopped, or is paused, has trained so far.

use super::plan::PlannedStage;
use crate::checkpoint::{Checkpoint, State};
use crate::error::Result;
use crate::model::{Model, SoftPrompt, tensors};

/// A model and the soft prompts of the tuned tasks, which never stand in front of it at once.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// Without a prompt.
    pub model: Model,
    /// In the order of the spec's tasks; `None` for a method without prompts.
    pub prompts: Vec<Option<SoftPrompt>>,
}

impl Tuned {
    /// The model as it came, for so many tasks.
    pub fn new(model: Model, tasks: usize) -> Self {
        Self { model: model.with_prompt(None), prompts: vec![None; tasks] }
    }

    /// The model with the prompt of the task at this place of the spec, if there is one.
    pub fn behind(&self, place: usize) -> Model {
        self.model.clone().behind(self.prompts[place].as_ref())
    }
}

/// What a stage has made of the model that it began with: the best weights that its checkpoint holds.
pub fn restored(mut tuned: Tuned, planned: &PlannedStage, checkpoint: &Checkpoint) -> Result<Tuned> {
    let state = State::read(checkpoint)?;
    let weights = state.best.unwrap_or(state.weights);
    let mut model = tuned.model;
    if let Some(prompt) = weights.get("prompt.value") {
        let (length, width) = (prompt.shape[0], prompt.shape[1]);
        let prompt = SoftPrompt::from_values(prompt.values.clone(), length, width, &model.device())?;
        model = model.with_prompt(Some(prompt));
    }
    let naming = |path: &str| planned.stage.method.trainable(path).then(|| (path.to_owned(), false));
    let mut model = tensors::load(model, &weights, &naming, &[], "the checkpoint")?;
    if let Some(prompt) = model.prompt.take() {
        tuned.prompts[planned.tasks.start] = Some(prompt);
    }
    Ok(Tuned { model, prompts: tuned.prompts })
}
