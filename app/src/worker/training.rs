//! A training run in the browser: the library trains, and this watches. Between two steps messages come in, a pause
//! takes place, questions are answered and files are written.

use std::collections::BTreeMap;
use std::pin::Pin;

use promot_core::checkpoint::Checkpoint;
use promot_core::report::StepRecord;
use promot_core::spec::RunSpec;
use promot_core::train::{Control, Event as Happened, FinishedRun, Observer, WorldRows, experiment, recipes};
use promot_core::{Error, Result};

use super::engine::Engine;
use super::messages::{breathe, fail, now, post};
use super::saved::Saved;
use crate::plan::{At, Pace, Plan};
use crate::protocol::{Command, Event, Status, Tick, resolved};

/// A run from nothing; what was saved before is dropped.
pub async fn begin(engine: &Engine, spec: RunSpec) {
    let checked = resolved(&spec).and_then(|resolved| recipes(&resolved));
    if let Err(error) = checked {
        post(&Event::Status { status: Status::Failed });
        return fail(error.to_string(), Some("Change the settings and start again.".into()), false);
    }
    post(&Event::Status { status: Status::Loading });
    match Saved::begin(&engine.storage, spec).await {
        Ok(saved) => {
            if let Some(message) = engine.storage.passing() {
                let advice = "Training works; but a run is lost when the page is closed or loaded again.";
                fail(message.into(), Some(advice.into()), false);
            }
            run(engine, saved).await;
        }
        Err(message) => {
            post(&Event::Status { status: Status::Failed });
            let advice = "Close other tabs with this page; training writes its checkpoints there, too.";
            fail(message, Some(advice.into()), false);
        }
    }
}

/// The saved run, from its last checkpoint.
pub async fn go_on(engine: &Engine) {
    post(&Event::Status { status: Status::Loading });
    match Saved::find(&engine.storage).await {
        Ok(Some(saved)) => run(engine, saved).await,
        Ok(None) => {
            post(&Event::Status { status: Status::Idle });
            fail("There is no saved run to go on with.".into(), None, false);
        }
        Err(message) => {
            post(&Event::Status { status: Status::Failed });
            fail(message, None, false);
        }
    }
}

async fn run(engine: &Engine, saved: Saved) {
    let mut watch = match Watch::new(engine, saved).await {
        Ok(watch) => watch,
        Err(message) => {
            post(&Event::Status { status: Status::Failed });
            return fail(message, Some("Discard the saved run and start again.".into()), false);
        }
    };
    let spec = watch.saved.spec().clone();
    let result = experiment(&spec, &engine.loaded, &engine.device, &WorldRows, &mut watch).await;
    watch.flush().await;
    engine.keep_tuned().await;
    let mut saved = watch.saved;
    match result {
        Ok(outcome) => {
            if let Err(message) = saved.finish(&engine.storage).await {
                fail(message, None, false);
            }
            engine.refresh(&saved).await;
            engine.post_columns();
            post(&Event::Finished { report: Box::new(outcome.report) });
            post(&Event::Status { status: Status::Done });
        }
        Err(Error::Stopped { .. }) => post(&Event::Status { status: Status::Idle }),
        Err(error) => engine.failed(&error, &saved),
    }
    post(&Event::Saved { run: Some(saved.run().clone()) });
}

/// Steps that are shown a second, at most.
const TICKS: f64 = 10.0;

/// What the library hands over between two breaths, for storage.
enum Pending {
    Checkpoint(Checkpoint),
    Run(Box<FinishedRun>),
}

struct Watch<'a> {
    engine: &'a Engine,
    saved: Saved,
    /// What storage held when the run began: the library asks for it without waiting.
    checkpoints: BTreeMap<String, Checkpoint>,
    runs: Vec<FinishedRun>,
    pending: Vec<Pending>,
    /// Writing failed; told once, since training itself goes on.
    unsaved: bool,
    plan: Plan,
    pace: Pace,
    at: At,
    method: String,
    stage: String,
    steps: usize,
    /// Between `StageStarted` and `StageDone`; there a pause waits for a checkpoint.
    in_stage: bool,
    /// A checkpoint was made after the last step.
    is_saved: bool,
    paused: bool,
    stop: bool,
    /// Steps that may still be done while paused.
    allowed: usize,
    /// Rows of the evaluation under way.
    rows: usize,
    shown: Status,
    doing: Status,
    ticked: f64,
    /// Seconds spent in pauses, which no report counts.
    rested: f64,
}

impl<'a> Watch<'a> {
    async fn new(engine: &'a Engine, saved: Saved) -> Result<Self, String> {
        let spec = saved.spec().clone().resolve().map_err(|error| error.to_string())?;
        Ok(Self {
            checkpoints: saved.checkpoints(&engine.storage).await?,
            runs: saved.runs(&engine.storage).await?,
            plan: Plan::new(&spec),
            engine,
            saved,
            pending: Vec::new(),
            unsaved: false,
            pace: Pace::default(),
            at: At::default(),
            method: String::new(),
            stage: String::new(),
            steps: 0,
            in_stage: false,
            is_saved: false,
            paused: false,
            stop: false,
            allowed: 0,
            rows: 0,
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

    async fn breathe_now(&mut self) {
        breathe().await;
        self.flush().await;
        loop {
            while let Some(command) = self.engine.inbox.take() {
                self.obey(command).await;
            }
            if !self.must_wait() {
                break;
            }
            self.show(Status::Paused);
            let began = now();
            let command = self.engine.inbox.next().await;
            self.obey(command).await;
            self.rested += now() - began;
        }
        self.show(self.doing.clone());
    }

    /// Within a stage a pause waits for the checkpoint that the next step makes, so that nothing is lost if the page
    /// is closed meanwhile.
    fn must_wait(&self) -> bool {
        self.paused && !self.stop && self.allowed == 0 && (!self.in_stage || self.is_saved)
    }

    async fn obey(&mut self, command: Command) {
        let Some(command) = self.engine.aside(command, Some(&self.saved)).await else { return };
        match command {
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Step if self.paused => self.allowed += 1,
            Command::Stop => self.stop = true,
            Command::Train { .. } | Command::Continue | Command::Discard => {
                fail("A run is under way; stop it first.".into(), None, false);
            }
            _ => {}
        }
    }

    /// Writes what came since the last breath.
    async fn flush(&mut self) {
        let storage = &self.engine.storage;
        if !self.pending.is_empty() {
            self.engine.keep_tuned().await;
        }
        for pending in std::mem::take(&mut self.pending) {
            let written = match &pending {
                Pending::Checkpoint(checkpoint) => {
                    self.saved.put(storage, checkpoint, &self.method, &self.stage, self.steps).await
                }
                Pending::Run(run) => match self.saved.put_run(storage, run).await {
                    Ok(()) => {
                        self.engine.refresh(&self.saved).await;
                        self.engine.post_columns();
                        Ok(())
                    }
                    failed => failed,
                },
            };
            match written {
                Ok(()) => self.unsaved = false,
                Err(message) if !self.unsaved => {
                    self.unsaved = true;
                    let advice = "Training goes on, but what it does now is lost if the page is closed. Free some \
                                  disk space, or allow this site to store data.";
                    fail(message, Some(advice.into()), false);
                }
                Err(_) => {}
            }
        }
    }

    fn step_done(&mut self, step: usize, loss: f64, tokens: usize) -> Control {
        let now = self.now();
        self.pace.step(now, tokens);
        self.at.step = step;
        self.at.rows = 0;
        self.is_saved = false;
        self.doing(Status::Stage(self.at.stage + 1));
        let single = self.paused && self.allowed > 0;
        self.allowed = self.allowed.saturating_sub(1);
        if single || self.paused || step == self.steps || now - self.ticked >= 1.0 / TICKS {
            self.ticked = now;
            self.tick(step, loss);
        }
        if self.stop {
            Control::Stop
        } else if self.paused && self.allowed == 0 {
            Control::Save
        } else {
            Control::Continue
        }
    }

    fn tick(&self, step: usize, loss: f64) {
        let tick = Tick {
            method: self.method.clone(),
            stage: self.stage.clone(),
            step,
            steps: self.steps,
            loss,
            tokens_per_second: self.pace.tokens_per_second(),
            memory_bytes: memory_bytes(),
            seconds_left: self.pace.seconds(self.plan.left(self.at)),
        };
        post(&Event::Tick { tick });
    }

    fn evaluating(&mut self, task: &str, done: usize, rows: usize) {
        if done == 0 {
            self.rows = 0;
        }
        let new = done.saturating_sub(self.rows);
        self.rows = done;
        self.at.scoring |= !self.in_stage;
        self.at.rows += new;
        self.pace.rows(self.now(), new);
        self.doing(Status::Evaluating);
        let (method, task) = (self.method.clone(), task.to_owned());
        post(&Event::Evaluating { method, task, done, rows });
    }

    fn curve(&self, record: StepRecord) {
        post(&Event::Curve { method: self.method.clone(), record });
    }
}

impl Observer for Watch<'_> {
    fn now(&self) -> f64 {
        now() - self.rested
    }

    fn event(&mut self, event: &Happened) -> Control {
        match event {
            Happened::RunStarted { method, index, .. } => {
                self.at = At { run: *index, ..At::default() };
                self.method.clone_from(method);
                self.pace.mark(self.now());
            }
            Happened::StageStarted { stage, from, steps } => {
                self.stage.clone_from(stage);
                self.steps = *steps;
                let number = stage.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(1);
                self.at.stage = number - 1;
                self.at.step = *from;
                self.in_stage = true;
                self.is_saved = *from > 0;
                self.pace.mark(self.now());
                self.doing(Status::Stage(number));
            }
            Happened::Step { step, loss, tokens, .. } => return self.step_done(*step, *loss, *tokens),
            Happened::Evaluating { task, done, rows } => self.evaluating(task, *done, *rows),
            Happened::Watched { stage, step, task, score, format_rate } => self.curve(StepRecord {
                stage: stage.clone(),
                step: *step,
                unseen: BTreeMap::from([(task.clone(), *score)]),
                format_rate: format_rate.map(|rate| (task.clone(), rate)).into_iter().collect(),
                ..StepRecord::default()
            }),
            Happened::Validated { stage, step, score, .. } => self.curve(StepRecord {
                stage: stage.clone(),
                step: *step,
                validation: Some(*score),
                ..StepRecord::default()
            }),
            Happened::StageDone { .. } => self.in_stage = false,
            Happened::RunDone { run } => post(&Event::RunDone { run: run.clone() }),
        }
        if self.stop { Control::Stop } else { Control::Continue }
    }

    fn breathe(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self.breathe_now())
    }

    fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.is_saved = true;
        self.pending.push(Pending::Checkpoint(checkpoint.clone()));
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<Option<Checkpoint>> {
        Ok(self.checkpoints.get(name).cloned())
    }

    fn save_run(&mut self, run: &FinishedRun) -> Result<()> {
        self.pending.push(Pending::Run(Box::new(run.clone())));
        Ok(())
    }

    fn load_run(&mut self, method: &str, seed: u64) -> Result<Option<FinishedRun>> {
        Ok(self.runs.iter().find(|known| known.run.method == method && known.run.seed == seed).cloned())
    }
}

fn memory_bytes() -> u64 {
    use wasm_bindgen::JsCast;
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    u64::from(buffer.byte_length())
}
