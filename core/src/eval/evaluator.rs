//! Task times model gives answers and a score: k-shot prompts, beam search, post-processing, metric, signature.

use std::ops::Range;

use super::EvalSpec;
use super::ranked::Ranking;
use crate::batch::{BatchLayout, TokenizedExample};
use crate::data::Example;
use crate::decode::{self, Batching, Hypothesis, SearchSettings};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::record::{Surface, TaskScore, TextLoss};
use crate::render::{RenderedRow, Renderer, ShotPool};
use crate::task::{self, Rendered, Task};
use crate::tokenizer::Tokenizer;

/// What is needed beside the model; the same for every method of a run.
pub struct Evaluator<'a> {
    pub tokenizer: &'a Tokenizer,
    pub layout: BatchLayout,
    pub spec: &'a EvalSpec,
    /// Longest input in tokens, as in training; 0 for no limit.
    pub max_input: usize,
    /// Seeds the choice of shots; one for all methods, so that they are asked the same.
    pub shot_seed: u64,
    /// The tuned tasks, whose format the outputs may have taken on.
    pub targets: Vec<&'a Task>,
}

/// The rows of one task.
pub struct TaskRows<'a> {
    pub task: &'a Task,
    pub rows: &'a [Example],
    /// Training rows, the first of which (`eval.shot_pool`) in-context examples are drawn from.
    pub shot_rows: &'a [Example],
    /// Which file the rows are from, where the task does not say it by itself.
    pub origin: &'a str,
}

/// The questions of a task, rendered once for all models.
pub struct Asked<'a> {
    task: &'a TaskRows<'a>,
    rows: &'a [Example],
    shots: usize,
    pool: ShotPool<'a>,
    rendered: Vec<RenderedRow>,
    inputs: Vec<Vec<u32>>,
}

impl Asked<'_> {
    /// How many questions.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A question and its references as text.
    pub fn text(&self, row: usize) -> &Rendered {
        &self.rendered[row].text
    }
}

/// What a model makes of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub text: String,
    /// Whether the model itself ended it, with an end-of-sequence token before the task's limit of tokens; nothing where it
    /// chose among candidates.
    pub ended: Option<bool>,
}

/// One answered question.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub input: String,
    pub reference: String,
    /// All accepted answers, the reference among them.
    pub references: Vec<String>,
    /// What the model wrote.
    pub output: String,
    /// As `Output::ended`.
    pub ended: Option<bool>,
}

/// A score with the answers behind it.
pub struct Evaluation {
    pub score: TaskScore,
    pub predictions: Vec<Prediction>,
}

impl Evaluator<'_> {
    /// Scores `model` as it stands: with its prompt in front if it has one.
    /// `progress` hears how many rows are done and may stop the evaluation with an error.
    ///
    /// # Errors
    /// No row: a score over nothing would read as a bad one. Logits that are not finite.
    pub async fn evaluate(
        &self,
        model: &Model,
        task: &TaskRows<'_>,
        shots: usize,
        limit: usize,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Evaluation> {
        let asked = self.asked(task, shots, limit)?;
        let outputs = self.answers(model, &asked, 0..asked.len(), progress).await?;
        Ok(self.scored(model, &asked, outputs))
    }

    /// The questions of a task's first rows (0 for all), which several models may be asked, a part at a time.
    ///
    /// # Errors
    /// No row. Fewer training rows than in-context examples.
    pub fn asked<'t>(&self, task: &'t TaskRows<'t>, shots: usize, limit: usize) -> Result<Asked<'t>> {
        let rows = if limit == 0 { task.rows } else { &task.rows[..limit.min(task.rows.len())] };
        if rows.is_empty() {
            return Err(Error::mismatch(
                format!("rows of task {}", task.task.name),
                "at least one to score",
                "none",
            ));
        }
        let pool = ShotPool::new(task.shot_rows, self.spec.shot_pool, self.shot_seed);
        let mut rendered = self.renderer(task.task, shots).evaluation(rows, &pool)?;
        let inputs = rendered.iter_mut().map(|row| std::mem::take(&mut row.input)).collect();
        Ok(Asked { task, rows, shots, pool, rendered, inputs })
    }

    /// The model's outputs for these of the questions. `progress` as in `evaluate`.
    ///
    /// # Errors
    /// Logits that are not finite; what `progress` says.
    pub async fn answers(
        &self,
        model: &Model,
        asked: &Asked<'_>,
        range: Range<usize>,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Vec<Output>> {
        let (from, rows) = (range.start, asked.len());
        let mut report = |done| progress(from + done, rows);
        let (task, inputs) = (asked.task.task, &asked.inputs[range.clone()]);
        if task.candidates.is_none() {
            let settings = self.search(task);
            let suppressed = self.tokenizer.of_words(&self.spec.suppress)?;
            let batching = Batching { rows: self.spec.batch, layout: self.layout, suppressed: &suppressed };
            let found = decode::generate(model, inputs, &settings, batching, &mut report).await?;
            let output = |found: &Hypothesis| {
                Ok(Output {
                    text: self.tokenizer.decode(&found.tokens)?,
                    ended: Some(found.is_ended(&settings.eos)),
                })
            };
            return found.iter().map(output).collect();
        }
        let ranking = Ranking {
            model,
            tokenizer: self.tokenizer,
            layout: &self.layout,
            batch: self.spec.batch,
            seed: self.shot_seed,
        };
        let rows = (&asked.rows[range.clone()], &asked.rendered[range], inputs);
        let chosen = ranking.answers(task, rows, asked.pool.rows(), &mut report).await?;
        Ok(chosen.into_iter().map(|text| Output { text, ended: None }).collect())
    }

    /// The score of a model's outputs for the first questions, as many as there are outputs.
    pub fn scored(&self, model: &Model, asked: &Asked<'_>, outputs: Vec<Output>) -> Evaluation {
        let rendered = &asked.rendered[..outputs.len()];
        let renderer = self.renderer(asked.task.task, asked.shots);
        let (texts, ended): (Vec<_>, Vec<_>) =
            outputs.into_iter().map(|output| (output.text, output.ended)).unzip();
        let mut score = self.task_score(model, &renderer, &asked.pool, rendered, &texts);
        if !asked.task.origin.is_empty() {
            score.signature += &format!("|rows:{}", asked.task.origin);
        }
        let prediction = |(row, (output, ended)): (&RenderedRow, (String, _))| Prediction {
            input: row.text.input.clone(),
            reference: row.text.target.clone(),
            references: row.text.references.clone(),
            output,
            ended,
        };
        let predictions = rendered.iter().zip(texts.into_iter().zip(ended)).map(prediction).collect();
        Evaluation { score, predictions }
    }

    /// Cross-entropy of the rows' targets behind their inputs, with the model's prompt in front if it has one. To a
    /// decoder-only model running text has no end: its end-of-sequence token, which a tuned model puts behind every
    /// answer, is not counted.
    pub async fn cross_entropy(&self, model: &Model, rows: &TaskRows<'_>) -> Result<TextLoss> {
        let renderer = self.renderer(rows.task, 0);
        let examples = rows.rows.iter().map(|row| {
            let rendered = renderer.render(&[], row)?;
            let (tokenizer, text) = (self.tokenizer, &rendered.text);
            let target = match tokenizer.is_decoder_only() {
                true => tokenizer.encode_open_target(&text.input, &text.target)?,
                false => tokenizer.encode_target(&text.input, &text.target)?,
            };
            Ok(TokenizedExample { input: rendered.input, target, ..TokenizedExample::default() })
        });
        let examples = examples.collect::<Result<Vec<_>>>()?;
        let scores = decode::score(model, &examples, &self.layout, self.spec.batch).await?;
        let tokens = examples.iter().map(|example| example.target.len()).sum::<usize>();
        let nats: f64 = scores.iter().map(|score| -score.logprob()).sum();
        Ok(TextLoss {
            task: rows.task.name.clone(),
            prompt: model.prompt.is_some(),
            nats_per_token: nats / tokens.max(1) as f64,
            tokens,
            rows: examples.len(),
        })
    }

    fn renderer<'a>(&'a self, task: &'a Task, shots: usize) -> Renderer<'a> {
        Renderer { task, tokenizer: self.tokenizer, shots, max_input: self.max_input }
    }

    fn search(&self, task: &Task) -> SearchSettings {
        SearchSettings {
            beams: self.spec.beams,
            max_new_tokens: task.max_new_tokens,
            min_new_tokens: self.spec.min_new_tokens,
            length_penalty: self.spec.length_penalty,
            alpha: self.spec.alpha,
            decoder_start_id: self.layout.decoder_start_id,
            eos: self.tokenizer.stops.clone(),
        }
    }

    fn task_score(
        &self,
        model: &Model,
        renderer: &Renderer<'_>,
        pool: &ShotPool<'_>,
        rendered: &[RenderedRow],
        outputs: &[String],
    ) -> TaskScore {
        let (task, shots) = (renderer.task, renderer.shots);
        let references: Vec<Vec<String>> = rendered.iter().map(|row| row.text.references.clone()).collect();
        let score = task.score(outputs, &references);
        let texts = rendered.iter().zip(outputs);
        let surface = texts.map(|(row, output)| (&*row.text.input, &**output, &*row.text.target));
        let prompt = model.prompt.is_some();
        let truncated = rendered.iter().filter(|row| row.truncated).count();
        let ranked = task.candidates.is_some();
        let drawn = if shots == 0 && !ranked { String::new() } else { format!("|pool:{}", pool.size()) };
        let cut = if truncated == 0 { String::new() } else { format!("|cut:{truncated}@{}", self.max_input) };
        let decode = match &task.candidates {
            None => self.search(task).signature(),
            Some(candidates) => format!("ranked({}),norm:bytes", candidates.describe()),
        };
        let words = if ranked { 0 } else { self.spec.suppress.len() };
        let suppressed = if words == 0 { String::new() } else { format!("|suppressed:{words}") };
        let asked = if task.chat { "|asked:chat-template" } else { "" };
        let signature = format!(
            "{}|task:{}.v{}{asked}|shots:{shots}|shotseed:{}{drawn}{cut}|prompt:{}|decode:{}{suppressed}",
            score.signature,
            task.name,
            task.version,
            self.shot_seed,
            if prompt { "on" } else { "off" },
            decode
        );
        TaskScore {
            task: task.name.clone(),
            shots,
            prompt,
            metric: score.metric,
            score: score.score,
            n: score.n,
            truncated,
            // A chosen answer has the form that its candidates have.
            target_format_rate: task::format_rate(&self.targets, outputs).filter(|_| !ranked),
            surface: Surface::of(surface),
            rows: Some(task.row_scores(outputs, &references)),
            signature,
            warnings: score.warnings,
        }
    }
}
