//! The stages of a recipe as they are run: a stage that trains soft prompts alone runs for each tuned task apart, one that
//! trains weights once, on all tasks mixed (Wang et al., section 5, multi-task training).

use std::ops::Range;

use super::recipe::{Recipe, Stage, settings};
use crate::error::{Error, Result};
use crate::spec::RunSpec;

/// One stage to run.
pub struct PlannedStage {
    /// Of its checkpoints, such as `seed-0.prompt-tuning`.
    pub name: String,
    /// What the curves call it: "stage 1".
    pub label: String,
    pub stage: &'static Stage,
    /// The tuned tasks that it trains on, by their places in the spec.
    pub tasks: Range<usize>,
    /// Answered examples before each training input.
    pub shots: usize,
}

/// The stages of a recipe in their order. A name tells everything before it, so that recipes which begin alike share
/// their first stages.
pub fn planned(spec: &RunSpec, recipe: &'static Recipe, seed: u64) -> Vec<PlannedStage> {
    let tasks = spec.target.tasks();
    let mut chain = String::new();
    let mut planned = Vec::new();
    for (index, stage) in recipe.stages.iter().enumerate() {
        chain = format!("{chain}.{}", stage.method.name());
        let shots = settings(spec, stage.settings).shots + recipe.shots;
        let suffix = if shots == 0 { String::new() } else { format!("+{shots}-shot") };
        let (name, label) = (format!("seed-{seed}{chain}{suffix}"), format!("stage {}", index + 1));
        if tasks.len() == 1 || stage.method.trains_weights() {
            planned.push(PlannedStage { name, label, stage, tasks: 0..tasks.len(), shots });
            continue;
        }
        planned.extend(tasks.iter().enumerate().map(|(place, task)| PlannedStage {
            name: format!("{name}.{task}"),
            label: format!("{label}, {task}"),
            stage,
            tasks: place..place + 1,
            shots,
        }));
    }
    planned
}

/// The recipes of a spec's methods.
///
/// # Errors
/// An unknown method, or one that cannot tune several tasks.
pub fn recipes(spec: &RunSpec) -> Result<Vec<&'static Recipe>> {
    let tasks = spec.target.tasks().len();
    let recipe = |method: &String| {
        let recipe = Recipe::by_name(method)?;
        let both = |stage: &Stage| stage.method.trains_weights() && stage.method.trains_prompt();
        if tasks > 1 && recipe.stages.iter().any(both) {
            let what =
                format!("tuned tasks of method {method}, which trains a prompt and the weights together");
            return Err(Error::mismatch(what, "one", tasks));
        }
        Ok(recipe)
    };
    spec.methods.iter().map(recipe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(also: &[&str], method: &str) -> Vec<(String, String, Range<usize>)> {
        let mut spec = RunSpec::default();
        spec.target.also = also.iter().copied().map(String::from).collect();
        let stages = planned(&spec, Recipe::by_name(method).unwrap(), 3);
        stages.into_iter().map(|stage| (stage.name, stage.label, stage.tasks)).collect()
    }

    #[test]
    fn one_task_has_its_stages_one_after_the_other() {
        let stage = |name: &str, label: &str| (name.to_owned(), label.to_owned(), 0..1);
        assert_eq!(
            names(&[], "promot+1-shot"),
            [
                stage("seed-3.prompt-tuning+1-shot", "stage 1"),
                stage("seed-3.prompt-tuning.fine-tuning+1-shot", "stage 2")
            ]
        );
        assert_eq!(names(&[], "prompt-tuning"), [stage("seed-3.prompt-tuning", "stage 1")]);
        assert!(names(&[], "pretrained").is_empty());
    }

    #[test]
    fn several_tasks_have_a_prompt_each_and_share_the_weights() {
        let stage = |name: &str, label: &str, tasks| (name.to_owned(), label.to_owned(), tasks);
        let prompts = [
            stage("seed-3.prompt-tuning.rte-mini", "stage 1, rte-mini", 0..1),
            stage("seed-3.prompt-tuning.wmt_enfr-mini", "stage 1, wmt_enfr-mini", 1..2),
        ];
        assert_eq!(names(&["wmt_enfr-mini"], "prompt-tuning"), prompts);
        let promot = names(&["wmt_enfr-mini"], "promot");
        assert_eq!(promot[..2], prompts);
        assert_eq!(promot[2..], [stage("seed-3.prompt-tuning.fine-tuning", "stage 2", 0..2)]);
        assert_eq!(names(&["wmt_enfr-mini"], "fine-tuning"), [stage("seed-3.fine-tuning", "stage 1", 0..2)]);
    }

    #[test]
    fn joint_tuning_has_one_prompt_and_one_task() {
        let mut spec = RunSpec { methods: vec!["promot".into(), "joint".into()], ..RunSpec::default() };
        assert_eq!(recipes(&spec).unwrap().len(), 2);
        spec.target.also = vec!["wmt_enfr-mini".into()];
        let error = recipes(&spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("joint") && error.contains("expected one, found 2"), "{error}");
    }
}
