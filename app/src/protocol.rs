//! The messages between page and worker: two enums, sent as JSON, no web types. The bytes of a file are transferred with
//! the JSON of their event, not copied.

use std::fmt::Display;

use promot_core::report::{DeviceInfo, MethodRun, Report, StageId};
use promot_core::report_html::Course;
use promot_core::spec::{Run, RunSpec};
use promot_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::batch::{BatchRow, BatchTable, Request};
use crate::budget::Budget;
use crate::catalog::tasks;
use crate::column::{Column, RecipeName};
use crate::failure::Failure;
use crate::inspected::{Attention, Inspected};

/// The device that the page was asked to use (`?device=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceWish {
    /// WebGPU where it passes the probe and is no software adapter, otherwise the CPU.
    #[default]
    Auto,
    Webgpu,
    Cpu,
}

/// Where a model's weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Shipped with the page, made by `promot run`.
    Shipped,
    /// Trained in this tab.
    Trained,
}

/// A model that can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelState {
    pub recipe: RecipeName,
    pub origin: Origin,
    /// The target task of its training; empty for the pretrained model.
    pub target: String,
    /// Vectors of its soft prompt; 0 without one.
    pub prompt: usize,
    /// Changes with the weights: answers of another version are those of another model.
    pub version: u64,
    /// What it was trained with, where that is known.
    pub budget: Option<Budget>,
}

/// Most rows of a step, and of an evaluation's batch: a tab has a few gigabytes.
pub const MOST_BATCH: usize = 1024;

/// Longest soft prompt on this page.
pub const MOST_PROMPT: usize = 512;

/// The spec as a run in this page takes it, which has `model` open.
///
/// # Errors
/// A setting that makes no sense; another model; several target tasks, since a model of the page holds one soft prompt;
/// batches and prompts beyond a tab's memory.
pub fn resolved(spec: &RunSpec, model: &str) -> Result<Run> {
    let run = spec.resolve(tasks())?;
    let holds = |field: &str, expected: &dyn Display, holds: bool, found: &dyn Display| match holds {
        true => Ok(()),
        false => Err(Error::mismatch(format!("{field} of the spec"), expected, found)),
    };
    let open = format!("{model}, which is open (another can be chosen at the top of the page)");
    holds("model", &open, run.model == model, &run.model)?;
    holds("target.also", &"no task on this page", run.target.also.is_empty(), &run.target.also.len())?;
    let most = format!("at most {MOST_BATCH} on this page");
    holds("eval.batch", &most, run.eval.batch <= MOST_BATCH, &run.eval.batch)?;
    for stage in run.recipes.iter().flat_map(|recipe| recipe.trained()).flat_map(|recipe| &recipe.stages) {
        let batch = stage.training.batch;
        holds(&format!("stage.{}.batch", stage.name), &most, batch <= MOST_BATCH, &batch)?;
        let (length, most) = (stage.prompt.length, format!("at most {MOST_PROMPT} on this page"));
        holds("prompt.length", &most, length <= MOST_PROMPT, &length)?;
    }
    Ok(run)
}

/// An answer and what it was an answer to; `prompt` and `mix` as in `Command::Ask`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub input: String,
    pub column: Column,
    pub prompt: bool,
    pub mix: f64,
    pub ids: Vec<u32>,
}

/// From the page to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// First of all: open a device, load a bundled model and the weights that are shipped of it. `base` is the address
    /// that `models/` and `recorded/` lie under.
    Start {
        device: DeviceWish,
        model: String,
        base: String,
    },
    /// Asks the models the same question, one after the other. A later `Ask` or `Cancel` ends an earlier one. A model that
    /// is missing gets no `Answer`; `AskDone` comes in every case. `prompt`: the switch of the soft prompt; `mix`: the share
    /// of the tuned weights in mixed ones.
    Ask {
        id: u64,
        input: String,
        columns: Vec<Column>,
        prompt: bool,
        mix: f64,
        beams: usize,
        max_new: usize,
    },
    Cancel {
        id: u64,
    },
    /// The probabilities of an answer's tokens and of the likeliest ones in their places, from the column's model, with the
    /// question in front of it. Answered by `Weighed`.
    Weigh {
        id: u64,
        answered: Answered,
    },
    /// What the decoder of the column's model attends to while it writes an answer. Answered by `Attended`.
    Attend {
        id: u64,
        answered: Answered,
    },
    /// How far a model's weights have moved, and what its soft prompt is near to. Answered by `Inspected`.
    Inspect {
        id: u64,
        recipe: RecipeName,
    },
    /// Asks the models many rows of a task: the first `rows` of its test split, with `shots` in-context examples each.
    /// `prompt` and `mix` as in `Ask`. Answered by `BatchProgress`, `BatchRows` and, at the end or after a `Cancel`,
    /// `BatchDone`.
    Evaluate(Request),
    /// Renders a question of a task: `shots` in-context examples and row `row` of the test split.
    Example {
        id: u64,
        task: String,
        shots: usize,
        row: usize,
    },
    /// Begins a training run; the saved one is deleted.
    Train {
        spec: Box<RunSpec>,
    },
    /// Resumes the saved run.
    Continue,
    Pause,
    Resume,
    /// While paused: one more step, then paused again.
    Step,
    /// Saves and ends (`Status::Idle` and `Saved` follow); `Continue` resumes.
    Stop,
    /// Deletes the saved run.
    Discard,
    /// Keeps the report of the run so far under a name. This and the next two are answered by `Kept`.
    Keep {
        name: String,
    },
    RenameKept {
        id: u64,
        name: String,
    },
    DeleteKept {
        id: u64,
    },
    /// Answered by `KeptReport`.
    OpenKept {
        id: u64,
    },
    /// Answered by `File`: the report of the run so far (also while it is paused).
    ExportReport,
    /// Answered by `File`: the same report as an HTML page, with the curve of a method in training.
    ExportPage {
        unfinished: Vec<Course>,
    },
    /// Answered by `File`s: one model's weights.
    ExportWeights {
        recipe: RecipeName,
    },
}

/// State of the training run; the text of `train-status` is `label`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Idle,
    Loading,
    Stage(usize),
    Evaluating,
    Paused,
    Done,
    Failed,
}

impl Status {
    pub fn label(&self) -> String {
        match self {
            Status::Idle => "idle".into(),
            Status::Loading => "loading".into(),
            Status::Stage(number) => format!("stage {number}"),
            Status::Evaluating => "evaluating".into(),
            Status::Paused => "paused".into(),
            Status::Done => "done".into(),
            Status::Failed => "failed".into(),
        }
    }
}

/// A run in the browser's storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    pub spec: Box<RunSpec>,
    /// Method and stage that it stopped in, steps done and all steps of that stage; 0 of 0 before the first checkpoint.
    pub method: String,
    pub stage: StageId,
    pub step: usize,
    pub steps: usize,
    pub finished: bool,
}

/// A run that the user keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeptRun {
    pub id: u64,
    pub name: String,
    /// The bundled model; empty in lists of a page that had one alone.
    #[serde(default)]
    pub model: String,
    /// The tuned task.
    pub task: String,
    pub methods: Vec<String>,
    /// What it takes in storage.
    pub bytes: u64,
    /// The time that it took, in milliseconds, by which a run is known again: nothing else differs between equal runs. 0 in
    /// lists of earlier pages.
    #[serde(default)]
    pub took: u64,
}

impl KeptRun {
    /// The time that a report's run took, in milliseconds.
    pub fn time_of(report: &Report) -> u64 {
        let seconds: f64 = report.runs.iter().flat_map(|run| run.seconds.values()).sum();
        (seconds * 1000.0) as u64
    }
}

/// One training step, as the page shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    pub method: String,
    pub stage: StageId,
    pub step: usize,
    pub steps: usize,
    /// Nats per real target token.
    pub loss: f64,
    /// Real tokens per second over the last steps.
    pub tokens_per_second: f64,
    /// Of the worker's wasm memory.
    pub memory_bytes: u64,
    /// Until the whole run ends, at the pace so far; `None` until there is one.
    pub seconds_left: Option<f64>,
}

/// A token that may stand in a place of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Likely {
    /// Its text, a word's first piece with `\u{2581}` before it.
    pub piece: String,
    /// Whether it ends the answer.
    pub end: bool,
    pub probability: f64,
}

/// A place of an answer: the token there, and the likeliest ones, the likeliest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenPlace {
    pub token: Likely,
    pub likeliest: Vec<Likely>,
}

/// From the worker to the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The worker listens; sent once, before anything else.
    Ready,
    Loading {
        what: String,
        done: f64,
    },
    /// The device is open. `advice`: how to get WebGPU in this browser, where it was not taken.
    Device {
        info: DeviceInfo,
        webgpu: bool,
        advice: Option<String>,
    },
    /// The models that can be asked; also sent when training changes one.
    Models {
        models: Vec<ModelState>,
    },
    /// The run in storage, from this visit or an earlier one.
    Saved {
        run: Option<SavedRun>,
    },
    /// A rendered question, its reference answer(s), and its row.
    Example {
        id: u64,
        task: String,
        row: usize,
        rows: usize,
        input: String,
        references: Vec<String>,
    },
    /// The tokens of a question, as the models see them: pieces of text, a word's first piece with `\u{2581}` before it.
    Seen {
        id: u64,
        tokens: Vec<String>,
    },
    /// The answer so far.
    Partial {
        id: u64,
        column: Column,
        text: String,
    },
    Answer {
        id: u64,
        column: Column,
        text: String,
        /// Its tokens.
        ids: Vec<u32>,
        seconds: f64,
    },
    /// The probabilities of an answer's tokens; none where they could not be computed.
    Weighed {
        id: u64,
        column: Column,
        places: Vec<TokenPlace>,
    },
    /// Nothing where it could not be computed.
    Attended {
        id: u64,
        column: Column,
        attention: Option<Box<Attention>>,
    },
    /// Nothing where it could not be computed.
    Inspected {
        id: u64,
        found: Option<Box<Inspected>>,
    },
    AskDone {
        id: u64,
    },
    /// Answers of a batch so far, of all that it will have.
    BatchProgress {
        id: u64,
        answered: usize,
        all: usize,
        seconds_left: f64,
    },
    /// Rows of a batch that all columns have answered.
    BatchRows {
        id: u64,
        rows: Vec<BatchRow>,
    },
    /// The scores of the rows that were answered, of all columns the same; empty after a failure.
    BatchDone {
        id: u64,
        table: BatchTable,
        stopped: bool,
    },
    /// A question that no model was asked: a sentence says why.
    Refused {
        id: u64,
        reason: String,
    },
    Status {
        status: Status,
    },
    Tick {
        tick: Tick,
    },
    /// Rows of a task are being answered by `method`, within a stage or after its last one.
    Evaluating {
        method: String,
        task: String,
        done: usize,
        rows: usize,
    },
    /// Scores and answers along training: validation, held-out tasks and format rates. Several come for one step, each with a part of it
    /// (one held-out task, say); together they are the step's record.
    Curve {
        method: String,
        record: promot_core::report::StepRecord,
    },
    /// A stage goes on from its checkpoint: what was recorded before it.
    Restored {
        method: String,
        records: Vec<promot_core::report::StepRecord>,
    },
    RunDone {
        run: Box<MethodRun>,
    },
    Finished {
        report: Box<Report>,
    },
    /// The runs that the user keeps, whenever they change.
    Kept {
        runs: Vec<KeptRun>,
    },
    KeptReport {
        id: u64,
        report: Box<Report>,
    },
    /// Bytes to save on the user's disk; they come beside this event.
    File {
        name: String,
        mime: String,
    },
    Failed(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_for_another_model_or_beyond_a_tab_is_refused_with_the_field() {
        let resolved = |spec: &RunSpec| resolved(spec, "mini");
        assert!(resolved(&RunSpec::default()).is_ok());
        for (path, value, words) in [
            ("model", "mini-llama", "model of the spec: expected mini, which is open"),
            ("prompt.length", "0", "prompt.length of the spec: expected at least 1"),
            ("prompt.length", "513", "prompt.length of the spec: expected at most 512"),
            (
                "stage.fine-tuning.batch",
                "1000000000",
                "stage.fine-tuning.batch of the spec: expected at most 1024",
            ),
            ("eval.batch", "5000", "eval.batch of the spec"),
            ("target.also", "wic-mini", "target.also of the spec"),
        ] {
            let mut spec = RunSpec::default();
            spec.set(path, value).unwrap();
            let error = resolved(&spec).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(words), "{path} = {value}: {error}");
        }
    }
}
