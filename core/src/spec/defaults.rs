//! What a field is that a spec leaves out: the paper's settings.

use super::{
    EvalSpec, LengthPenalty, OptimizerSpec, PromptInit, PromptSpec, RunSpec, Schedule, StageSpec, TargetSpec,
};

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            name: "run".into(),
            model: "mini".into(),
            target: TargetSpec::default(),
            methods: ["pretrained", "fine-tuning", "promot"].map(String::from).to_vec(),
            seeds: vec![0],
            prompt: PromptSpec::default(),
            prompt_tuning: StageSpec {
                steps: 5000,
                learning_rate: 0.3,
                checkpoint_every: 1000,
                dropout: 0.0,
                optimizer: OptimizerSpec::Adafactor {
                    decay: 0.8,
                    weight_decay: 1e-5,
                    scale_parameter: false,
                },
                ..StageSpec::default()
            },
            fine_tuning: StageSpec::default(),
            eval: EvalSpec::default(),
        }
    }
}

impl Default for TargetSpec {
    fn default() -> Self {
        Self {
            task: "rte-mini".into(),
            also: Vec::new(),
            train_limit: 0,
            validation_limit: 0,
            test_limit: 0,
            max_input: 1024,
        }
    }
}

impl Default for PromptSpec {
    fn default() -> Self {
        Self { length: 100, init: PromptInit::Vocabulary, range: 0.5, vocabulary: 5000, text: String::new() }
    }
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
            shots: 0,
        }
    }
}

impl Default for EvalSpec {
    fn default() -> Self {
        Self {
            tasks: Vec::new(),
            shots: vec![1],
            limit: 0,
            beams: 4,
            batch: 32,
            alpha: 0.6,
            length_penalty: LengthPenalty::T5x,
            min_new_tokens: 0,
            curve_every: 0,
            curve_limit: 32,
            alignment_every: 0,
            alignment_rows: 64,
        }
    }
}
