//! Optimizers that move a model by its gradients, and their settings.

mod settings;

#[cfg(feature = "models")]
mod adafactor;
#[cfg(feature = "models")]
mod adamw;
#[cfg(feature = "models")]
mod grads;
#[cfg(feature = "models")]
mod muon;
#[cfg(feature = "models")]
mod optimizer;
#[cfg(feature = "models")]
pub mod schedule;
#[cfg(feature = "models")]
mod update;

#[cfg(feature = "models")]
pub use grads::Grads;
#[cfg(feature = "models")]
pub use optimizer::{Group, Optimizer};
pub use settings::{OptimizerSpec, ReplayAnswers, Schedule, StageSpec};
