//! The scores of a finished model: on the tuned tasks with what is attached for them, on the held-out tasks without.

use std::collections::BTreeMap;

use super::restore::Setup;
use super::rows::Data;
use super::tuned::{TunedModel, bare};
use super::{Event, FinishedRun, Observer, tell};
use crate::error::Result;
use crate::eval::{Evaluation, Evaluator, Prediction, TaskRows};
use crate::model::{Model, parameters};
use crate::report::{ExampleAnswers, TaskScore, TextLoss};
use crate::task::Task;

/// What finished models are asked.
pub(super) struct Scoring<'a> {
    pub setup: Setup<'a>,
    pub data: &'a Data,
    pub evaluator: Evaluator<'a>,
    /// The model as it came, if it has been scored: no seed changes that.
    pub pretrained: Option<FinishedRun>,
}

/// Of one finished model.
#[derive(Default)]
pub(super) struct Scores {
    pub targets: Vec<TaskScore>,
    pub unseen: Vec<TaskScore>,
    pub text: Vec<TextLoss>,
    pub examples: Vec<ExampleAnswers>,
}

impl Scoring<'_> {
    /// The tuned tasks each with its prompt, the others without any (paper, section 4: prompts go where their format
    /// is wanted), and once more behind the first task's where that is asked for.
    pub async fn score(
        &self,
        method: &str,
        tuned: &TunedModel,
        target_shots: usize,
        observer: &mut dyn Observer,
    ) -> Result<Scores> {
        let known = self.known(method, tuned).await?;
        let mut scores = Scores::default();
        for (index, target) in self.data.targets.iter().enumerate() {
            let model = tuned.for_task(index);
            let bare = tuned.attached[index].is_empty() && target_shots == 0;
            if let Some((score, examples)) =
                known.as_ref().filter(|_| bare).and_then(|known| known.of(&target.task))
            {
                scores.examples.extend(examples);
                scores.targets.push(score);
                continue;
            }
            let found = self.evaluate(&model, &target.test(), target_shots, observer).await?;
            scores.examples.extend(self.answers(method, &target.task, &found));
            scores.targets.push(found.score);
        }
        if let Some(known) = &known {
            let of_targets = |example: &&ExampleAnswers| {
                self.data.targets.iter().any(|target| target.task.name == example.task)
            };
            scores.unseen.clone_from(&known.run.unseen);
            scores.examples.extend(known.examples.iter().filter(|example| !of_targets(example)).cloned());
        }
        let asked = if known.is_some() { &[][..] } else { &self.setup.run.eval.shots[..] };
        for shots in asked {
            for task in &self.data.unseen {
                let found = self.evaluate(&tuned.model, &task.rows(), *shots, observer).await?;
                if Some(shots) == self.setup.run.eval.shots.first() {
                    scores.examples.extend(self.answers(method, &task.task, &found));
                }
                scores.unseen.push(found.score);
            }
        }
        let with_prompt = Some(tuned.for_task(0)).filter(|model| model.prompt.is_some());
        if let (Some(model), true) = (&with_prompt, self.setup.run.eval.prompt_on) {
            for shots in &self.setup.run.eval.shots {
                for task in &self.data.unseen {
                    scores.unseen.push(self.evaluate(model, &task.rows(), *shots, observer).await?.score);
                }
            }
        }
        if let Some(text) = &self.data.text {
            let bare = match &known {
                Some(known) => {
                    scores.text.clone_from(&known.run.text);
                    None
                }
                None => Some(&tuned.model),
            };
            for model in [bare, with_prompt.as_ref()].into_iter().flatten() {
                observer.breathe().await;
                scores.text.push(self.evaluator.cross_entropy(model, &text.rows()).await?);
            }
        }
        Ok(scores)
    }

    /// The scores of the model as it came, where this one's weights are the same: a soft prompt that is taken off leaves
    /// nothing behind.
    async fn known(&self, method: &str, tuned: &TunedModel) -> Result<Option<FinishedRun>> {
        let Some(known) = &self.pretrained else { return Ok(None) };
        let weights = |model: &Model| parameters::read(model, &|path| path.is_weight());
        let came = bare(self.setup.loaded.model.clone());
        if !parameters::equal(&weights(&came), &weights(&tuned.model)).await? {
            return Ok(None);
        }
        let mut known = known.clone();
        for example in &mut known.examples {
            let outputs = std::mem::take(&mut example.outputs);
            example.outputs = outputs.into_values().map(|output| (method.to_owned(), output)).collect();
        }
        Ok(Some(known))
    }

    async fn evaluate(
        &self,
        model: &Model,
        rows: &TaskRows<'_>,
        shots: usize,
        observer: &mut dyn Observer,
    ) -> Result<Evaluation> {
        let name = &rows.task.name;
        observer.breathe().await;
        let mut progress = |done, rows| tell(observer, Event::Evaluating { task: name.clone(), done, rows });
        self.evaluator.evaluate(model, rows, shots, 0, &mut progress).await
    }

    /// Those of the first questions, for the report.
    fn answers(&self, method: &str, task: &Task, evaluation: &Evaluation) -> Vec<ExampleAnswers> {
        let first = evaluation.predictions.iter().take(self.setup.run.eval.examples);
        let answer = |prediction: &Prediction| ExampleAnswers {
            task: task.name.clone(),
            input: prediction.input.clone(),
            reference: prediction.reference.clone(),
            outputs: BTreeMap::from([(method.to_owned(), prediction.output.clone())]),
        };
        first.map(answer).collect()
    }
}

impl FinishedRun {
    /// A tuned task's score and examples.
    fn of(&self, task: &Task) -> Option<(TaskScore, Vec<ExampleAnswers>)> {
        let score =
            std::iter::once(&self.run.target).chain(&self.run.also).find(|score| score.task == task.name)?;
        let examples = self.examples.iter().filter(|example| example.task == task.name);
        Some((score.clone(), examples.cloned().collect()))
    }
}
