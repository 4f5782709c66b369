//! The settings with a field of their own; all others are in the text of the spec.

use promot_core::spec::RunSpec;

use crate::state::methods::{FINE_TUNING, PROMPT_TUNING, training};

/// A number of the spec.
pub struct Field {
    pub label: &'static str,
    pub hint: &'static str,
    pub testid: &'static str,
    pub min: &'static str,
    /// "1" for whole numbers, "any" for others.
    pub step: &'static str,
    pub get: fn(&RunSpec) -> f64,
    pub set: fn(&mut RunSpec, f64),
}

pub static FIELDS: [Field; 9] = [
    Field {
        label: "Fine-tuning steps",
        hint: "also stage 2 of ProMoT",
        testid: "train-steps",
        min: "1",
        step: "1",
        get: |spec| training(spec, FINE_TUNING).steps as f64,
        set: |spec, value| {
            set_steps(spec, FINE_TUNING, value as usize);
            spec.eval.curve_every = training(spec, FINE_TUNING).checkpoint_every;
        },
    },
    Field {
        label: "Stage 1 steps",
        hint: "the soft prompt alone",
        testid: "train-prompt-steps",
        min: "1",
        step: "1",
        get: |spec| training(spec, PROMPT_TUNING).steps as f64,
        set: |spec, value| set_steps(spec, PROMPT_TUNING, value as usize),
    },
    Field {
        label: "Fine-tuning learning rate",
        hint: "of the weights",
        testid: "train-rate",
        min: "0",
        step: "any",
        get: |spec| training(spec, FINE_TUNING).learning_rate,
        set: |spec, value| spec.set_stage(FINE_TUNING, &[("learning_rate", value.into())]),
    },
    Field {
        label: "Stage 1 learning rate",
        hint: "of the prompt",
        testid: "train-prompt-rate",
        min: "0",
        step: "any",
        get: |spec| training(spec, PROMPT_TUNING).learning_rate,
        set: |spec, value| spec.set_stage(PROMPT_TUNING, &[("learning_rate", value.into())]),
    },
    Field {
        label: "Prompt length",
        hint: "in tokens",
        testid: "train-prompt-length",
        min: "1",
        step: "1",
        get: |spec| spec.prompt.length as f64,
        set: |spec, value| spec.prompt.length = value as usize,
    },
    Field {
        label: "Batch size",
        hint: "examples per step",
        testid: "train-batch",
        min: "1",
        step: "1",
        get: |spec| training(spec, FINE_TUNING).batch as f64,
        set: |spec, value| {
            for stage in [FINE_TUNING, PROMPT_TUNING] {
                spec.set_stage(stage, &[("batch", (value as i64).into())]);
            }
        },
    },
    Field {
        label: "Seed",
        hint: "same seed, same run",
        testid: "train-seed",
        min: "0",
        step: "1",
        get: |spec| spec.seeds.first().copied().unwrap_or(0) as f64,
        set: |spec, value| spec.seeds = vec![value as u64],
    },
    Field {
        label: "Held-out rows",
        hint: "evaluated in each task",
        testid: "train-eval-rows",
        min: "1",
        step: "1",
        get: |spec| spec.eval.limit as f64,
        set: |spec, value| spec.eval.limit = value as usize,
    },
    Field {
        label: "Target test rows",
        hint: "evaluated at the end",
        testid: "train-test-rows",
        min: "1",
        step: "1",
        get: |spec| spec.target.test_limit as f64,
        set: |spec, value| spec.target.test_limit = value as usize,
    },
];

/// A stage is scored four times on its way, however long it is.
fn set_steps(spec: &mut RunSpec, stage: &str, steps: usize) {
    let every = (steps / 4).max(1);
    spec.set_stage(stage, &[("steps", (steps as i64).into()), ("checkpoint_every", (every as i64).into())]);
}
