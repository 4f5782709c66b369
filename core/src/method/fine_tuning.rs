//! Standard fine-tuning: the whole model moves. With a prompt or an adapter left by an earlier stage, that stays frozen
//! and attached, which makes this ProMoT's stage 2 (Wang et al., section 4).

#[cfg(feature = "models")]
use super::Method;
use super::{MethodInfo, PromptUse, Training};
use crate::optim::StageSpec;

pub static INFO: MethodInfo = MethodInfo {
    name: "fine-tuning",
    paper: "Wang et al., arXiv:2211.00635 (ProMoT's stage 2, and its baseline)",
    summary: "all weights of the model; what an earlier stage attached stays frozen",
    params: &[],
    neutral: Some(&[]),
    training: Training::Own(StageSpec::default),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |_| Box::new(FineTuning),
};

#[cfg(feature = "models")]
pub struct FineTuning;

#[cfg(feature = "models")]
impl Method for FineTuning {}
