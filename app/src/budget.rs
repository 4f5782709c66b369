//! What a model was trained with, as far as two models must agree in it to be compared fairly.

use promot_core::spec::{Run, RunSpec};
use serde::{Deserialize, Serialize};

use crate::catalog::tasks;

/// The last stage of a recipe, on which all recipes of a run agree unless the spec says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    pub steps: usize,
    pub batch: usize,
    /// `None` where validation chose among several.
    pub learning_rate: Option<f64>,
    /// Most rows of the target; 0 for all.
    pub rows: usize,
    pub seed: u64,
}

impl Budget {
    /// `None` for a recipe that is not in the run, or has no stage.
    pub fn of(run: &Run, recipe: &str) -> Option<Self> {
        let recipe = run.recipes.iter().find(|known| known.name == recipe)?;
        let training = &recipe.stages.last()?.training;
        Some(Self {
            steps: training.steps,
            batch: training.batch,
            learning_rate: recipe.points.is_empty().then_some(training.learning_rate),
            rows: run.target.train_limit,
            seed: *run.seeds.first()?,
        })
    }

    /// The same for a spec, which may make no sense.
    pub fn of_spec(spec: &RunSpec, recipe: &str) -> Option<Self> {
        Self::of(&spec.resolve(tasks()).ok()?, recipe)
    }

    /// "1000 steps, batch 64, rate 0.001, all rows, seed 0"
    pub fn words(&self) -> String {
        let rows = if self.rows == 0 { "all".to_owned() } else { self.rows.to_string() };
        let rate = self.learning_rate.map_or("chosen by validation".to_owned(), |rate| rate.to_string());
        let steps = if self.steps == 1 { "step" } else { "steps" };
        format!("{} {steps}, batch {}, rate {rate}, {rows} rows, seed {}", self.steps, self.batch, self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_that_of_the_last_stage() {
        let mut spec = RunSpec { methods: vec!["pretrained".into(), "promot".into()], ..RunSpec::default() };
        spec.set("stage.prompt-tuning.steps", "7").unwrap();
        spec.set("stage.fine-tuning.steps", "31").unwrap();
        let budget = Budget::of_spec(&spec, "promot").unwrap();
        assert_eq!(budget.words(), "31 steps, batch 64, rate 0.001, all rows, seed 0");
        assert_eq!(Budget::of_spec(&spec, "pretrained"), None);
        assert_eq!(Budget::of_spec(&spec, "fine-tuning"), None, "not in the run");
        spec.set("sweep.select", "validation").unwrap();
        spec.set("sweep.stage.fine-tuning.learning_rate", "1e-4,1e-3").unwrap();
        assert!(Budget::of_spec(&spec, "promot").unwrap().words().contains("rate chosen by validation"));
        spec.seeds.clear();
        assert_eq!(Budget::of_spec(&spec, "promot"), None, "a run that cannot be");
    }
}
