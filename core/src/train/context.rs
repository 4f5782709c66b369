//! What a stage works with, its model excepted.

use super::Source;
use super::step::MicroBatch;
use super::tuned::Attached;
use super::watch::Watch;
use crate::batch::{Batch, BatchLayout, TokenizedExample};
use crate::error::Result;
use crate::eval::{Evaluator, TaskRows};
use crate::method::Method;
use crate::model::{Model, ParamPath};
use crate::optim::StageSpec;
use crate::record::StageId;
use crate::rng::Streams;

/// Everything a stage works with, its model excepted.
pub struct StageContext<'a> {
    /// The checkpoint's name, such as `seed-0.prompt-tuning`.
    pub name: String,
    /// What curves and events call it.
    pub id: StageId,
    pub method: &'a dyn Method,
    pub spec: &'a StageSpec,
    pub source: &'a dyn Source,
    /// What is attached, frozen, for the rows of each of the source's tasks; empty where the model's own serves all.
    pub attached: &'a [Attached],
    /// What chooses the best checkpoint; without it that is the last one.
    pub validation: Option<Validation<'a>>,
    pub streams: Streams,
    pub layout: BatchLayout,
    /// Whether parameters are updated in parallel.
    pub threads: bool,
    pub fingerprint: String,
}

/// What is evaluated along the way.
pub struct Validation<'a> {
    pub evaluator: &'a Evaluator<'a>,
    /// The targets' rows that choose the checkpoint by the mean of the scores, in the order of the source's tasks, how
    /// many of each (0 for all), and in-context examples before each.
    pub rows: Vec<TaskRows<'a>>,
    pub limit: usize,
    pub shots: usize,
    /// Held-out tasks scored for the curves, with nothing attached; they choose nothing.
    pub held_out: &'a [TaskRows<'a>],
    /// Questions that are answered along the way; they choose nothing either.
    pub watch: Option<&'a Watch<'a>>,
}

impl StageContext<'_> {
    /// Rows, a list for each task, as micro-batches of one batch, each list in its share of them.
    ///
    /// # Errors
    /// A row that is longer than the model reaches.
    pub(super) fn micro_batches(
        &self,
        model: &Model,
        rows: Vec<Vec<TokenizedExample>>,
    ) -> Result<Vec<MicroBatch>> {
        for (index, rows) in rows.iter().enumerate() {
            let prompt = self.attached(index).and_then(|attached| attached.prompt.as_ref());
            let tokens = |row: &TokenizedExample| (row.input.len() + row.target.len()).saturating_sub(1);
            let longest = rows.iter().map(tokens).max().unwrap_or(0);
            model.check_length(prompt, longest)?;
        }
        let count = self.spec.accumulate * self.layout.num_workers;
        let all: usize = rows.iter().map(Vec::len).sum();
        let tasks = rows.into_iter().enumerate();
        let made = tasks.flat_map(|(index, rows)| {
            let count = (count * rows.len()).div_ceil(all.max(1));
            let parts = Batch::micro_batches(rows, &self.layout, count).into_iter();
            parts.map(move |batch| MicroBatch { batch, attached: self.attached(index).cloned() })
        });
        Ok(made.collect())
    }

    /// What is attached, frozen, for the task at this index of the source.
    pub(super) fn attached(&self, index: usize) -> Option<&Attached> {
        self.attached.get(index)
    }

    /// The model with what is attached for the task at this index of the source.
    pub(super) fn for_task(&self, index: usize, model: &Model) -> Model {
        self.attached(index).map_or_else(|| model.clone(), |attached| attached.onto(model.clone()))
    }

    /// Whether the parameter at this path is trained.
    pub(super) fn trains(&self, path: &str) -> bool {
        self.method.trainable(&ParamPath::known(path))
    }
}
