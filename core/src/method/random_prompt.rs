//! Fine-tuning with a fixed random prompt (Wang et al., Table 3): shows that a prompt which holds nothing does not help.

#[cfg(feature = "models")]
use super::Method;
use super::{MethodInfo, PromptUse, Training};

pub static INFO: MethodInfo = MethodInfo {
    name: "random-prompt",
    paper: "Wang et al., arXiv:2211.00635, Table 3 (ablation)",
    summary: "all weights, with a fixed uniform random prompt prepended (ablation)",
    params: &[],
    neutral: None,
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::NewUniform,
    one_task: false,
    #[cfg(feature = "models")]
    build: |_| Box::new(RandomPrompt),
};

#[cfg(feature = "models")]
struct RandomPrompt;

#[cfg(feature = "models")]
impl Method for RandomPrompt {}
