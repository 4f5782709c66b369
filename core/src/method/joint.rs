//! Joint tuning of prompt and model (ProMoT paper, Table 3): shows that extra parameters alone do not help.

use super::{Method, PromptUse};

pub struct Joint;

impl Method for Joint {
    fn name(&self) -> &'static str {
        "joint"
    }

    fn summary(&self) -> &'static str {
        "a new soft prompt and all weights together"
    }

    fn prompt(&self) -> PromptUse {
        PromptUse::New
    }

    fn trainable(&self, _path: &str) -> bool {
        true
    }
}
