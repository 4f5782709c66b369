//! Fine-tuning methods behind one seam. A method is one small file that overrides a few hooks of `Method`; it
//! never sees another method or the training loop. What runs in which order is a recipe (`train::recipe`).

use burn::tensor::Tensor;

use crate::model::Model;
use crate::optim::Grads;

mod fine_tuning;
mod fixed_prompt;
mod joint;
mod prompt_tuning;

pub use fine_tuning::FineTuning;
pub use fixed_prompt::FixedPrompt;
pub use joint::Joint;
pub use prompt_tuning::PromptTuning;

/// Losses of a batch's target tokens, without a graph.
pub struct TokenLosses {
    /// `[B, T]`, nats.
    pub losses: Tensor<2>,
    /// `[B, T]`, 1 on real tokens.
    pub real: Tensor<2>,
}

/// Which soft prompt stands in front of the inputs during the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptUse {
    /// The one the stage before left, if there is one.
    Keep,
    /// A new one, initialised as the spec says.
    New,
    /// A new one, uniform whatever the spec says.
    NewUniform,
}

/// One way to fine-tune. Every hook has a default, so standard fine-tuning is the empty implementation.
pub trait Method: Send + Sync {
    fn name(&self) -> &'static str;

    fn summary(&self) -> &'static str;

    fn prompt(&self) -> PromptUse {
        PromptUse::Keep
    }

    /// Whether the parameter at this path is trained; the others stay bit-equal.
    fn trainable(&self, path: &str) -> bool {
        !is_prompt(path)
    }

    /// Whether the model's weights move.
    fn trains_weights(&self) -> bool {
        self.trainable("lm")
    }

    /// Whether the soft prompt moves.
    fn trains_prompt(&self) -> bool {
        self.trainable("prompt.value")
    }

    /// How the loss weighs tokens, `[B, T]`; the sum is divided by the number of real tokens.
    fn weigh(&self, tokens: &TokenLosses) -> Tensor<2> {
        tokens.real.clone()
    }

    /// How gradients are changed between the backward pass and the optimizer.
    fn mask(&self, grads: Grads) -> Grads {
        grads
    }

    /// What happens to the trained weights at the end; `start` is the model before the stage.
    fn finish(&self, _start: &Model, trained: Model) -> Model {
        trained
    }
}

/// Every method there is.
pub static METHODS: [&dyn Method; 4] = [&FineTuning, &PromptTuning, &Joint, &FixedPrompt];

/// Whether a parameter path belongs to the soft prompt.
pub fn is_prompt(path: &str) -> bool {
    path.starts_with("prompt.")
}
