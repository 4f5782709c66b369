//! Prompt tuning (Lester et al., 2021), ProMoT's stage 1: only a new soft prompt moves.

#[cfg(feature = "models")]
use super::{Method, Moves};
use super::{MethodInfo, PromptUse, Training};
#[cfg(feature = "models")]
use crate::model::ParamPath;
use crate::optim::{OptimizerSpec, StageSpec};

pub static INFO: MethodInfo = MethodInfo {
    name: "prompt-tuning",
    paper: "Lester et al., arXiv:2104.08691 (ProMoT's stage 1)",
    summary: "a new soft prompt alone; the model stays bit-equal",
    params: &[],
    neutral: None,
    training: Training::Own(defaults),
    prompt: PromptUse::New,
    one_task: false,
    #[cfg(feature = "models")]
    build: |_| Box::new(PromptTuning),
};

/// The values of the prompt-tuning code base and of Wang et al., appendix A.2.4, but for its length of training.
fn defaults() -> StageSpec {
    StageSpec {
        steps: 5000,
        learning_rate: 0.3,
        checkpoint_every: 1000,
        dropout: 0.0,
        optimizer: OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 1e-5, scale_parameter: false },
        ..StageSpec::default()
    }
}

#[cfg(feature = "models")]
struct PromptTuning;

#[cfg(feature = "models")]
impl Method for PromptTuning {
    fn trainable(&self, path: &ParamPath) -> bool {
        path.is_prompt()
    }

    fn moves(&self) -> Moves {
        Moves::Attachment
    }
}
