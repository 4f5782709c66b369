//! What an experiment works with, and models from checkpoints.

use super::checkpoint_choice::best_validation;
use super::plan::{PlannedStage, planned};
use super::prompt_init::new_prompt;
use super::rows::DatasetProvider;
use super::tuned::{TunedModel, from_saved};
use crate::checkpoint::{Checkpoint, StageState};
use crate::device::OpenDevice;
use crate::error::Result;
use crate::method::PromptUse;
use crate::model::ParamPath;
use crate::model::folder::LoadedModel;
use crate::record::StageId;
use crate::rng::Streams;
use crate::spec::{PromptInit, Recipe, Run};

/// What an experiment works with.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub run: &'a Run,
    pub loaded: &'a LoadedModel,
    pub device: &'a OpenDevice,
    pub rows: &'a dyn DatasetProvider,
}

/// The model of a recipe from the checkpoints of its stages, or of as many of them as there are; `None` where there is
/// none. Of a sweep's points that validation chooses among: the best of those whose stages are all there, or else the
/// first that has any.
pub async fn restore(
    setup: Setup<'_>,
    recipe: &Recipe,
    seed: u64,
    load: &mut dyn FnMut(&str) -> Result<Option<Checkpoint>>,
) -> Result<Option<TunedModel>> {
    let mut best: Option<(Option<f64>, TunedModel)> = None;
    for point in recipe.trained() {
        let Some((score, tuned)) = restore_point(setup, point, seed, load).await? else { continue };
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, tuned));
        }
    }
    Ok(best.map(|(_, tuned)| tuned))
}

/// One point's model, with its validation score where its stages are all there.
async fn restore_point(
    setup: Setup<'_>,
    recipe: &Recipe,
    seed: u64,
    load: &mut dyn FnMut(&str) -> Result<Option<Checkpoint>>,
) -> Result<Option<(Option<f64>, TunedModel)>> {
    let mut tuned = TunedModel::new(setup.loaded.model.clone(), setup.run.target.tasks().len());
    let mut scores = Vec::new();
    let planned = planned(setup.run, recipe, seed)?;
    for planned in &planned {
        let Some(checkpoint) = load(&planned.name)? else { break };
        // A trained prompt is in the checkpoint; what it began with may be gone.
        if !planned.method.trainable(&ParamPath::PROMPT) {
            tuned = setup.with_new_prompts(tuned, planned, seed).await?;
        }
        let saved = StageState::read(checkpoint)?;
        tuned = from_saved(tuned, planned, seed, &saved)?;
        scores.push((planned.id.clone(), best_validation(&saved.manifest.records)));
    }
    let score = if scores.len() == planned.len() { validation(&scores) } else { None };
    Ok((!scores.is_empty()).then_some((score, tuned)))
}

/// What a recipe is chosen by: the best validation score of its last stage, the mean where that ran for several tasks.
pub(super) fn validation(stages: &[(StageId, Option<f64>)]) -> Option<f64> {
    let last = stages.last()?.0.index;
    let of_last = stages.iter().filter(|(id, _)| id.index == last);
    let scores = of_last.map(|(_, score)| *score).collect::<Option<Vec<f64>>>()?;
    Some(scores.iter().sum::<f64>() / scores.len() as f64)
}

impl Setup<'_> {
    /// With new prompts for the stage's tasks, where its method begins with such.
    pub(super) async fn with_new_prompts(
        &self,
        mut tuned: TunedModel,
        planned: &PlannedStage,
        seed: u64,
    ) -> Result<TunedModel> {
        let (spec, how) = (&planned.stage.prompt, planned.stage.method.prompt);
        if how == PromptUse::Keep {
            return Ok(tuned);
        }
        let file = match (how, spec.init) {
            (PromptUse::New, PromptInit::File) => Some(self.rows.prompt(&spec.text)?),
            _ => None,
        };
        let tasks = self.run.target.tasks();
        for index in planned.tasks.clone() {
            let task = self.run.tasks.by_name(tasks[index])?;
            let classes: Vec<&str> = task.words().collect();
            let stream = if index == 0 { "prompt".to_owned() } else { format!("prompt/{index}") };
            let rng = Streams::new(seed).stream(&stream);
            let (tokenizer, device) = (&self.loaded.tokenizer, &self.device.device);
            let prompt =
                new_prompt(&tuned.model, tokenizer, spec, how, &classes, file.as_deref(), rng, device)
                    .await?;
            tuned.attached[index].prompt = Some(prompt);
        }
        Ok(tuned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_chosen_by_its_last_stage() {
        let stage = |text: &str, score| (text.parse().unwrap(), score);
        assert_eq!(validation(&[]), None);
        assert_eq!(validation(&[stage("stage 1", Some(90.0)), stage("stage 2", Some(50.0))]), Some(50.0));
        let prompts = [stage("stage 1, rte", Some(90.0)), stage("stage 1, wmt_enfr", Some(50.0))];
        assert_eq!(validation(&prompts), Some(70.0));
        assert_eq!(validation(&[stage("stage 1, a", Some(90.0)), stage("stage 1, b", None)]), None);
    }
}
