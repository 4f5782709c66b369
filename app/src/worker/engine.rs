//! The engine: device, models and storage.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use promot_core::data::{Example, Split};
use promot_core::device::OpenDevice;
use promot_core::model::Model;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::render::{Renderer, ShotPool};
use promot_core::spec::{EvalSpec, Run};
use promot_core::task::Task;
use promot_core::train::{DatasetProvider as _, Setup, planned, restore};
use promot_world::Generated;

use super::autotune_cache::AutotuneCache;
use super::device;
use super::messages::{Inbox, fail, post};
use super::models::{self, Models};
use super::storage::Storage;
use crate::batch::MOST_ROWS;
use crate::budget::Budget;
use crate::catalog::tasks;
use crate::column::RecipeName;
use crate::failure::Failure;
use crate::kept::Kept;
use crate::protocol::{DeviceWish, Event, Status};
use crate::saved::Saved;

pub struct Engine {
    pub inbox: Rc<Inbox>,
    pub device: OpenDevice,
    /// The bundled model.
    pub loaded: LoadedModel,
    pub models: RefCell<Models>,
    pub storage: Storage,
    /// The runs that the user keeps.
    pub kept: RefCell<Kept>,
    autotune: Option<AutotuneCache>,
    rows: RefCell<BTreeMap<&'static str, Rc<Rows>>>,
}

/// Rows of a task for questions.
pub struct Rows {
    pub test: Vec<Example>,
    pub shots: Vec<Example>,
}

impl Engine {
    pub async fn open(inbox: Rc<Inbox>, wish: DeviceWish, model: &str, base: &str) -> Result<Self, Failure> {
        let loading = |what: &str, done: f64| post(&Event::Loading { what: what.into(), done });
        post(&Event::Status { status: Status::Loading });
        loading("device", 0.0);
        let storage = Storage::open().await;
        let opened = device::open(wish, &storage).await?;
        let (info, webgpu) = (opened.device.info.clone(), opened.webgpu());
        post(&Event::Device { info, webgpu, advice: opened.advice });
        loading("bundled model", 0.2);
        let files = models::bundled(base, model).await?;
        let loaded = folder::load(model, &files, &opened.device.device)?;
        let engine = Self {
            inbox,
            device: opened.device,
            models: RefCell::default(),
            storage,
            kept: RefCell::default(),
            autotune: opened.autotune,
            rows: RefCell::default(),
            loaded,
        };
        let pretrained = engine.loaded.model.clone();
        engine.models.borrow_mut().ship(RecipeName::pretrained(), pretrained, "");
        // The models are posted when all are there: a question asked before would leave the others out.
        loading("shipped weights", 0.7);
        match models::shipped(base, &engine.loaded, &files).await {
            Ok(all) => {
                for shipped in all {
                    let mut models = engine.models.borrow_mut();
                    models.ship(shipped.recipe, shipped.model, &shipped.task);
                }
            }
            Err(failure) => fail(failure.advice("The page works without the shipped weights.")),
        }
        engine.find_saved().await;
        loading("ready", 1.0);
        post(&Event::Status { status: Status::Idle });
        Ok(engine)
    }

    /// Offers the run of an earlier visit, and loads the models that it has finished.
    async fn find_saved(&self) {
        let saved = Saved::find(&self.storage).await.unwrap_or_else(|failure| {
            fail(failure);
            None
        });
        if let Some(saved) = &saved {
            self.refresh(saved).await;
        }
        self.post_models();
        post(&Event::Saved { run: saved.map(|saved| saved.run().clone()) });
        match Kept::load(&self.storage).await {
            Ok(kept) => drop(self.kept.replace(kept)),
            Err(failure) => fail(failure),
        }
        post(&Event::Kept { runs: self.kept.borrow().runs().to_vec() });
    }

    pub fn example(&self, id: u64, name: &str, shots: usize, row: usize) -> promot_core::Result<Event> {
        let task = tasks().by_name(name)?;
        let rows = self.rows(task)?;
        let row = row % rows.test.len().max(1);
        // As in an evaluation, so that the page shows what the reports' scores come from.
        let renderer = Renderer { task, tokenizer: &self.loaded.tokenizer, shots, max_input: 0 };
        let pool = ShotPool::new(&rows.shots, EvalSpec::default().shot_pool, 0);
        let chosen = renderer.draws(&pool)?.nth(row).unwrap_or_default();
        let question = rows
            .test
            .get(row)
            .ok_or_else(|| promot_core::Error::mismatch(format!("rows of {name}"), "at least one", "none"))?;
        let rendered = renderer.render(&chosen, question)?.text;
        Ok(Event::Example {
            id,
            task: name.to_owned(),
            row,
            rows: rows.test.len(),
            input: rendered.input,
            references: rendered.references,
        })
    }

    pub fn rows(&self, task: &'static Task) -> promot_core::Result<Rc<Rows>> {
        if let Some(rows) = self.rows.borrow().get(task.name.as_str()) {
            return Ok(Rc::clone(rows));
        }
        let rows = Rc::new(Rows {
            test: Generated.rows(task, Split::Test, MOST_ROWS)?,
            shots: Generated.rows(task, Split::Train, EvalSpec::default().shot_pool)?,
        });
        self.rows.borrow_mut().insert(task.name.as_str(), Rc::clone(&rows));
        Ok(rows)
    }

    pub fn post_models(&self) {
        post(&Event::Models { models: self.models.borrow().states() });
    }

    /// Loads the models of a run's finished methods.
    pub async fn refresh(&self, saved: &Saved) {
        if let Err(failure) = self.try_refresh(saved).await {
            fail(failure);
        }
    }

    /// Whether a run is of the model that is open.
    pub fn is_of_model(&self, saved: &Saved) -> bool {
        saved.spec().model == self.loaded.info.name
    }

    async fn try_refresh(&self, saved: &Saved) -> Result<(), Failure> {
        if !self.is_of_model(saved) {
            return Ok(());
        }
        for run in saved.runs(&self.storage).await? {
            let recipe = RecipeName::new(run.run.method);
            if let Some(model) = self.trained(saved, &recipe).await? {
                let target = &saved.spec().target.task;
                let budget = Budget::of_spec(saved.spec(), recipe.as_str());
                self.models.borrow_mut().train(recipe, model, target, budget);
            }
        }
        Ok(())
    }

    /// Deletes the saved run and its models: the shipped ones are back.
    pub async fn discard(&self) -> Result<(), Failure> {
        Saved::forget(&self.storage).await?;
        self.models.borrow_mut().discard_trained();
        self.post_models();
        post(&Event::Saved { run: None });
        Ok(())
    }

    /// What a run has trained with a recipe so far, from its checkpoints; `None` before the first one.
    pub async fn trained(&self, saved: &Saved, recipe: &RecipeName) -> Result<Option<Model>, Failure> {
        let Some(seed) = saved.spec().seeds.first() else { return Ok(None) };
        let run = saved.spec().resolve(tasks())?;
        let Some(recipe) = run.recipes.iter().find(|known| known.name == recipe.as_str()) else {
            return Ok(None);
        };
        // Storage is asynchronous here, the library's loading is not: all checkpoints are read first.
        let mut checkpoints = BTreeMap::new();
        for point in recipe.trained() {
            for stage in planned(&run, point, *seed)? {
                let Some(checkpoint) = saved.checkpoint(&self.storage, &stage.name).await? else { break };
                checkpoints.insert(stage.name, checkpoint);
            }
        }
        let mut load = |name: &str| Ok(checkpoints.get(name).cloned());
        let tuned = restore(self.setup(&run), recipe, *seed, &mut load).await?;
        Ok(tuned.map(|tuned| tuned.for_task(0)))
    }

    /// What an experiment on this page works with.
    pub fn setup<'a>(&'a self, run: &'a Run) -> Setup<'a> {
        Setup { run, loaded: &self.loaded, device: &self.device, rows: &Generated }
    }

    /// Stores what was autotuned since the last time, for the next visit.
    pub async fn store_autotune_cache(&self) {
        if let Some(cache) = &self.autotune {
            cache.store(&self.storage).await;
        }
    }
}
