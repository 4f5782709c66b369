//! Specs as they are written now and as version 1 wrote them, so that old spec files, reports and links load.

use serde::Deserialize;
use toml::Table;

use super::{
    EvalSpec, MethodEntry, PromptSpec, ReplaySpec, RunSpec, StageRequest, Sweep, TargetSpec, VERSION,
};
use crate::task::Task;

/// A spec of any version: version 1 has no `version` and `stage`, but the two groups at the end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnySpec {
    version: u32,
    name: String,
    model: String,
    methods: Vec<MethodEntry>,
    seeds: Vec<u64>,
    target: TargetSpec,
    prompt: PromptSpec,
    replay: ReplaySpec,
    eval: EvalSpec,
    task: Vec<Task>,
    sweep: Sweep,
    stage: Vec<StageRequest>,
    prompt_tuning: Table,
    fine_tuning: Table,
}

impl Default for AnySpec {
    fn default() -> Self {
        let RunSpec {
            version,
            name,
            model,
            methods,
            seeds,
            target,
            prompt,
            replay,
            eval,
            own_tasks,
            sweep,
            stages,
        } = RunSpec::default();
        let (prompt_tuning, fine_tuning) = (Table::new(), Table::new());
        Self {
            version,
            name,
            model,
            methods,
            seeds,
            target,
            prompt,
            replay,
            eval,
            task: own_tasks,
            sweep,
            stage: stages,
            prompt_tuning,
            fine_tuning,
        }
    }
}

impl TryFrom<AnySpec> for RunSpec {
    type Error = String;

    fn try_from(any: AnySpec) -> Result<Self, String> {
        if any.version > VERSION {
            return Err(format!(
                "version: expected at most {VERSION}, found {}: written by a newer promot",
                any.version
            ));
        }
        let AnySpec {
            name,
            model,
            methods,
            seeds,
            target,
            prompt,
            replay,
            eval,
            task,
            sweep,
            stage: mut stages,
            ..
        } = any;
        for (method, given) in [("prompt-tuning", any.prompt_tuning), ("fine-tuning", any.fine_tuning)] {
            if !given.is_empty() {
                stages.push(StageRequest { given, ..StageRequest::of(method) });
            }
        }
        Ok(RunSpec {
            version: VERSION,
            name,
            model,
            methods,
            seeds,
            target,
            prompt,
            replay,
            eval,
            own_tasks: task,
            sweep,
            stages,
        })
    }
}
