//! Fine-tuning behind a fixed random prompt (ProMoT paper, Table 3): shows that a prompt which holds nothing
//! does not help.

use super::{Method, PromptUse};

pub struct FixedPrompt;

impl Method for FixedPrompt {
    fn name(&self) -> &'static str {
        "fixed-prompt"
    }

    fn summary(&self) -> &'static str {
        "all weights of the model, behind a uniform random prompt that stays frozen"
    }

    fn prompt(&self) -> PromptUse {
        PromptUse::NewUniform
    }
}
