//! Standard fine-tuning: the whole model moves. With a prompt left by a stage before, that stays as it is, which
//! makes this ProMoT's stage 2 (Wang et al., section 4).

use super::Method;

pub struct FineTuning;

impl Method for FineTuning {
    fn name(&self) -> &'static str {
        "fine-tuning"
    }

    fn summary(&self) -> &'static str {
        "all weights of the model; a prompt from a stage before stays frozen and attached"
    }
}
