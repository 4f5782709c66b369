//! Models from checkpoints: what a run that has stopped, or is paused, has trained so far.

use super::recipe::{Recipe, settings};
use crate::checkpoint::{Checkpoint, State};
use crate::error::Result;
use crate::method::Method;
use crate::model::{Model, SoftPrompt, tensors};
use crate::spec::RunSpec;

/// The names under which the stages of a recipe are saved, in their order.
pub fn stage_names(spec: &RunSpec, recipe: &Recipe, seed: u64) -> Vec<String> {
    let mut chain = String::new();
    recipe
        .stages
        .iter()
        .map(|stage| {
            chain = format!("{chain}.{}", stage.method.name());
            let shots = settings(spec, stage.settings).shots + recipe.shots;
            let suffix = if shots == 0 { String::new() } else { format!("+{shots}-shot") };
            format!("seed-{seed}{chain}{suffix}")
        })
        .collect()
}

/// What the first stages of a recipe have made of a model, by the checkpoints of these stages, in their order.
pub fn restored(model: Model, recipe: &Recipe, checkpoints: &[Checkpoint]) -> Result<Model> {
    let mut stages = recipe.stages.iter().zip(checkpoints);
    stages.try_fold(model, |model, (stage, checkpoint)| after_stage(model, stage.method, checkpoint))
}

/// The best weights that a stage's checkpoint holds, in the model that the stage began with.
fn after_stage(before: Model, method: &dyn Method, checkpoint: &Checkpoint) -> Result<Model> {
    let state = State::read(checkpoint)?;
    let weights = state.best.unwrap_or(state.weights);
    let before = match weights.get("prompt.value") {
        Some(prompt) => {
            let (length, width) = (prompt.shape[0], prompt.shape[1]);
            let prompt = SoftPrompt::from_values(prompt.values.clone(), length, width, &before.device())?;
            before.with_prompt(Some(prompt))
        }
        None => before,
    };
    let naming = |path: &str| method.trainable(path).then(|| (path.to_owned(), false));
    tensors::load(before, &weights, &naming, &[], "the checkpoint")
}
