//! What a field is that a spec leaves out: the paper's settings.

use super::{EvalSpec, MethodEntry, PromptSpec, ReplaySpec, RunSpec, Sweep, TargetSpec, VERSION};

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            version: VERSION,
            name: "run".into(),
            model: "mini".into(),
            methods: ["pretrained", "fine-tuning", "promot"].map(MethodEntry::from).to_vec(),
            seeds: vec![0],
            target: TargetSpec::default(),
            prompt: PromptSpec::default(),
            replay: ReplaySpec::default(),
            eval: EvalSpec::default(),
            own_tasks: Vec::new(),
            sweep: Sweep::default(),
            stages: Vec::new(),
        }
    }
}

impl Default for ReplaySpec {
    fn default() -> Self {
        Self { task: String::new(), limit: 2000 }
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
