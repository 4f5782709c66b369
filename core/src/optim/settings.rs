//! How a stage is optimised: plain settings, compiled without the tensor library.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The training settings that every stage has, whatever its method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSpec {
    pub steps: usize,
    /// Examples per update.
    pub batch: usize,
    /// Micro-batches per update, gradients summed: the same update with less memory.
    pub accumulate: usize,
    pub optimizer: OptimizerSpec,
    pub schedule: Schedule,
    /// Steps of linear warm-up from 0.
    pub warmup: usize,
    pub learning_rate: f64,
    /// Largest global gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    pub dropout: f64,
    pub label_smoothing: f64,
    pub z_loss: f64,
    /// Steps between checkpoints, each scored on the target's validation rows; the best is kept.
    pub checkpoint_every: usize,
    /// The earliest checkpoint is kept that is within so many standard errors of the best; 0 keeps the best itself.
    pub keep_earliest_within: f64,
    /// In-context examples before each training input (the paper's "+ 1-shot").
    pub shots: usize,
    /// Where `shots` is 0: the share of training rows with one in-context example in front all the same, so that what is
    /// learnt is there behind an example, too.
    pub one_shot_rate: f64,
    /// Share of each batch's rows that are rows of the run's replay task instead of the tuned ones; 0 for none.
    pub replay: f64,
    /// The answers of those rows.
    pub replay_answers: ReplayAnswers,
}

/// What replayed rows are trained towards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayAnswers {
    /// The task's own.
    #[default]
    Given,
    /// What the pretrained model answers, greedily: for whoever has the inputs only.
    Model,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// T5X's Adafactor (Shazeer and Stern, 2018) without momentum.
    Adafactor {
        #[serde(default = "default_decay")]
        decay: f64,
        /// Applied as `param * (1 - weight_decay)`, not times the rate.
        #[serde(default)]
        weight_decay: f64,
        /// Rates relative to the parameter's root mean square.
        #[serde(default)]
        scale_parameter: bool,
    },
    /// Loshchilov and Hutter, 2019.
    AdamW {
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// Applied times the rate, as usual for AdamW.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Jordan et al., 2024, for the matrices of the blocks, with AdamW for the rest.
    Muon {
        #[serde(default = "default_momentum")]
        momentum: f64,
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
}

fn default_momentum() -> f64 {
    0.95
}
fn default_decay() -> f64 {
    0.8
}
fn default_beta_1() -> f64 {
    0.9
}
fn default_beta_2() -> f64 {
    0.999
}
fn default_epsilon() -> f64 {
    1e-8
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    Constant,
    /// Linear to 0 at the last step.
    Linear,
    /// `1 / sqrt(max(step, warmup))`, times the rate.
    InverseSqrt,
}

impl Default for StageSpec {
    /// The paper's fine-tuning: 1,000 steps of 64 examples, Adafactor at 0.001, dropout and label smoothing 0.1.
    fn default() -> Self {
        Self {
            steps: 1000,
            batch: 64,
            accumulate: 1,
            optimizer: OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 0.0, scale_parameter: false },
            schedule: Schedule::Constant,
            warmup: 0,
            learning_rate: 1e-3,
            clip_norm: 0.0,
            dropout: 0.1,
            label_smoothing: 0.1,
            z_loss: 0.0,
            checkpoint_every: 100,
            keep_earliest_within: 0.0,
            shots: 0,
            one_shot_rate: 0.0,
            replay: 0.0,
            replay_answers: ReplayAnswers::Given,
        }
    }
}

impl StageSpec {
    /// Refuses what makes no sense; `name` is the path of these settings in the spec.
    ///
    /// # Errors
    /// Names the field, what it may be and what it is.
    pub fn check(&self, name: &str) -> Result<()> {
        let require = |field: &str, expected: &str, holds: bool, found: f64| {
            if holds { Ok(()) } else { Err(Error::mismatch(format!("{name}.{field}"), expected, found)) }
        };
        let share = |value: f64| (0.0..1.0).contains(&value);
        require("batch", "at least 1", self.batch >= 1, self.batch as f64)?;
        let parts = self.accumulate;
        let range = format!("1 to {}", self.batch);
        require("accumulate", &range, (1..=self.batch).contains(&parts), parts as f64)?;
        let rate = self.learning_rate;
        require("learning_rate", "a positive number", rate > 0.0 && rate.is_finite(), rate)?;
        require("dropout", "0 or more, below 1", share(self.dropout), self.dropout)?;
        let smoothing = self.label_smoothing;
        require("label_smoothing", "0 or more, below 1", share(smoothing), smoothing)?;
        let mixed = self.one_shot_rate;
        require("one_shot_rate", "0 to 1", (0.0..=1.0).contains(&mixed), mixed)?;
        require("replay", "0 or more, below 1", share(self.replay), self.replay)?;
        let within = self.keep_earliest_within;
        require("keep_earliest_within", "0 or more", within >= 0.0 && within.is_finite(), within)?;
        require("z_loss", "0 or more", self.z_loss >= 0.0, self.z_loss)?;
        require("clip_norm", "0 or more", self.clip_norm >= 0.0, self.clip_norm)
    }
}
