//! What stages leave: a model, and what is attached to it for single tasks. The end of a stage is computed here, the
//! same for one that has just run and for one read from its checkpoint.

use super::plan::PlannedStage;
use crate::checkpoint::StageState;
use crate::error::Result;
use crate::method::{Ctx, Method, State};
use crate::model::{Adapters, Model, ParamPath, SoftPrompt, tensors};
use crate::rng::Streams;

/// What is attached to the model for one task and taken off for the others.
#[derive(Clone, Debug, Default)]
pub struct Attached {
    pub prompt: Option<SoftPrompt>,
    pub adapters: Adapters,
}

impl Attached {
    pub fn is_empty(&self) -> bool {
        self.prompt.is_none() && self.adapters.0.is_empty()
    }

    /// The model with these attached, in place of what it has of the same kind.
    pub fn onto(&self, mut model: Model) -> Model {
        if let Some(prompt) = &self.prompt {
            model = model.with_prompt(Some(prompt.clone()));
        }
        if self.adapters.0.is_empty() { model } else { model.with_adapters(&self.adapters) }
    }
}

/// A model and, for each tuned task, what is attached to it.
#[derive(Clone, Debug)]
pub struct TunedModel {
    /// With nothing attached.
    pub model: Model,
    /// In the order of the spec's tasks.
    pub attached: Vec<Attached>,
}

impl TunedModel {
    /// The model as it came, for so many tasks.
    pub fn new(model: Model, tasks: usize) -> Self {
        Self { model: bare(model), attached: vec![Attached::default(); tasks] }
    }

    /// The model for the task at this index of the spec, with the task's prompt and adapters.
    pub fn for_task(&self, index: usize) -> Model {
        self.attached[index].onto(self.model.clone())
    }

    /// The model that a stage starts from: with the task's attachments, unless these are attached to its rows only.
    pub(super) fn start_of(&self, planned: &PlannedStage) -> Model {
        if planned.attached_to_rows() { self.model.clone() } else { self.for_task(planned.tasks.start) }
    }

    /// Takes a stage's result apart again.
    pub(super) fn after(mut self, planned: &PlannedStage, mut model: Model) -> Self {
        if !planned.attached_to_rows() {
            let adapters = model.adapters();
            self.attached[planned.tasks.start] = Attached { prompt: model.prompt.take(), adapters };
        }
        Self { model: bare(model), attached: self.attached }
    }
}

/// The model with nothing attached.
pub(super) fn bare(model: Model) -> Model {
    model.with_prompt(None).with_adapters(&Adapters::default())
}

/// The stage's result: the kept checkpoint's weights through the method's `finish`. One function for a stage that has
/// just run and for one that is read from its checkpoint.
pub(super) fn finished(
    method: &dyn Method,
    steps: usize,
    streams: Streams,
    start: &Model,
    (kept, state): (Model, &State),
) -> Result<Model> {
    method.finish(kept, state, &Ctx { start, step: steps, steps, rate: 0.0, streams })
}

/// What a stage has made of the model that it began with, from its checkpoint, finished or not: what would be its
/// result if it ended there. A prompt that the stage began with, but does not train, must be attached already.
pub(super) fn from_saved(
    before: TunedModel,
    planned: &PlannedStage,
    seed: u64,
    saved: &StageState,
) -> Result<TunedModel> {
    let (kept, state) = saved.of(saved.candidates.first());
    let mut start = before.start_of(planned);
    let device = start.device();
    if let Some(prompt) = kept.get("prompt.value") {
        let (length, width) = (prompt.shape[0], prompt.shape[1]);
        start =
            start.with_prompt(Some(SoftPrompt::from_values(prompt.values.clone(), length, width, &device)?));
    }
    let (method, streams, steps) = (&*planned.method, Streams::new(seed), planned.stage.training.steps);
    let prepared =
        method.prepare(start.clone(), &Ctx { start: &start, step: 0, steps, rate: 0.0, streams })?;
    let naming = |path: &str| method.trainable(&ParamPath::known(path)).then(|| (path.to_owned(), false));
    let model = tensors::load(prepared, kept, &naming, &[], "the checkpoint")?;
    let model = finished(method, steps, streams, &start, (model, &state.on(&device)))?;
    Ok(before.after(planned, model))
}
