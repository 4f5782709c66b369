//! What page and worker say to each other: two enums, JSON on the wire, no web types. Bytes of a file travel beside
//! the JSON of their event, transferred, not copied.

use promot_core::report::{DeviceInfo, MethodRun, Report};
use promot_core::spec::RunSpec;
use promot_core::{Error, Result};
use serde::{Deserialize, Serialize};

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

/// One of the three models side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    Pretrained,
    FineTuning,
    Promot,
}

impl Column {
    pub const ALL: [Column; 3] = [Column::Pretrained, Column::FineTuning, Column::Promot];

    /// The method's name in specs and reports, and the end of the test id `answer-<name>`.
    pub fn name(self) -> &'static str {
        match self {
            Column::Pretrained => "pretrained",
            Column::FineTuning => "fine-tuning",
            Column::Promot => "promot",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Column::Pretrained => "Pretrained",
            Column::FineTuning => "Fine-tuned",
            Column::Promot => "ProMoT",
        }
    }
}

/// Where a column's weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Shipped with the page, made by `promot run`.
    Shipped,
    /// Trained in this tab.
    Trained,
    /// Not there yet.
    Missing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnState {
    pub column: Column,
    pub origin: Origin,
    /// The target task of its training; empty for the pretrained model.
    pub target: String,
    pub has_prompt: bool,
}

/// The spec as a run in this page takes it.
///
/// # Errors
/// What makes no sense, and several tuned tasks: a column holds one soft prompt.
pub fn resolved(spec: &RunSpec) -> Result<RunSpec> {
    let spec = spec.clone().resolve()?;
    match spec.target.also.len() {
        0 => Ok(spec),
        more => Err(Error::mismatch("target.also of the spec", "no task on this page", more)),
    }
}

/// From the page to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// First of all: open a device, load the bundled model and the shipped weights. `base` is the address that
    /// `models/` and `recorded/` lie under.
    Start {
        device: DeviceWish,
        base: String,
    },
    /// Asks the columns the same question, one after the other. A later `Ask` or `Cancel` ends an earlier one. A
    /// column that is missing gets no `Answer`; `AskDone` comes in every case.
    Ask {
        id: u64,
        input: String,
        columns: Vec<Column>,
        prompt: bool,
        beams: usize,
        max_new: usize,
    },
    Cancel {
        id: u64,
    },
    /// Renders a question of a task: `shots` answered examples and row `row` of the test split.
    Example {
        id: u64,
        task: String,
        shots: usize,
        row: usize,
    },
    /// Begins a training run from nothing; one that was saved is dropped.
    Train {
        spec: Box<RunSpec>,
    },
    /// Goes on with the saved run.
    Continue,
    Pause,
    Resume,
    /// While paused: one more step, then paused again.
    Step,
    /// Saves and ends (`Status::Idle` and `Saved` follow); `Continue` goes on.
    Stop,
    /// Forgets the saved run.
    Discard,
    /// Answered by `File`: the report of the run so far (also while it is paused).
    ExportReport,
    /// Answered by `File`s: one column's weights.
    ExportWeights {
        column: Column,
    },
}

/// Why training stands where it stands; the text of `train-status` is `label`.
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

/// A run that lies in the browser's storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    pub spec: Box<RunSpec>,
    /// Method, stage, steps done and all steps of the stage that it stopped in.
    pub method: String,
    pub stage: String,
    pub step: usize,
    pub steps: usize,
    pub finished: bool,
}

/// One training step, as the page shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    pub method: String,
    /// "stage 1", "stage 2".
    pub stage: String,
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
    /// Models are there; also sent when training changes one.
    Columns {
        columns: Vec<ColumnState>,
    },
    /// What lies in storage from an earlier visit.
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
        tokens: usize,
        seconds: f64,
    },
    AskDone {
        id: u64,
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
    /// A point of the curves that is no step: validation score, unseen scores and format rates. Several come for one
    /// step, each with a part of it (one unseen task, say); together they are the step's record.
    Curve {
        method: String,
        record: promot_core::report::StepRecord,
    },
    RunDone {
        run: Box<MethodRun>,
    },
    Finished {
        report: Box<Report>,
    },
    /// Bytes to save on the user's disk; they come beside this event.
    File {
        name: String,
        mime: String,
    },
    /// What went wrong, in one or two sentences, and what may help. `fatal`: the worker must be started again.
    Failed {
        message: String,
        advice: Option<String>,
        fatal: bool,
    },
}
