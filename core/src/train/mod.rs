//! The one training loop, and the experiment around it. Whoever runs it watches through an `Observer`: that is
//! where progress bars, files, clocks and stop buttons are.

mod checkpoint_choice;
mod context;
mod examples;
mod experiment;
mod frontier;
mod gradient_alignment;
mod identity;
mod memory;
mod plan;
mod prompt_init;
mod replay;
mod restore;
mod rows;
mod scoring;
mod stage;
mod step;
mod tuned;
mod watch;

pub use context::{StageContext, Validation};
pub use examples::{Mixture, Replayed, Source, TrainingSet};
pub use experiment::{Outcome, TrainedModel, assemble, experiment};
pub use identity::{RunIdentity, settings as run_settings};
pub use memory::{Lengths, MemoryPlan};
pub use plan::{PlannedStage, planned};
pub use restore::{Setup, restore};
pub use rows::DatasetProvider;
pub use stage::{StageResult, held_out_due, run_stage};
pub use step::{Accumulated, Backward, MicroBatch, accumulate, backward_accumulated, set_trainable};
pub use tuned::{Attached, TunedModel};
pub use watch::{Question, Watch};

use std::pin::Pin;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::report::{ExampleAnswers, FrontierPoint, MethodRun, StageId, StepRecord, WatchedAnswer};

/// What happens, as it happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A method begins, the `index`-th of `count` runs.
    RunStarted { method: String, seed: u64, index: usize, count: usize },
    /// A point of the sweep begins, the `index`-th of `count` among which validation chooses; `name` has its values.
    PointStarted { name: String, index: usize, count: usize },
    /// A stage begins, at step `from` after a resume.
    StageStarted { stage: StageId, from: usize, steps: usize },
    /// The stage goes on from a checkpoint: what was recorded before it.
    Restored { records: Vec<StepRecord> },
    /// A step is done. `loss` in nats per real target token; `tokens`: real tokens seen since the last event.
    Step { stage: StageId, step: usize, steps: usize, loss: f64, tokens: usize },
    /// Rows of a task are being answered.
    Evaluating { task: String, done: usize, rows: usize },
    /// A held-out task was scored along the way, for the curves; rates as in `StepRecord`.
    Watched { stage: StageId, step: usize, task: String, score: f64, format_rate: Option<f64> },
    /// The questions of `eval.watch` were answered.
    Answered { stage: StageId, step: usize, answers: Vec<WatchedAnswer> },
    /// A checkpoint was scored on the target's validation rows.
    Validated { stage: StageId, step: usize, score: f64, best: bool },
    /// A stage is over, with the checkpoint of this step.
    StageDone { stage: StageId, steps: usize, kept_step: usize },
    /// A method is scored.
    RunDone { run: Box<MethodRun> },
}

/// The observer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Continue,
    /// As the answer to `Step`: save, breathe (a pause takes place then), and go on.
    Save,
    /// Save and end with `Error::Stopped`.
    Stop,
}

/// A finished method with the answers kept for the report: what `--resume` need not do again.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct FinishedRun {
    pub run: MethodRun,
    /// The answers of this method alone; `outputs` has one entry.
    pub examples: Vec<ExampleAnswers>,
    /// The checkpoints of all its sweep points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<FrontierPoint>,
    /// What its scores depend on; runs of earlier versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<RunIdentity>,
}

/// The outside world of a run. Every hook but the clock may be left as it is.
pub trait Observer {
    /// Seconds since some fixed moment.
    fn now(&self) -> f64;

    fn event(&mut self, _event: &Event) -> Control {
        Control::Continue
    }

    /// Awaited after every training step, after every checkpoint and before every task that is scored: where
    /// everything shares one thread (a worker in a browser), this is when messages come in, files are written and a
    /// pause takes place.
    fn breathe(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(std::future::ready(()))
    }

    /// Keeps a checkpoint; the ones before it of the same name are no longer needed.
    fn save(&mut self, _checkpoint: Checkpoint) -> Result<()> {
        Ok(())
    }

    /// The newest checkpoint of this name, if the run is to be resumed.
    fn load(&mut self, _name: &str) -> Result<Option<Checkpoint>> {
        Ok(None)
    }

    fn save_run(&mut self, _run: &FinishedRun) -> Result<()> {
        Ok(())
    }

    /// A method that is finished with this seed. One of another run must have these `settings` in its identity.
    fn load_run(&mut self, _method: &str, _seed: u64, _settings: &str) -> Result<Option<FinishedRun>> {
        Ok(None)
    }
}

/// Sends an event; a wish to stop becomes an error where nothing needs saving.
pub(crate) fn tell(observer: &mut dyn Observer, event: Event) -> Result<()> {
    match observer.event(&event) {
        Control::Continue | Control::Save => Ok(()),
        Control::Stop => Err(Error::Stopped { step: 0 }),
    }
}
