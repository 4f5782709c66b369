//! Evaluation: a model's answers to a task's rows, and their score.

#[cfg(feature = "models")]
mod evaluator;
#[cfg(feature = "models")]
mod ranked;
mod settings;

#[cfg(feature = "models")]
pub use evaluator::{Asked, Evaluation, Evaluator, Output, Prediction, TaskRows};
pub use settings::EvalSpec;
