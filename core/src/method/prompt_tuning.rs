//! Prompt tuning (Lester et al., 2021), ProMoT's stage 1: only the soft prompt moves.

use super::{Method, PromptUse, is_prompt};

pub struct PromptTuning;

impl Method for PromptTuning {
    fn name(&self) -> &'static str {
        "prompt-tuning"
    }

    fn summary(&self) -> &'static str {
        "a new soft prompt alone; the model stays bit-equal"
    }

    fn prompt(&self) -> PromptUse {
        PromptUse::New
    }

    fn trainable(&self, path: &str) -> bool {
        is_prompt(path)
    }
}
