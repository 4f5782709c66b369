//! Joint tuning of prompt and model (Wang et al., Table 3): shows that extra parameters alone do not help.

#[cfg(feature = "models")]
use super::{Method, Moves};
use super::{MethodInfo, PromptUse, Training};
#[cfg(feature = "models")]
use crate::model::ParamPath;

pub static INFO: MethodInfo = MethodInfo {
    name: "joint",
    paper: "Wang et al., arXiv:2211.00635, Table 3 (ablation)",
    summary: "a new soft prompt and all weights together (ablation)",
    params: &[],
    neutral: None,
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::New,
    one_task: true,
    #[cfg(feature = "models")]
    build: |_| Box::new(Joint),
};

#[cfg(feature = "models")]
struct Joint;

#[cfg(feature = "models")]
impl Method for Joint {
    fn trainable(&self, path: &ParamPath) -> bool {
        path.is_weight() || path.is_prompt()
    }

    fn moves(&self) -> Moves {
        Moves::Both
    }
}
