//! The settings of a run that have a field of their own; all others stand in the text of the spec.

use promot_core::spec::{RunSpec, StageSpec};

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
        get: |spec| spec.fine_tuning.steps as f64,
        set: |spec, value| {
            set_steps(&mut spec.fine_tuning, value as usize);
            spec.eval.curve_every = spec.fine_tuning.checkpoint_every;
        },
    },
    Field {
        label: "Stage 1 steps",
        hint: "the soft prompt alone",
        testid: "train-prompt-steps",
        min: "1",
        step: "1",
        get: |spec| spec.prompt_tuning.steps as f64,
        set: |spec, value| set_steps(&mut spec.prompt_tuning, value as usize),
    },
    Field {
        label: "Fine-tuning rate",
        hint: "of the weights",
        testid: "train-rate",
        min: "0",
        step: "any",
        get: |spec| spec.fine_tuning.learning_rate,
        set: |spec, value| spec.fine_tuning.learning_rate = value,
    },
    Field {
        label: "Stage 1 rate",
        hint: "of the prompt",
        testid: "train-prompt-rate",
        min: "0",
        step: "any",
        get: |spec| spec.prompt_tuning.learning_rate,
        set: |spec, value| spec.prompt_tuning.learning_rate = value,
    },
    Field {
        label: "Prompt length",
        hint: "in vectors",
        testid: "train-prompt-length",
        min: "1",
        step: "1",
        get: |spec| spec.prompt.length as f64,
        set: |spec, value| spec.prompt.length = value as usize,
    },
    Field {
        label: "Batch",
        hint: "examples in a step",
        testid: "train-batch",
        min: "1",
        step: "1",
        get: |spec| spec.fine_tuning.batch as f64,
        set: |spec, value| {
            spec.fine_tuning.batch = value as usize;
            spec.prompt_tuning.batch = value as usize;
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
        label: "Unseen rows",
        hint: "scored in each task",
        testid: "train-eval-rows",
        min: "1",
        step: "1",
        get: |spec| spec.eval.limit as f64,
        set: |spec, value| spec.eval.limit = value as usize,
    },
    Field {
        label: "Tuned task rows",
        hint: "scored at the end",
        testid: "train-test-rows",
        min: "1",
        step: "1",
        get: |spec| spec.target.test_limit as f64,
        set: |spec, value| spec.target.test_limit = value as usize,
    },
];

/// A stage is scored four times on its way, however long it is.
fn set_steps(stage: &mut StageSpec, steps: usize) {
    stage.steps = steps;
    stage.checkpoint_every = (steps / 4).max(1);
}
