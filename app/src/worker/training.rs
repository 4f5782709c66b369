//! A training run in the browser: the library trains, and this observes. Between two steps messages come in, a pause
//! takes place, questions are answered and files are written.

use std::collections::BTreeMap;
use std::pin::Pin;

use promot_core::checkpoint::Checkpoint;
use promot_core::report::{StageId, StepRecord};
use promot_core::spec::RunSpec;
use promot_core::train::{Control, Event as TrainEvent, FinishedRun, Observer, experiment};
use promot_core::{Error, Result};

use super::engine::Engine;
use super::messages::{fail, now, post, yield_now};
use crate::advice;
use crate::catalog::tasks;
use crate::control::RunControl;
use crate::eta::Eta;
use crate::failure::Failure;
use crate::protocol::{Command, Event, Status, Tick, resolved};
use crate::saved::Saved;
use crate::writes::Writes;

/// A command that was not executed comes back.
pub type Served<'a> = Pin<Box<dyn Future<Output = Option<Command>> + 'a>>;

/// Executes what can be done at any time, between two training steps, too: questions, examples, exports. Handed in, so
/// that training does not import the loop that starts it.
pub trait Serve {
    /// `running`: the run under way, if there is one.
    fn serve<'a>(&'a self, command: Command, running: Option<&'a Saved>) -> Served<'a>;
}

/// A new run; the saved one is deleted.
pub async fn begin(engine: &Engine, serve: &dyn Serve, spec: RunSpec) {
    if let Err(error) = resolved(&spec, &engine.loaded.info.name) {
        return failed(Failure::from(error).advice("Change the settings and start again."));
    }
    post(&Event::Status { status: Status::Loading });
    match Saved::begin(&engine.storage, spec).await {
        Ok(saved) => {
            if let Some(message) = engine.storage.temporary() {
                let advice = "Training works, but the run is lost when the page is closed or loaded again.";
                fail(Failure::storage(message).advice(advice));
            }
            run(engine, serve, saved).await;
        }
        Err(failure) => {
            let advice = "Close other tabs with this page: training stores its checkpoints in this browser.";
            failed(failure.advice(advice));
        }
    }
}

/// The saved run, from its last checkpoint.
pub async fn resume(engine: &Engine, serve: &dyn Serve) {
    post(&Event::Status { status: Status::Loading });
    match Saved::find(&engine.storage).await {
        Ok(Some(saved)) if engine.is_of_model(&saved) => run(engine, serve, saved).await,
        Ok(Some(saved)) => {
            post(&Event::Status { status: Status::Idle });
            let (of, open) = (&saved.spec().model, &engine.loaded.info.name);
            fail(Failure::other(format!("The saved run is of the model {of}; {open} is open.")));
        }
        Ok(None) => {
            post(&Event::Status { status: Status::Idle });
            fail(Failure::other("There is no saved run."));
        }
        Err(failure) => failed(failure),
    }
}

fn failed(failure: Failure) {
    post(&Event::Status { status: Status::Failed });
    fail(failure);
}

async fn run(engine: &Engine, serve: &dyn Serve, saved: Saved) {
    let mut observer = match WorkerObserver::new(engine, serve, saved).await {
        Ok(observer) => observer,
        Err(failure) => return failed(failure.advice("Discard the saved run and start again.")),
    };
    let spec = observer.saved.spec().clone();
    let result = match spec.resolve(tasks()) {
        Ok(run) => experiment(engine.setup(&run), &mut observer).await,
        Err(error) => Err(error),
    };
    observer.flush().await;
    engine.store_autotune_cache().await;
    let mut saved = observer.saved;
    match result {
        Ok(outcome) => {
            if let Err(failure) = saved.finish(&engine.storage).await {
                fail(failure);
            }
            engine.refresh(&saved).await;
            engine.post_models();
            post(&Event::Finished { report: Box::new(outcome.report) });
            post(&Event::Status { status: Status::Done });
        }
        Err(Error::Stopped { .. }) => post(&Event::Status { status: Status::Idle }),
        Err(error) => {
            let failure = Failure::from(error);
            let advice = advice::against(failure.kind, &spec).or_else(|| failure.advice.clone());
            failed(Failure { advice, ..failure });
        }
    }
    post(&Event::Saved { run: Some(saved.run().clone()) });
}

/// Ticks a second, at most.
const TICKS: f64 = 10.0;

/// What waits to be written.
enum Pending {
    Checkpoint(Checkpoint),
    Run(Box<FinishedRun>),
}

struct WorkerObserver<'a> {
    engine: &'a Engine,
    serve: &'a dyn Serve,
    saved: Saved,
    /// What storage held when the run began: the library asks for it where nothing can wait.
    checkpoints: BTreeMap<String, Checkpoint>,
    runs: Vec<FinishedRun>,
    writes: Writes<Pending>,
    control: RunControl,
    eta: Eta,
    method: String,
    stage: StageId,
    /// Of the stage.
    steps: usize,
    shown: Status,
    /// What is shown when no pause is.
    doing: Status,
    /// When the last tick was posted.
    ticked: f64,
    /// Seconds spent in pauses, which no report counts.
    rested: f64,
}

impl<'a> WorkerObserver<'a> {
    async fn new(engine: &'a Engine, serve: &'a dyn Serve, saved: Saved) -> Result<Self, Failure> {
        let run = saved.spec().resolve(tasks())?;
        Ok(Self {
            checkpoints: saved.checkpoints(&engine.storage).await?,
            runs: saved.runs(&engine.storage).await?,
            eta: Eta::new(&run)?,
            engine,
            serve,
            saved,
            writes: Writes::default(),
            control: RunControl::default(),
            method: String::new(),
            stage: StageId::default(),
            steps: 0,
            shown: Status::Loading,
            doing: Status::Loading,
            ticked: f64::NEG_INFINITY,
            rested: 0.0,
        })
    }

    fn show(&mut self, status: Status) {
        if self.shown != status {
            self.shown = status.clone();
            post(&Event::Status { status });
        }
    }

    fn doing(&mut self, status: Status) {
        self.doing = status.clone();
        self.show(status);
    }

    async fn between_steps(&mut self) {
        yield_now().await;
        self.flush().await;
        loop {
            while let Some(command) = self.engine.inbox.take() {
                self.execute(command).await;
            }
            if !self.control.must_wait() {
                break;
            }
            self.show(Status::Paused);
            let began = now();
            let command = self.engine.inbox.next().await;
            self.execute(command).await;
            self.rested += now() - began;
        }
        self.show(self.doing.clone());
    }

    async fn execute(&mut self, command: Command) {
        let Some(command) = self.serve.serve(command, Some(&self.saved)).await else { return };
        if self.control.command(&command) {
            return;
        }
        if matches!(command, Command::Train { .. } | Command::Continue | Command::Discard) {
            fail(Failure::other("A run is under way; stop it first."));
        }
    }

    async fn flush(&mut self) {
        let pending = self.writes.take();
        if !pending.is_empty() {
            self.engine.store_autotune_cache().await;
        }
        for pending in pending {
            let written = self.write(&pending).await;
            if let Some(failure) = self.writes.ended(written) {
                fail(failure);
            }
        }
    }

    async fn write(&mut self, pending: &Pending) -> Result<(), Failure> {
        let storage = &self.engine.storage;
        match pending {
            Pending::Checkpoint(checkpoint) => {
                self.saved.put_checkpoint(storage, checkpoint, &self.method, &self.stage, self.steps).await?;
            }
            Pending::Run(run) => {
                self.saved.put_run(storage, run).await?;
                self.engine.refresh(&self.saved).await;
                self.engine.post_models();
            }
        }
        Ok(())
    }

    fn step_done(&mut self, step: usize, loss: f64, tokens: usize) -> Control {
        let now = self.now();
        self.eta.step_done(step, tokens, now);
        self.doing(Status::Stage(self.stage.index + 1));
        if self.control.is_paused() || step == self.steps || now - self.ticked >= 1.0 / TICKS {
            self.ticked = now;
            self.tick(step, loss);
        }
        self.control.step_done()
    }

    fn tick(&self, step: usize, loss: f64) {
        let tick = Tick {
            method: self.method.clone(),
            stage: self.stage.clone(),
            step,
            steps: self.steps,
            loss,
            tokens_per_second: self.eta.tokens_per_second(),
            memory_bytes: memory_bytes(),
            seconds_left: self.eta.seconds_left(),
        };
        post(&Event::Tick { tick });
    }

    fn evaluating(&mut self, task: &str, done: usize, rows: usize) {
        self.eta.evaluated(done, self.now());
        self.doing(Status::Evaluating);
        let (method, task) = (self.method.clone(), task.to_owned());
        post(&Event::Evaluating { method, task, done, rows });
    }

    fn curve(&self, record: StepRecord) {
        post(&Event::Curve { method: self.method.clone(), record });
    }
}

impl Observer for WorkerObserver<'_> {
    fn now(&self) -> f64 {
        now() - self.rested
    }

    fn event(&mut self, event: &TrainEvent) -> Control {
        match event {
            TrainEvent::RunStarted { method, index, .. } => {
                self.eta.run_started(*index, self.now());
                self.method.clone_from(method);
            }
            TrainEvent::PointStarted { index, .. } => self.eta.point_started(*index, self.now()),
            TrainEvent::StageStarted { stage, from, steps } => {
                self.stage.clone_from(stage);
                self.steps = *steps;
                self.eta.stage_started(stage.index, *from, self.now());
                self.control.stage_started(*from);
                self.doing(Status::Stage(stage.index + 1));
            }
            TrainEvent::Step { step, loss, tokens, .. } => return self.step_done(*step, *loss, *tokens),
            TrainEvent::Evaluating { task, done, rows } => self.evaluating(task, *done, *rows),
            TrainEvent::Watched { stage, step, task, score, format_rate } => self.curve(StepRecord {
                stage: stage.clone(),
                step: *step,
                unseen: BTreeMap::from([(task.clone(), *score)]),
                format_rate: format_rate.map(|rate| (task.clone(), rate)).into_iter().collect(),
                ..StepRecord::default()
            }),
            TrainEvent::Validated { stage, step, score, .. } => self.curve(StepRecord {
                stage: stage.clone(),
                step: *step,
                validation: Some(*score),
                ..StepRecord::default()
            }),
            TrainEvent::Answered { stage, step, answers } => self.curve(StepRecord {
                stage: stage.clone(),
                step: *step,
                answers: answers.clone(),
                ..StepRecord::default()
            }),
            TrainEvent::Restored { records } => {
                let (method, records) = (self.method.clone(), records.clone());
                post(&Event::Restored { method, records });
            }
            TrainEvent::StageDone { .. } => {
                self.eta.stage_done();
                self.control.stage_done();
            }
            TrainEvent::RunDone { run } => post(&Event::RunDone { run: run.clone() }),
        }
        self.control.answer()
    }

    fn breathe(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self.between_steps())
    }

    fn save(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.control.checkpoint_saved();
        self.writes.push(Pending::Checkpoint(checkpoint));
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<Option<Checkpoint>> {
        Ok(self.checkpoints.get(name).cloned())
    }

    fn save_run(&mut self, run: &FinishedRun) -> Result<()> {
        self.writes.push(Pending::Run(Box::new(run.clone())));
        Ok(())
    }

    fn load_run(&mut self, method: &str, seed: u64, _: &str) -> Result<Option<FinishedRun>> {
        Ok(self.runs.iter().find(|known| known.run.method == method && known.run.seed == seed).cloned())
    }
}

fn memory_bytes() -> u64 {
    use wasm_bindgen::JsCast;
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    u64::from(buffer.byte_length())
}
