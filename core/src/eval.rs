//! Task times model gives answers and a score: k-shot prompts, beam search, post-processing, metric, signature.

use crate::data::Example;
use crate::decode::{self, Batching, SearchSettings};
use crate::error::Result;
use crate::model::Model;
use crate::report::TaskScore;
use crate::rng::{Streams, choose};
use crate::spec::EvalSpec;
use crate::task::{self, Task};
use crate::tokenizer::Tokenizer;

/// What is needed beside the model; the same for every method of a run.
pub struct Evaluator<'a> {
    pub tokenizer: &'a Tokenizer,
    pub start: u32,
    pub spec: &'a EvalSpec,
    /// Seeds the choice of shots; one for all methods, so that they are asked the same.
    pub shot_seed: u64,
    /// The tuned tasks, whose format the outputs may have taken on.
    pub targets: Vec<&'a Task>,
    pub length_multiple: usize,
    /// Parts of a batch searched side by side.
    pub at_once: usize,
}

/// The rows of one task.
pub struct TaskRows<'a> {
    pub task: &'a Task,
    pub rows: &'a [Example],
    /// Where the shots come from: the training rows.
    pub shot_rows: &'a [Example],
}

/// One answered question.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub input: String,
    pub reference: String,
    /// What the model wrote.
    pub output: String,
}

/// A score with the answers behind it.
pub struct Evaluation {
    pub score: TaskScore,
    pub predictions: Vec<Prediction>,
}

impl Evaluator<'_> {
    /// Scores `model` as it stands: with its prompt in front if it has one.
    /// `progress` hears how many rows are done and may stop the evaluation with an error.
    pub async fn evaluate(
        &self,
        model: &Model,
        task: &TaskRows<'_>,
        shots: usize,
        limit: usize,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Evaluation> {
        let rows = if limit == 0 { task.rows } else { &task.rows[..limit.min(task.rows.len())] };
        let rendered = self.render(task, rows, shots)?;
        let inputs =
            rendered.iter().map(|row| self.tokenizer.encode(&row.input)).collect::<Result<Vec<_>>>()?;
        let settings = self.search(task.task);
        let batching = Batching {
            pad: self.tokenizer.pad,
            rows: self.spec.batch,
            multiple: self.length_multiple,
            at_once: self.at_once,
        };
        let mut report = |done| progress(done, rows.len());
        let found = decode::generate(model, &inputs, &settings, batching, &mut report).await?;
        let outputs =
            found.iter().map(|found| self.tokenizer.decode(&found.tokens)).collect::<Result<Vec<_>>>()?;
        let references: Vec<Vec<String>> = rendered.iter().map(|row| row.references.clone()).collect();
        let score = self.task_score(model, task.task, shots, &settings, &outputs, &references);
        let predictions = rendered
            .into_iter()
            .zip(outputs)
            .map(|(row, output)| Prediction { input: row.input, reference: row.target, output })
            .collect();
        Ok(Evaluation { score, predictions })
    }

    fn render(
        &self,
        task: &TaskRows<'_>,
        rows: &[Example],
        shots: usize,
    ) -> Result<Vec<crate::task::Rendered>> {
        let mut rng = Streams::new(self.shot_seed).stream(&format!("shots/{}/{shots}", task.task.name));
        rows.iter()
            .map(|row| {
                let chosen: Vec<&Example> = choose(task.shot_rows.len(), shots, &mut rng)
                    .into_iter()
                    .map(|index| &task.shot_rows[index])
                    .collect();
                task.task.render_with_shots(&chosen, row)
            })
            .collect()
    }

    fn search(&self, task: &Task) -> SearchSettings {
        SearchSettings {
            beams: self.spec.beams,
            max_new: task.max_new_tokens,
            min_new: self.spec.min_new_tokens,
            penalty: self.spec.length_penalty,
            alpha: self.spec.alpha,
            start: self.start,
            eos: self.tokenizer.eos,
        }
    }

    fn task_score(
        &self,
        model: &Model,
        task: &Task,
        shots: usize,
        settings: &SearchSettings,
        outputs: &[String],
        references: &[Vec<String>],
    ) -> TaskScore {
        let score = task.score(outputs, references);
        let prompt = model.prompt.is_some();
        let signature = format!(
            "{}|task:{}.v{}|shots:{shots}|shotseed:{}|prompt:{}|decode:{}",
            score.signature,
            task.name,
            task.version,
            self.shot_seed,
            if prompt { "on" } else { "off" },
            settings.signature()
        );
        TaskScore {
            task: task.name.to_owned(),
            shots,
            prompt,
            metric: score.metric,
            score: score.score,
            n: score.n,
            target_format_rate: task::format_rate(&self.targets, outputs),
            signature,
        }
    }
}
