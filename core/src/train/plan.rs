//! The stages of a recipe in the order in which they run: a stage that trains only what is attached for one task runs
//! for each tuned task apart, one that trains weights once, on all tasks mixed (Wang et al., section 5, multi-task
//! training).

use std::ops::Range;

use serde_json::json;

use crate::checkpoint::fingerprint;
use crate::error::{Error, Result};
use crate::method::{Method, Moves, PromptUse};
use crate::record::StageId;
use crate::spec::{Recipe, Run, Stage};
use crate::task::Task;

/// One stage to run.
pub struct PlannedStage {
    /// Of its checkpoints, such as `seed-0.prompt-tuning-1f0c2a9b`: the chain of stages, and a hash of the settings that
    /// decide their course. Stages of the same name are the same, in whatever run.
    pub name: String,
    pub id: StageId,
    pub stage: Stage,
    pub method: Box<dyn Method>,
    /// The tuned tasks that it trains on, by their index in the spec.
    pub tasks: Range<usize>,
}

impl PlannedStage {
    /// Whether what is attached for a task goes in front of its own rows only, since others are in the same batch.
    pub(super) fn attached_to_rows(&self) -> bool {
        self.tasks.len() > 1 || self.stage.training.replay > 0.0
    }
}

/// The stages of a recipe in their order. Recipes that begin alike share their first stages.
///
/// # Errors
/// Settings that cannot be written down, such as a rate that is no number; replay where a method cannot have it.
pub fn planned(run: &Run, recipe: &Recipe, seed: u64) -> Result<Vec<PlannedStage>> {
    let tasks = run.target.tasks();
    let (mut names, mut identities, mut planned) = (Vec::new(), Vec::new(), Vec::new());
    for (index, stage) in recipe.stages.iter().enumerate() {
        let method = stage.method.build(&stage.settings);
        let replay = stage.training.replay;
        // Replayed rows have nothing attached in front of them.
        if replay > 0.0 && (method.moves() != Moves::Weights || stage.method.prompt != PromptUse::Keep) {
            let what = format!("stage.{}.replay of the spec", stage.name);
            return Err(Error::mismatch(
                what,
                "0 for a method that trains what is attached for one task",
                replay,
            ));
        }
        names.push(stage.name.clone());
        identities.push(stage.identity()?);
        let shots = stage.training.shots;
        let suffix = if shots == 0 { String::new() } else { format!("+{shots}-shot") };
        let chain = format!("seed-{seed}.{}{suffix}", names.join("."));
        let replays = recipe.stages[..=index].iter().any(|stage| stage.training.replay > 0.0);
        let course = course(run, seed, &identities, method.moves().weights(), replays);
        if tasks.len() == 1 || method.moves().weights() {
            let (name, id) = (named(&chain, &course)?, StageId { index, task: None });
            planned.push(PlannedStage { name, id, stage: stage.clone(), method, tasks: 0..tasks.len() });
            continue;
        }
        for (place, task) in tasks.iter().enumerate() {
            planned.push(PlannedStage {
                name: named(&format!("{chain}.{task}"), &course)?,
                id: StageId { index, task: Some((*task).to_owned()) },
                stage: stage.clone(),
                method: stage.method.build(&stage.settings),
                tasks: place..place + 1,
            });
        }
    }
    Ok(planned)
}

fn named(chain: &str, course: &serde_json::Value) -> Result<String> {
    Ok(format!("{chain}-{}", &fingerprint(course)?[..8]))
}

/// The settings that decide a stage's result: its own and those of the stages before it, the data, and how its
/// checkpoints are chosen. Curves over the held-out tasks choose nothing, but are part of what is kept; a stage that
/// moves no weights has none.
fn course(
    run: &Run,
    seed: u64,
    stages: &[serde_json::Value],
    weights: bool,
    replays: bool,
) -> serde_json::Value {
    let (eval, tuned) = (&run.eval, run.target.tasks());
    let curves = weights && (eval.curve_every > 0 || eval.frontier);
    let scored = |name: &String| tuned.contains(&name.as_str()) || (curves && eval.tasks.contains(name));
    let own_tasks: Vec<&Task> = run.asked.own_tasks.iter().filter(|task| scored(&task.name)).collect();
    let held_out = match eval.frontier {
        true => json!([eval.tasks, eval.curve_every, eval.curve_limit, "every checkpoint"]),
        false => json!([eval.tasks, eval.curve_every, eval.curve_limit]),
    };
    let mut course = json!({
        "seed": seed,
        "stages": stages,
        "tasks": tuned,
        "own_tasks": own_tasks,
        "train_limit": run.target.train_limit,
        "validation_limit": run.target.validation_limit,
        "max_input": run.target.max_input,
        "shot_pool": eval.shot_pool,
        "search": [json!(eval.beams), json!(eval.alpha), json!(eval.length_penalty), json!(eval.min_new_tokens)],
        "alignment": [eval.alignment_every, eval.alignment_rows],
        "curves": if curves { held_out } else { json!(null) },
    });
    if replays {
        course["replay"] = json!(run.replay);
    }
    course
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{MethodEntry, RunSpec};
    use crate::task::built_in;

    /// The default settings on a task of the library's own.
    fn spec() -> RunSpec {
        let mut spec = RunSpec::default();
        spec.target.task = "rte".into();
        spec
    }

    fn run(also: &[&str], methods: &[&str]) -> Run {
        let mut spec =
            RunSpec { methods: methods.iter().copied().map(MethodEntry::from).collect(), ..spec() };
        spec.target.also = also.iter().copied().map(String::from).collect();
        spec.resolve(built_in()).unwrap()
    }

    /// Names without their hashes, with what curves call them and their tasks.
    fn names(also: &[&str], method: &str) -> Vec<(String, String, Range<usize>)> {
        let run = run(also, &[method]);
        let stages = planned(&run, &run.recipes[0], 3).unwrap();
        let chain = |name: String| name[..name.len() - 9].to_owned();
        stages.into_iter().map(|stage| (chain(stage.name), stage.id.to_string(), stage.tasks)).collect()
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
            stage("seed-3.prompt-tuning.rte", "stage 1, rte", 0..1),
            stage("seed-3.prompt-tuning.wmt_enfr", "stage 1, wmt_enfr", 1..2),
        ];
        assert_eq!(names(&["wmt_enfr"], "prompt-tuning"), prompts);
        let promot = names(&["wmt_enfr"], "promot");
        assert_eq!(promot[..2], prompts);
        assert_eq!(promot[2..], [stage("seed-3.prompt-tuning.fine-tuning", "stage 2", 0..2)]);
        assert_eq!(names(&["wmt_enfr"], "fine-tuning"), [stage("seed-3.fine-tuning", "stage 1", 0..2)]);
    }

    #[test]
    fn runs_with_another_stage_2_methods_or_curves_share_stage_1() {
        let first = |spec: &RunSpec| {
            let run = spec.resolve(built_in()).unwrap();
            let recipe = run.recipes.iter().find(|recipe| recipe.name == "promot").unwrap();
            planned(&run, recipe, 0).unwrap().into_iter().map(|stage| stage.name).collect::<Vec<_>>()
        };
        let spec = spec();
        let names = first(&spec);
        for (field, value) in [
            ("stage.fine-tuning.steps", "7"),
            ("methods", "promot"),
            ("eval.curve_every", "5"),
            ("eval.frontier", "true"),
            ("name", "other"),
        ] {
            let mut other = spec.clone();
            other.set(field, value).unwrap();
            assert_eq!(first(&other)[0], names[0], "{field}");
        }
        for (field, value) in
            [("stage.prompt-tuning.steps", "7"), ("prompt.length", "3"), ("target.max_input", "9")]
        {
            let mut other = spec.clone();
            other.set(field, value).unwrap();
            assert_ne!(first(&other)[0], names[0], "{field}");
        }
        let mut other = spec.clone();
        other.set("stage.fine-tuning.steps", "7").unwrap();
        assert_ne!(first(&other)[1], names[1]);
    }

    #[test]
    fn joint_tuning_has_one_prompt_and_one_task() {
        let mut spec = RunSpec { methods: vec!["promot".into(), "joint".into()], ..spec() };
        assert_eq!(spec.resolve(built_in()).unwrap().recipes.len(), 2);
        spec.target.also = vec!["wmt_enfr".into()];
        let error = spec.resolve(built_in()).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains("joint") && error.contains("expected one") && error.contains("found 2"),
            "{error}"
        );
    }
}
