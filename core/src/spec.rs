//! What was asked for: one serialisable spec for page, program, checkpoint and share link.
//!
//! A preset or a TOML file gives a `RunSpec`, which may be partial; `--set a.b=value` overrides single fields;
//! `resolve` makes a `Run` of it, complete and checked, before any work is done.

use serde::{Deserialize, Serialize};
pub use toml::Value;

use crate::task::Task;

mod defaults;
mod former;
mod overlay;
mod presets;
mod recipe;
mod run;
mod stage;
mod stages;
mod sweep;
mod tables;
mod tasks;

pub use presets::{PRESETS, Preset, PresetList};
pub use recipe::{Listed, MergedRecipe, MethodEntry, OwnRecipe, RECIPES, RecipeInfo, list};
pub use run::{MergePlan, Recipe, Run};
pub use stage::{Stage, StageRequest};
pub use sweep::{Select, Sweep};

pub use crate::decode::LengthPenalty;
pub use crate::eval::EvalSpec;
pub use crate::method::{MAX_PROMPT, PromptInit, PromptSpec};
pub use crate::optim::{OptimizerSpec, ReplayAnswers, Schedule, StageSpec};

/// The version that specs are written in. Version 1 had two groups of stage settings, `prompt_tuning` and
/// `fine_tuning`, and is still read.
pub const VERSION: u32 = 2;

/// The whole experiment as asked for: one model, one target task, several methods, several seeds. What is left out is
/// filled in by `resolve`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "former::AnySpec")]
pub struct RunSpec {
    pub version: u32,
    pub name: String,
    /// `mini` or `mini-llama` (the bundled models), a folder in Hugging Face layout, or a hub id.
    pub model: String,
    /// Names of recipes or recipes of one's own, in the order of the report.
    pub methods: Vec<MethodEntry>,
    pub seeds: Vec<u64>,
    pub target: TargetSpec,
    pub prompt: PromptSpec,
    /// What stages with a `replay` share mix into their batches.
    pub replay: ReplaySpec,
    pub eval: EvalSpec,
    /// Tasks of the user's own, which this run knows beside the built-in ones (docs/tasks.md).
    #[serde(rename = "task")]
    pub own_tasks: Vec<Task>,
    /// Lists of values by the path of a field, and what becomes of the points that they span.
    pub sweep: Sweep,
    /// The stages whose settings differ from the defaults.
    #[serde(rename = "stage")]
    pub stages: Vec<StageRequest>,
}

/// The task to tune on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSpec {
    pub task: String,
    /// Tasks tuned together with it, each behind a soft prompt of its own.
    pub also: Vec<String>,
    /// Most training rows; 0 for all.
    pub train_limit: usize,
    /// Most rows that choose the checkpoint; 0 for all.
    pub validation_limit: usize,
    /// Most rows that give the reported score; 0 for all.
    pub test_limit: usize,
    /// Longest input in tokens, in training and in evaluation, prompt not counted; 0 for no limit.
    pub max_input: usize,
}

impl TargetSpec {
    /// The tuned tasks, the first of which gives the run its name.
    pub fn tasks(&self) -> Vec<&str> {
        std::iter::once(&self.task).chain(&self.also).map(String::as_str).collect()
    }
}

/// Rows that keep a model what it was: pretraining text, or whatever else it shall not lose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaySpec {
    /// The task whose training rows are replayed; empty for none.
    pub task: String,
    /// Most of its rows; 0 for all.
    pub limit: usize,
}

#[cfg(test)]
mod tests;
