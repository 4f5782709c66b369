//! What decides the results that a later run may take over: a stage's checkpoint, a method's scores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::{PlannedStage, planned};
use super::rows::{Data, Replay};
use crate::checkpoint::fingerprint;
use crate::error::Result;
use crate::eval::EvalSpec;
use crate::spec::{Recipe, Run};
use crate::task::Task;

/// Of a method with a seed: what its scores depend on. Equal settings may be asked of other models and rows, which is a
/// mistake of whoever takes the scores over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// SHA-256 of the settings of all its stages, and of how it is scored.
    pub settings: String,
    /// SHA-256 of the model's weights and of all rows.
    pub inputs: String,
}

/// A stage's, for its checkpoint's fingerprint: the name stands for the settings of the stage and of those before it.
pub(super) fn of_stage(planned: &PlannedStage, model: &str, rows: &[String]) -> Result<String> {
    #[derive(Serialize)]
    struct Stage<'a> {
        name: &'a str,
        model: &'a str,
        rows: &'a [String],
    }
    fingerprint(&Stage { name: &planned.name, model, rows })
}

/// What the identities of a run's methods have in common.
pub(super) struct Inputs<'a> {
    run: &'a Run,
    /// SHA-256 of the pretrained weights.
    model: &'a str,
    /// SHA-256 of the rows that every method is trained on and scored by.
    rows: String,
    /// SHA-256 of those that are replayed.
    replay: Option<String>,
}

impl<'a> Inputs<'a> {
    pub fn new(run: &'a Run, model: &'a str, data: &Data) -> Result<Self> {
        let replay = data.replay.as_ref().map(Replay::hash).transpose()?;
        Ok(Self { run, model, rows: data.hash()?, replay })
    }

    /// Of a recipe with a seed.
    ///
    /// # Errors
    /// Those of `settings`.
    pub fn identity(&self, recipe: &Recipe, seed: u64) -> Result<RunIdentity> {
        let replays = |recipe: &Recipe| recipe.stages.iter().any(|stage| stage.training.replay > 0.0);
        let replay = self.replay.as_ref().filter(|_| made_of(self.run, recipe).into_iter().any(replays));
        Ok(RunIdentity {
            settings: settings(self.run, recipe, seed)?,
            inputs: fingerprint(&(self.model, &self.rows, replay))?,
        })
    }
}

/// The part of a method's identity that needs neither model nor data.
///
/// # Errors
/// Settings that cannot be written down, such as a rate that is no number.
pub fn settings(run: &Run, recipe: &Recipe, seed: u64) -> Result<String> {
    // How many rows are answered at once changes no answer.
    let eval = EvalSpec { batch: 0, ..run.eval.clone() };
    let tuned = run.target.tasks();
    let scored = |task: &&Task| {
        tuned.contains(&task.name.as_str()) || eval.tasks.contains(&task.name) || eval.text == task.name
    };
    let own_tasks: Vec<&Task> = run.asked.own_tasks.iter().filter(scored).collect();
    fingerprint(&json!({
        "recipe": chain(run, recipe, seed)?,
        "seed": seed,
        "tasks": tuned,
        "own_tasks": own_tasks,
        "test_limit": run.target.test_limit,
        "max_input": run.target.max_input,
        "eval": eval,
    }))
}

/// A recipe's stages at each point of the sweep, by the names that hold their settings, or what it is merged of.
fn chain(run: &Run, recipe: &Recipe, seed: u64) -> Result<Value> {
    let mut points: Vec<(&BTreeMap<String, String>, usize, Vec<String>)> = Vec::new();
    for point in recipe.trained() {
        let stages = planned(run, point, seed)?.into_iter().map(|stage| stage.name).collect();
        points.push((&point.swept, point.shots(), stages));
    }
    let merge = match &recipe.merge {
        Some(plan) => {
            let of = parts(run, recipe).map(|part| chain(run, part, seed)).collect::<Result<Vec<_>>>()?;
            json!({ "name": plan.info.name, "settings": plan.settings, "of": of })
        }
        None => Value::Null,
    };
    Ok(json!({ "name": recipe.name, "points": points, "merge": merge }))
}

/// The recipes that a recipe is merged of, in their order.
fn parts<'r>(run: &'r Run, recipe: &'r Recipe) -> impl Iterator<Item = &'r Recipe> {
    let of = recipe.merge.iter().flat_map(|plan| &plan.of);
    of.filter_map(|name| run.recipes.iter().find(|recipe| recipe.name == *name))
}

/// The recipe and all that it is merged of.
fn made_of<'r>(run: &'r Run, recipe: &'r Recipe) -> Vec<&'r Recipe> {
    let parts = parts(run, recipe).flat_map(|part| made_of(run, part));
    std::iter::once(recipe).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;
    use crate::task::built_in;

    fn spec() -> RunSpec {
        let text = "version = 2\nmethods = [\"pretrained\", \"fine-tuning\", \"promot\", { name = \"half\", merge = \
                    \"interpolate\", of = [\"promot\"], alpha = 0.5 }]\n[target]\ntask = \"rte\"\n";
        RunSpec::from_toml(text, "test").unwrap()
    }

    fn settings_of(spec: &RunSpec, method: &str) -> String {
        let run = spec.resolve(built_in()).unwrap();
        let recipe = run.recipes.iter().find(|recipe| recipe.name == method).unwrap();
        settings(&run, recipe, 3).unwrap()
    }

    #[test]
    fn a_method_is_the_same_whatever_runs_beside_it() {
        let spec = spec();
        for (field, value) in
            [("seeds", "3,4"), ("name", "other"), ("eval.batch", "7"), ("stage.prompt-tuning.steps", "9")]
        {
            let mut other = spec.clone();
            other.set(field, value).unwrap();
            assert_eq!(settings_of(&other, "fine-tuning"), settings_of(&spec, "fine-tuning"), "{field}");
        }
        let alone = RunSpec { methods: vec!["fine-tuning".into()], ..spec.clone() };
        assert_eq!(settings_of(&alone, "fine-tuning"), settings_of(&spec, "fine-tuning"));
    }

    #[test]
    fn another_stage_rate_question_or_part_of_a_merge_is_another_method() {
        let spec = spec();
        let all = ["pretrained", "fine-tuning", "promot", "half"];
        for (fields, methods) in [
            (&[("stage.prompt-tuning.steps", "9")][..], &all[2..]),
            (&[("stage.fine-tuning.steps", "9")], &all[1..]),
            (
                &[("sweep.select", "validation"), ("sweep.stage.fine-tuning.learning_rate", "1e-3,1e-4")],
                &all[1..],
            ),
            (&[("eval.limit", "9")], &all),
            (&[("eval.beams", "2")], &all),
            (&[("target.test_limit", "9")], &all),
        ] {
            let mut other = spec.clone();
            fields.iter().for_each(|(field, value)| other.set(field, value).unwrap());
            for method in all {
                let same = settings_of(&other, method) == settings_of(&spec, method);
                assert_eq!(same, !methods.contains(&method), "{fields:?}: {method}");
            }
        }
        let run = spec.resolve(built_in()).unwrap();
        assert_ne!(settings(&run, &run.recipes[1], 3).unwrap(), settings(&run, &run.recipes[1], 4).unwrap());
    }
}
