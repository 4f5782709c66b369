//! What all components share: the state, the link to the worker, and the user's choices.

use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::{address, settings};
use crate::catalog;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{Command, DeviceWish, Event, RecipeName, resolved};
use crate::state::State;
use crate::state::recorded::Recorded;

/// Longest answer to a question that belongs to no task, in tokens.
const FREE_ANSWER: usize = 64;

/// The screens; the address's hash names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Compare,
    Train,
}

impl View {
    pub const ALL: [View; 2] = [View::Compare, View::Train];

    pub fn hash(self) -> &'static str {
        match self {
            View::Compare => "#compare",
            View::Train => "#train",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            View::Compare => "Compare",
            View::Train => "Train",
        }
    }

    /// The screen that the address names.
    pub fn current() -> Self {
        let hash = window().location().hash().unwrap_or_default();
        View::ALL.into_iter().find(|view| view.hash() == hash).unwrap_or(View::Compare)
    }
}

/// Handles only: as cheap to copy as a number.
#[derive(Clone, Copy)]
pub struct App {
    pub state: RwSignal<State>,
    pub view: RwSignal<View>,
    pub recorded: RwSignal<Recorded>,
    /// The settings of the Train screen.
    pub form: RwSignal<RunSpec>,
    /// Number of in-context examples.
    pub shots: RwSignal<usize>,
    /// Whether models that have a soft prompt answer with it prepended.
    pub prompt: RwSignal<bool>,
    /// Whether to resume the saved run as soon as the worker is back.
    resumes: RwSignal<bool>,
    device: DeviceWish,
    ids: StoredValue<u64>,
    link: StoredValue<Option<Link>, LocalStorage>,
}

impl App {
    pub fn new(device: DeviceWish, view: View) -> Self {
        Self {
            state: RwSignal::default(),
            view: RwSignal::new(view),
            recorded: RwSignal::new(Recorded::Loading),
            form: RwSignal::default(),
            shots: RwSignal::new(1),
            prompt: RwSignal::new(false),
            resumes: RwSignal::new(false),
            device,
            ids: StoredValue::new(0),
            link: StoredValue::new_local(None),
        }
    }

    /// Commands go to this worker from now on.
    pub fn connect(&self, link: Link) {
        self.link.set_value(Some(link));
    }

    /// Shows what went wrong, if anything did.
    pub fn show_problem(&self, problem: Option<String>) {
        if let Some(message) = problem {
            self.state.update(|state| state.fail(Failure::other(message)));
        }
    }

    pub fn send(&self, command: &Command) {
        if let Some(link) = self.link.get_value() {
            link.send(command);
        }
    }

    pub fn on_event(&self, event: Event) {
        let loaded = matches!(event, Event::Models { .. });
        // A new worker, the first one or its successor, knows nothing.
        if matches!(event, Event::Ready) {
            self.send(&Command::Start { device: self.device, base: address::base() });
        }
        self.state.update(|state| state.apply(event));
        if loaded && self.state.with_untracked(|state| state.question.awaited) {
            self.request_example();
        }
        let back = self.state.with_untracked(|state| state.saved.is_some() && !state.models.is_empty());
        if back && self.resumes.get_untracked() {
            self.resume();
        }
    }

    /// Shows row `row` of a task: precomputed with its answers where there is such, else rendered by the worker.
    pub fn example(&self, task: &str, row: usize) {
        let id = self.next_id();
        self.prompt.set(self.state.with_untracked(|state| state.target() == task));
        let recorded = self
            .recorded
            .with_untracked(|recorded| recorded.example(task, row, self.shots.get_untracked()).cloned());
        if let Some(example) = recorded {
            self.state.update(|state| state.show_recorded(id, &example, row));
            return;
        }
        self.state.update(|state| state.wants_example(id, task, row));
        // Without models the worker has no tokenizer; `on_event` requests the example again when they are there.
        if self.state.with_untracked(|state| !state.models.is_empty()) {
            self.request_example();
        }
    }

    fn request_example(&self) {
        let shots = self.shots.get_untracked();
        let (id, task, row) = self
            .state
            .with_untracked(|state| (state.question.id, state.question.task.clone(), state.question.row));
        self.send(&Command::Example { id, task, shots, row });
    }

    /// Asks these models the question in the editor.
    pub fn ask(&self, recipes: Vec<RecipeName>) {
        let (input, task) =
            self.state.with_untracked(|state| (state.question.text.clone(), state.question.task.clone()));
        if recipes.is_empty() || input.trim().is_empty() {
            return;
        }
        let id = self.next_id();
        let max_new = catalog::tasks().by_name(&task).map_or(FREE_ANSWER, |task| task.max_new_tokens);
        self.state.update(|state| state.ask(id, &recipes));
        let prompt = self.prompt.get_untracked();
        // Width 1, so that the answer can be read while it is written.
        self.send(&Command::Ask { id, input, recipes, prompt, beams: 1, max_new });
    }

    pub fn cancel(&self) {
        if let Some(id) = self.state.with_untracked(|state| state.asking) {
            self.send(&Command::Cancel { id });
            self.state.update(|state| state.asking = None);
        }
    }

    /// Begins a run with the settings of the form.
    pub fn train(&self) {
        let spec = self.form.get_untracked();
        match resolved(&spec) {
            Ok(_) => {
                settings::store(&spec);
                self.state.update(|state| state.start(spec.clone()));
                self.send(&Command::Train { spec: Box::new(spec) });
            }
            Err(error) => {
                let failure = Failure::from(error).advice("Change the setting and start again.");
                self.state.update(|state| state.fail(failure));
            }
        }
    }

    /// Resumes the saved run.
    pub fn resume(&self) {
        self.resumes.set(false);
        self.state.update(State::resume);
        self.send(&Command::Continue);
    }

    /// Deletes the saved run; the offer disappears with the worker's answer.
    pub fn discard(&self) {
        self.send(&Command::Discard);
    }

    /// Starts a new worker, which resumes the run of the old one, if there is one.
    pub fn restart(&self) {
        self.resumes.set(true);
        self.state.update(State::restarted);
        if let Some(link) = self.link.get_value() {
            link.restart();
        }
    }

    fn next_id(&self) -> u64 {
        self.ids.update_value(|id| *id += 1);
        self.ids.get_value()
    }
}
