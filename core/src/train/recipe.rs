//! Recipes: which methods run in which order. ProMoT is no method but two of them in a row.

use crate::error::{Error, Result};
use crate::method::{FineTuning, FixedPrompt, Joint, Method, PromptTuning};
use crate::spec::{RunSpec, StageSpec};

/// One stage of a recipe.
pub struct Stage {
    pub method: &'static dyn Method,
    /// Which settings of the spec it takes.
    pub settings: Settings,
}

/// The spec's two groups of stage settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    PromptTuning,
    FineTuning,
}

/// The group that a stage takes.
pub fn settings(spec: &RunSpec, settings: Settings) -> &StageSpec {
    match settings {
        Settings::PromptTuning => &spec.prompt_tuning,
        Settings::FineTuning => &spec.fine_tuning,
    }
}

/// What a name in the spec's `methods` means.
pub struct Recipe {
    pub name: &'static str,
    pub summary: &'static str,
    pub stages: &'static [Stage],
    /// Answered examples before each training input, on top of the spec's (the paper's "+ 1-shot").
    pub shots: usize,
}

const STAGE_1: Stage = Stage { method: &PromptTuning, settings: Settings::PromptTuning };
const STAGE_2: Stage = Stage { method: &FineTuning, settings: Settings::FineTuning };
const JOINT: Stage = Stage { method: &Joint, settings: Settings::FineTuning };
const FIXED: Stage = Stage { method: &FixedPrompt, settings: Settings::FineTuning };

const fn recipe(name: &'static str, summary: &'static str, stages: &'static [Stage], shots: usize) -> Recipe {
    Recipe { name, summary, stages, shots }
}

/// Every recipe, by the names that a spec uses.
pub static RECIPES: [Recipe; 9] = [
    recipe("pretrained", "the model as it is; nothing is trained", &[], 0),
    recipe("fine-tuning", "standard fine-tuning of all weights", &[STAGE_2], 0),
    recipe(
        "prompt-tuning",
        "a soft prompt in front of the frozen model (Lester et al., 2021)",
        &[STAGE_1],
        0,
    ),
    recipe(
        "promot",
        "prompt tuning, then fine-tuning behind the frozen prompt (Wang et al.)",
        &[STAGE_1, STAGE_2],
        0,
    ),
    recipe("fine-tuning+1-shot", "fine-tuning with one answered example before each input", &[STAGE_2], 1),
    recipe(
        "prompt-tuning+1-shot",
        "prompt tuning with one answered example before each input",
        &[STAGE_1],
        1,
    ),
    recipe("promot+1-shot", "ProMoT with one answered example before each input", &[STAGE_1, STAGE_2], 1),
    recipe("joint", "prompt and weights trained together (ablation)", &[JOINT], 0),
    recipe("random-prompt", "fine-tuning behind a fixed random prompt (ablation)", &[FIXED], 0),
];

impl Recipe {
    /// # Errors
    /// An unknown name lists the nearest ones.
    pub fn by_name(name: &str) -> Result<&'static Recipe> {
        RECIPES
            .iter()
            .find(|recipe| recipe.name == name)
            .ok_or_else(|| Error::unknown("method", name, RECIPES.iter().map(|recipe| recipe.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promot_is_prompt_tuning_then_fine_tuning() {
        let stages: Vec<_> =
            Recipe::by_name("promot").unwrap().stages.iter().map(|s| s.method.name()).collect();
        assert_eq!(stages, ["prompt-tuning", "fine-tuning"]);
        let error = Recipe::by_name("promt").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("promot"), "{error}");
    }
}
