//! What all components share: the state, the link to the worker, and the user's choices.

use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::{address, settings};
use crate::catalog;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{Command, DeviceWish, Event, RecipeName, resolved};
use crate::state::State;
use crate::state::fields::{self, Drafts};
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

/// Moves the focus to an element, opening what hides it.
fn focus(testid: &str) {
    use wasm_bindgen::JsCast as _;
    let found = document().query_selector(&format!("[data-testid={testid}]")).ok().flatten();
    let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return;
    };
    if let Ok(Some(details)) = element.closest("details") {
        let _ = details.set_attribute("open", "");
    }
    let _ = element.focus();
}

/// Handles only: as cheap to copy as a number.
#[derive(Clone, Copy)]
pub struct App {
    pub state: RwSignal<State>,
    pub view: RwSignal<View>,
    pub recorded: RwSignal<Recorded>,
    /// The settings of the Train screen.
    pub form: RwSignal<RunSpec>,
    /// Fields whose text is no value of theirs.
    pub drafts: RwSignal<Drafts>,
    /// What is wrong with the text of all settings.
    pub text_problem: RwSignal<Option<String>>,
    /// Number of in-context examples.
    pub shots: RwSignal<usize>,
    /// Whether to resume the saved run as soon as the worker is back.
    resumes: RwSignal<bool>,
    device: StoredValue<DeviceWish>,
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
            drafts: RwSignal::default(),
            text_problem: RwSignal::new(None),
            shots: RwSignal::new(1),
            resumes: RwSignal::new(false),
            device: StoredValue::new(device),
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
        let asks = loaded || matches!(event, Event::Example { .. });
        // A new worker, the first one or its successor, knows nothing.
        if matches!(event, Event::Ready) {
            self.send(&Command::Start { device: self.device.get_value(), base: address::base() });
        }
        self.state.update(|state| state.apply(event));
        if loaded && self.state.with_untracked(|state| state.question.awaited) {
            self.request_example();
        }
        if asks {
            self.ask_due();
        }
        let back = self.state.with_untracked(|state| state.saved.is_some() && !state.models.is_empty());
        if back && self.resumes.get_untracked() {
            self.resume();
        }
    }

    /// Shows row `row` of a task: precomputed with its answers where there is such, else rendered by the worker.
    pub fn example(&self, task: &str, row: usize) {
        self.cancel();
        let (id, shots) = (self.next_id(), self.shots.get_untracked());
        let (found, target) = self.recorded.with_untracked(|recorded| {
            (recorded.example(task, row, shots).cloned(), recorded.target().to_owned())
        });
        self.state.update(|state| {
            let holds = state.turn_to(task, &target);
            match found.filter(|_| holds) {
                Some(example) => state.show_recorded(id, &example, row, &target),
                None => state.wants_example(id, task, row),
            }
        });
        // Without models the worker has no tokenizer; `on_event` requests the example again when they are there.
        if self.state.with_untracked(|state| state.question.awaited && !state.models.is_empty()) {
            self.request_example();
        }
    }

    /// The user edits the question.
    pub fn write(&self, text: String) {
        self.cancel();
        self.state.update(|state| state.write(text));
    }

    /// Asks the models whose answers are missing, once the user can see them.
    pub fn ask_due(&self) {
        let due = self.state.with_untracked(|state| match state.asking {
            // A later question ends an earlier one.
            Some(_) if !state.due.is_empty() => state.askable(),
            _ => state.due.clone(),
        });
        if self.view.get_untracked() == View::Compare {
            self.ask(due);
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
        if recipes.is_empty() || !self.state.with_untracked(State::can_ask) {
            return;
        }
        let id = self.next_id();
        let max_new = catalog::tasks().by_name(&task).map_or(FREE_ANSWER, |task| task.max_new_tokens);
        self.state.update(|state| state.ask(id, &recipes));
        let prompt = self.state.with_untracked(|state| state.prompt);
        // Width 1, so that the answer can be read while it is written.
        self.send(&Command::Ask { id, input, recipes, prompt, beams: 1, max_new });
    }

    pub fn cancel(&self) {
        if let Some(id) = self.state.with_untracked(|state| state.asking) {
            self.send(&Command::Cancel { id });
            self.state.update(|state| state.asking = None);
        }
    }

    /// Replaces the settings of the form.
    pub fn set_form(&self, spec: RunSpec) {
        self.form.set(spec);
        self.drafts.update(Drafts::clear);
        self.text_problem.set(None);
    }

    /// Changes the settings of the form; the text of all settings follows, whatever was wrong with it.
    pub fn change_form(&self, change: impl FnOnce(&mut RunSpec)) {
        self.form.update(change);
        self.text_problem.set(None);
    }

    /// Begins a run with the settings of the form, if they are all understood: what a field shows is what is used.
    pub fn train(&self) {
        let spec = self.form.get_untracked();
        let wrong = self.drafts.with_untracked(|drafts| fields::problems(&spec, drafts)).into_iter().next();
        let in_text =
            || Some(("train-spec", format!("All settings: {}", self.text_problem.get_untracked()?)));
        if let Some((testid, problem)) =
            wrong.map(|(field, problem)| (field.testid, problem)).or_else(in_text)
        {
            focus(testid);
            return self.show_problem(Some(problem));
        }
        match resolved(&spec) {
            Ok(_) => {
                settings::store(&spec);
                self.state.update(|state| state.start(spec.clone()));
                self.send(&Command::Train { spec: Box::new(spec) });
            }
            Err(error) => {
                let field = fields::of_error(&error);
                let advice = match field {
                    Some(field) => format!("Change \u{201c}{}\u{201d} and start again.", field.label),
                    None => "Change the setting and start again.".to_owned(),
                };
                if let Some(field) = field {
                    focus(field.testid);
                }
                let failure = Failure::from(error).advice(advice);
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

    /// Deletes the saved run; the offer disappears with the worker's answer, and the shipped models are back.
    pub fn discard(&self) {
        self.state.update(State::discarded);
        self.send(&Command::Discard);
    }

    /// The device that was asked for, by the address or on this page.
    pub fn device(&self) -> DeviceWish {
        self.device.get_value()
    }

    /// Gives WebGPU up: a new worker computes on the CPU.
    pub fn use_cpu(&self) {
        self.device.set_value(DeviceWish::Cpu);
        if let Some(link) = self.link.get_value() {
            link.explain_cpu("chosen on this page, since WebGPU took too long");
        }
        self.restart();
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
