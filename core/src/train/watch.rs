//! Fixed questions that are answered along training, for people to read: one row of each task, greedily, in few tokens.

use crate::data::Example;
use crate::error::Result;
use crate::eval::{EvalSpec, Evaluator, TaskRows};
use crate::model::Model;
use crate::optim::StageSpec;
use crate::record::WatchedAnswer;
use crate::task::Task;

/// Longest answer, in tokens: a few points of the curves must not cost as much as the curves.
const MOST_TOKENS: usize = 24;

/// In-context examples before a question of a held-out task, as in the curves.
const SHOTS: usize = 1;

/// The questions of a stage.
pub struct Watch<'a> {
    spec: EvalSpec,
    pub questions: Vec<Question<'a>>,
}

/// The first row of a task.
pub struct Question<'a> {
    task: Task,
    rows: &'a [Example],
    shot_rows: &'a [Example],
    /// The place of a tuned task among those of the stage; nothing is attached for the others.
    pub target: Option<usize>,
}

impl<'a> Question<'a> {
    pub fn new(rows: &TaskRows<'a>, target: Option<usize>) -> Self {
        let max_new_tokens = rows.task.max_new_tokens.min(MOST_TOKENS);
        let task = Task { max_new_tokens, ..rows.task.clone() };
        Self { task, rows: &rows.rows[..rows.rows.len().min(1)], shot_rows: rows.shot_rows, target }
    }
}

impl<'a> Watch<'a> {
    /// `spec`: how the run evaluates.
    pub fn new(spec: &EvalSpec, questions: Vec<Question<'a>>) -> Self {
        Self { spec: EvalSpec { beams: 1, batch: 1, ..spec.clone() }, questions }
    }

    /// The answer of `model` as it stands; `evaluator` is the run's, `shots` those of the stage's training.
    ///
    /// # Errors
    /// Logits that are not finite.
    pub async fn answer(
        &self,
        question: &Question<'_>,
        evaluator: &Evaluator<'_>,
        model: &Model,
        shots: usize,
    ) -> Result<WatchedAnswer> {
        let targets = evaluator.targets.clone();
        let greedy = Evaluator { spec: &self.spec, targets, ..*evaluator };
        let rows =
            TaskRows { task: &question.task, rows: question.rows, shot_rows: question.shot_rows, origin: "" };
        let shots = if question.target.is_some() { shots } else { SHOTS };
        let found = greedy.evaluate(model, &rows, shots, 1, &mut |_, _| Ok(())).await?;
        let prediction = found.predictions.into_iter().next();
        Ok(WatchedAnswer {
            task: question.task.name.clone(),
            shots,
            prompt: model.prompt.is_some(),
            input: prediction.as_ref().map(|found| found.input.clone()).unwrap_or_default(),
            references: prediction.as_ref().map(|found| found.references.clone()).unwrap_or_default(),
            output: prediction.map(|found| found.output).unwrap_or_default(),
        })
    }
}

/// Whether the questions are answered after so many steps, of `training.steps` in all. Forgetting happens within a few
/// steps, so the first points are close together. `curves`: whether the curves have a point there.
pub fn watch_due(step: usize, training: &StageSpec, curves: bool) -> bool {
    curves || step == 0 || step.is_power_of_two() || step == training.steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_asked_densely_at_first_and_at_the_end() {
        let training = StageSpec { steps: 21, ..StageSpec::default() };
        let due: Vec<usize> = (0..=21).filter(|step| watch_due(*step, &training, *step == 10)).collect();
        assert_eq!(due, [0, 1, 2, 4, 8, 10, 16, 21]);
    }
}
