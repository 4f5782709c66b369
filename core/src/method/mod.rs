//! Fine-tuning methods behind one seam. A method is one small file that states what it is (`MethodInfo`) and overrides
//! a few hooks of `Method`, and one line in `METHODS`; it never sees another method or the training loop. What runs in
//! which order is a recipe (`spec::recipe`).
//!
//! What makes a good method file: the head names the paper and the equation, every setting has the paper's default and
//! a range, the neutral setting is plain fine-tuning to the bit, and what must survive a pause is in `State`. The
//! contract that every method keeps is in `tests/it/methods.rs`.

mod info;
mod prompt;
#[cfg(feature = "models")]
mod seam;

mod component_clipping;
mod ema;
mod fine_tuning;
mod joint;
mod l2_sp;
mod layerwise_decay;
mod lora;
mod mixout;
mod prompt_tuning;
mod random_prompt;
mod wise_ft;

use crate::error::{Error, Result};
pub use info::{Kind, MethodInfo, Param, PromptUse, Setting, Settings, Training};
pub use info::{flag, float, integer, words};
pub use prompt::{MAX_PROMPT, PromptInit, PromptSpec};
#[cfg(feature = "models")]
pub use seam::{Ctx, Forward, Loss, Method, Moves, Norm, State, TokenLosses};

/// Every method there is: help, page, docs and the contract test read this list.
pub static METHODS: &[&MethodInfo] = &[
    &fine_tuning::INFO,
    &prompt_tuning::INFO,
    &joint::INFO,
    &random_prompt::INFO,
    &lora::INFO,
    &l2_sp::INFO,
    &component_clipping::INFO,
    &wise_ft::INFO,
    &mixout::INFO,
    &ema::INFO,
    &layerwise_decay::INFO,
];

impl MethodInfo {
    /// The method with these settings.
    #[cfg(feature = "models")]
    pub fn build(&self, settings: &Settings) -> Box<dyn Method> {
        (self.build)(settings)
    }
}

/// The method of this name.
///
/// # Errors
/// An unknown name lists the nearest ones.
pub fn by_name(name: &str) -> Result<&'static MethodInfo> {
    let known = || METHODS.iter().map(|info| info.name);
    let found = METHODS.iter().find(|info| info.name == name);
    found.copied().ok_or_else(|| Error::unknown("method", name, known()))
}
