//! The engine: device, models and storage, and the loop that obeys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use promot_core::data::{Example, Split};
use promot_core::device::OpenDevice;
use promot_core::model::Model;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::rng::{Streams, choose};
use promot_core::task::Task;
use promot_core::train::{Recipe, Tuned, planned, restored};

use super::columns::{self, Columns};
use super::messages::{Inbox, fail, post};
use super::saved::Saved;
use super::storage::Storage;
use super::tuned::Kept;
use super::{ask, device, export, training};
use crate::advice;
use crate::protocol::{Column, Command, DeviceWish, Event, Origin, Status};

pub struct Engine {
    pub inbox: Rc<Inbox>,
    pub device: OpenDevice,
    /// The bundled model as it came.
    pub loaded: LoadedModel,
    pub columns: RefCell<Columns>,
    pub storage: Storage,
    tuned: Option<Kept>,
    rows: RefCell<BTreeMap<&'static str, Rc<Rows>>>,
}

/// Rows of a task for questions.
struct Rows {
    test: Vec<Example>,
    shots: Vec<Example>,
}

/// Questions that the page can step through, and rows that their shots are drawn from.
const QUESTIONS: usize = 200;
const SHOT_ROWS: usize = 500;

/// Does what the page says, for as long as the worker lives.
pub async fn run(inbox: Rc<Inbox>) {
    let (wish, base) = loop {
        match inbox.next().await {
            Command::Start { device, base } => break (device, base),
            _ => fail("the first command must be `start`".into(), None, false),
        }
    };
    match Engine::open(inbox, wish, &base).await {
        Ok(engine) => engine.obey().await,
        Err(message) => {
            let advice = "Load the page again; if that does not help, the server may lack the model's files.";
            fail(message, Some(advice.into()), true);
        }
    }
}

impl Engine {
    async fn open(inbox: Rc<Inbox>, wish: DeviceWish, base: &str) -> Result<Self, String> {
        let loading = |what: &str, done: f64| post(&Event::Loading { what: what.into(), done });
        post(&Event::Status { status: Status::Loading });
        loading("opening a device", 0.0);
        let storage = Storage::open().await;
        let opened = device::open(wish, &storage).await?;
        let (info, webgpu) = (opened.device.info.clone(), opened.webgpu());
        post(&Event::Device { info, webgpu, advice: opened.advice });
        loading("loading the bundled model", 0.2);
        let files = columns::bundled(base).await?;
        let loaded =
            folder::load("mini", &files, &opened.device.device).map_err(|error| error.to_string())?;
        let engine = Self {
            inbox,
            device: opened.device,
            columns: RefCell::default(),
            storage,
            tuned: opened.tuned,
            rows: RefCell::default(),
            loaded,
        };
        let pretrained = engine.loaded.model.clone();
        engine.columns.borrow_mut().set(Column::Pretrained, pretrained, Origin::Shipped, "");
        // Columns are told when all are there: a question asked before would leave the others out.
        loading("loading the shipped weights", 0.7);
        match columns::shipped(base, &engine.loaded, &files).await {
            Ok(all) => {
                for shipped in all {
                    let mut columns = engine.columns.borrow_mut();
                    columns.set(shipped.column, shipped.model, Origin::Shipped, &shipped.task);
                }
            }
            Err(message) => fail(message, Some("The page works without the shipped weights.".into()), false),
        }
        engine.find_saved().await;
        loading("ready", 1.0);
        post(&Event::Status { status: Status::Idle });
        Ok(engine)
    }

    /// What an earlier visit left: its run is offered, its finished models stand in their columns.
    async fn find_saved(&self) {
        let saved = match Saved::find(&self.storage).await {
            Ok(saved) => saved,
            Err(message) => {
                fail(message, None, false);
                None
            }
        };
        if let Some(saved) = &saved {
            self.refresh(saved).await;
        }
        self.post_columns();
        post(&Event::Saved { run: saved.map(|saved| saved.run().clone()) });
    }

    async fn obey(self) {
        loop {
            let command = self.inbox.next().await;
            let Some(command) = self.aside(command, None).await else { continue };
            match command {
                Command::Train { spec } => training::begin(&self, *spec).await,
                Command::Continue => training::go_on(&self).await,
                Command::Discard => match Saved::forget(&self.storage).await {
                    Ok(()) => post(&Event::Saved { run: None }),
                    Err(message) => fail(message, None, false),
                },
                // Nothing is running: there is nothing to pause or to stop.
                _ => {}
            }
        }
    }

    /// What can be done at any time, between two training steps, too; gives back every other command.
    pub async fn aside(&self, command: Command, running: Option<&Saved>) -> Option<Command> {
        match command {
            Command::Ask { id, input, columns, prompt, beams, max_new } => {
                ask::ask(self, ask::Question { id, input, columns, prompt, beams, max_new }).await;
                self.keep_tuned().await;
            }
            Command::Cancel { .. } => {}
            Command::Example { id, task, shots, row } => match self.example(id, &task, shots, row) {
                Ok(event) => post(&event),
                Err(error) => fail(error.to_string(), None, false),
            },
            Command::ExportReport => export::report(self, running).await,
            Command::ExportWeights { column } => export::weights(self, running, column).await,
            other => return Some(other),
        }
        None
    }

    fn example(&self, id: u64, name: &str, shots: usize, row: usize) -> promot_core::Result<Event> {
        let task = Task::by_name(name)?;
        let rows = self.rows(task)?;
        let row = row % rows.test.len().max(1);
        let mut rng = Streams::new(0).stream(&format!("page shots/{name}/{shots}/{row}"));
        let chosen: Vec<&Example> =
            choose(rows.shots.len(), shots, &mut rng).into_iter().map(|index| &rows.shots[index]).collect();
        let question = rows
            .test
            .get(row)
            .ok_or_else(|| promot_core::Error::mismatch(format!("rows of {name}"), "at least one", "none"))?;
        let rendered = task.render_with_shots(&chosen, question)?;
        Ok(Event::Example {
            id,
            task: name.to_owned(),
            row,
            rows: rows.test.len(),
            input: rendered.input,
            references: rendered.references,
        })
    }

    fn rows(&self, task: &'static Task) -> promot_core::Result<Rc<Rows>> {
        if let Some(rows) = self.rows.borrow().get(task.name) {
            return Ok(Rc::clone(rows));
        }
        let rows = Rc::new(Rows {
            test: task.world_rows(Split::Test, QUESTIONS)?,
            shots: task.world_rows(Split::Train, SHOT_ROWS)?,
        });
        self.rows.borrow_mut().insert(task.name, Rc::clone(&rows));
        Ok(rows)
    }

    pub fn post_columns(&self) {
        post(&Event::Columns { columns: self.columns.borrow().states() });
    }

    /// Puts what the finished methods of a run have trained into their columns.
    pub async fn refresh(&self, saved: &Saved) {
        let runs = match saved.runs(&self.storage).await {
            Ok(runs) => runs,
            Err(message) => return fail(message, None, false),
        };
        for column in [Column::FineTuning, Column::Promot] {
            if !runs.iter().any(|run| run.run.method == column.name()) {
                continue;
            }
            match self.trained(saved, column).await {
                Ok(Some(model)) => {
                    let target = &saved.spec().target.task;
                    self.columns.borrow_mut().set(column, model, Origin::Trained, target);
                }
                Ok(None) => {}
                Err(message) => fail(message, None, false),
            }
        }
    }

    /// What a run has trained of a column so far, from its checkpoints; `None` before the first one.
    pub async fn trained(&self, saved: &Saved, column: Column) -> Result<Option<Model>, String> {
        let Ok(recipe) = Recipe::by_name(column.name()) else { return Ok(None) };
        let Some(seed) = saved.spec().seeds.first() else { return Ok(None) };
        if !saved.spec().methods.iter().any(|method| method == column.name()) {
            return Ok(None);
        }
        let mut tuned = None;
        for stage in planned(saved.spec(), recipe, *seed) {
            let Some(checkpoint) = saved.checkpoint(&self.storage, &stage.name).await? else { break };
            let before = tuned.unwrap_or_else(|| Tuned::new(self.loaded.model.clone(), 1));
            tuned = Some(restored(before, &stage, &checkpoint).map_err(|error| error.to_string())?);
        }
        Ok(tuned.map(|tuned| tuned.behind(0)))
    }

    /// Keeps what was tuned since the last time, for the next visit.
    pub async fn keep_tuned(&self) {
        if let Some(tuned) = &self.tuned {
            tuned.keep(&self.storage).await;
        }
    }

    /// A failed run's message with what may help.
    pub fn failed(&self, error: &promot_core::Error, saved: &Saved) {
        post(&Event::Status { status: Status::Failed });
        fail(error.to_string(), advice::against(error, saved.spec()), false);
    }
}
