//! What all components share: the state, the link to the worker, and the user's choices.

use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::point::point_at;
use super::{address, hide, settings};
use crate::catalog;
use crate::column::Column;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{Command, DeviceWish, Event, resolved};
use crate::state::address::with_model;
use crate::state::fields::{self, Drafts};
use crate::state::place::{Place, Screen};
use crate::state::recorded::{Recorded, asked_with};
use crate::state::story::{self, Step};
use crate::state::wall::{Due, Wall};
use crate::state::watched::with_questions;
use crate::state::{BEAMS, Question, State};

/// Longest answer to a question that belongs to no task, in tokens.
const FREE_ANSWER: usize = 64;

/// Of an answer to a question of this task.
fn most_tokens(task: &str) -> usize {
    catalog::tasks().by_name(task).map_or(FREE_ANSWER, |task| task.max_new_tokens)
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
    pub view: RwSignal<Screen>,
    /// Large type.
    pub large: RwSignal<bool>,
    /// The story's step, from 1.
    pub story: RwSignal<Option<usize>>,
    pub recorded: RwSignal<Recorded>,
    /// The settings of the Train screen.
    pub form: RwSignal<RunSpec>,
    /// Fields whose text is no value of theirs.
    pub drafts: RwSignal<Drafts>,
    /// What is wrong with the text of all settings.
    pub text_problem: RwSignal<Option<String>>,
    /// Number of in-context examples.
    pub shots: RwSignal<usize>,
    /// Whether the panel of many rows is to be open when Compare is next shown.
    pub rows_wanted: RwSignal<bool>,
    /// The bundled model that is open; another one needs another address.
    pub model: &'static str,
    /// Whether to resume the saved run as soon as the worker is back.
    resumes: RwSignal<bool>,
    device: StoredValue<DeviceWish>,
    ids: StoredValue<u64>,
    link: StoredValue<Option<Link>, LocalStorage>,
}

impl App {
    pub fn new(device: DeviceWish, model: &'static str, view: Screen) -> Self {
        Self {
            model,
            state: RwSignal::default(),
            view: RwSignal::new(view),
            large: RwSignal::new(false),
            story: RwSignal::new(None),
            recorded: RwSignal::new(Recorded::Loading),
            form: RwSignal::default(),
            drafts: RwSignal::default(),
            text_problem: RwSignal::new(None),
            shots: RwSignal::new(1),
            rows_wanted: RwSignal::new(false),
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
        let next =
            loaded || matches!(event, Event::AskDone { .. } | Event::BatchDone { .. } | Event::Status { .. });
        let asks = loaded || matches!(event, Event::Example { .. });
        // A new worker, the first one or its successor, knows nothing.
        if matches!(event, Event::Ready) {
            let (device, model) = (self.device.get_value(), self.model.to_owned());
            self.send(&Command::Start { device, model, base: address::base() });
        }
        self.state.update(|state| state.apply(event));
        if loaded && self.state.with_untracked(|state| state.question.awaited) {
            self.request_example();
        }
        if asks {
            self.ask_due();
        }
        if next {
            self.fill_wall();
        }
        if loaded {
            self.inspect();
        }
        let here = |state: &State| state.saved.as_ref().is_some_and(|saved| saved.spec.model == self.model);
        let back = self.state.with_untracked(|state| here(state) && !state.models.is_empty());
        if back && self.resumes.get_untracked() {
            self.resume();
        }
    }

    /// Shows row `row` of a task: precomputed with its answers where there is such, else rendered by the worker.
    pub fn example(&self, task: &str, row: usize) {
        self.cancel();
        let (id, shots) = (self.next_id(), self.shots.get_untracked());
        self.recorded.with_untracked(|recorded| {
            self.state.update(|state| {
                let holds = state.turn_to(task, recorded.target());
                let found = recorded.example(task, row, shots).filter(|_| holds);
                match found.zip(recorded.spec()) {
                    Some((example, spec)) => {
                        state.show_recorded(Question::recorded(id, example, row, shots), example, spec);
                    }
                    None => state.wants_example(Question::awaited(id, task, row, shots)),
                }
            });
        });
        // Without models the worker has no tokenizer; `on_event` requests the example again when they are there.
        if self.state.with_untracked(|state| state.question.awaited && !state.models.is_empty()) {
            self.request_example();
        }
        self.ask_due();
    }

    /// The user adds a column or takes it out.
    pub fn choose(&self, column: &Column, wanted: bool) {
        let due = self.state.try_update(|state| state.choose(column, wanted)).unwrap_or_default();
        let recorded = |state: &State| {
            let shown = state.answers.values().any(|answer| answer.recorded);
            shown.then(|| (state.question.task.clone(), state.question.row))
        };
        match self.state.with_untracked(recorded) {
            // Recorded answers are there for the new column, too, or all are asked.
            Some((task, row)) => self.example(&task, row),
            None => self.ask(due),
        }
        self.fill_wall();
    }

    /// Shows row `row` of a task in the editor, as it was recorded, and moves there.
    pub fn open_question(&self, task: &str, row: usize) {
        let shots = self.recorded.with_untracked(|recorded| asked_with(&recorded.questions()?.spec, task));
        self.shots.update(|known| *known = shots.unwrap_or(*known));
        self.example(task, row);
        point_at("question");
    }

    /// Asks a question of the user's own.
    pub fn ask_own(&self, text: String) {
        self.write(text);
        point_at("question");
        self.ask(self.state.with_untracked(State::askable));
    }

    /// Shows what a link says. Nothing is downloaded and nothing trained.
    pub fn go(&self, place: Place) {
        let place = match self.story_step(&place) {
            Ok(place) => place,
            Err(problem) => return self.show_problem(Some(problem)),
        };
        self.view.set(place.screen);
        self.story.set(place.story);
        let Place { task, row, shots, text, columns, prompt, mix, spec, model, .. } = place;
        let question = task.is_some() || shots.is_some() || !columns.is_empty() || mix.is_some();
        if let Some(shots) = shots {
            self.shots.set(shots);
        }
        if question {
            let now = self.state.with_untracked(|state| (state.question.task.clone(), state.question.row));
            self.state.update(|state| state.place(columns, mix.map(|percent| percent as f64 / 100.0)));
            let (task, row) = task.map_or(now, |task| (task, row));
            self.example(&task, row);
        }
        if let Some(text) = text {
            self.write(text);
        }
        if let Some(on) = prompt.filter(|on| self.state.with_untracked(|state| state.prompt != *on)) {
            let due = self.state.try_update(|state| state.switch_prompt(on)).unwrap_or_default();
            self.ask(due);
        }
        if let Some(spec) = spec {
            self.set_form(spec);
        }
        if let Some(model) = model {
            self.state.update(|state| state.explore.choose(model));
        }
        self.ask_due();
        self.fill_wall();
        self.inspect();
    }

    /// A link to a step of the story alone means the question that the step is about, too.
    fn story_step(&self, place: &Place) -> Result<Place, String> {
        let Some(step) = place.story else { return Ok(place.clone()) };
        let steps = self.steps();
        let none = || "This copy of the page has no recorded results that tell the story.".to_owned();
        if steps.is_empty() {
            return Err(none());
        }
        let there = || format!("The story has {} steps; the link asks for step {step}.", steps.len());
        let found = step.checked_sub(1).and_then(|at| steps.get(at)).ok_or_else(there)?;
        Ok(if place.task.is_some() { place.clone() } else { found.place.clone() })
    }

    /// The steps of the story, where there is one to tell.
    fn steps(&self) -> Vec<Step> {
        self.recorded
            .with_untracked(|recorded| recorded.report().and_then(|report| story::steps(report)))
            .unwrap_or_default()
    }

    /// The story's next step or the one before.
    pub fn tell(&self, by: isize) {
        let count = self.steps().len();
        let step = self.story.get_untracked().and_then(|step| step.checked_add_signed(by));
        if let Some(step) = step.filter(|step| (1..=count).contains(step)) {
            address::turn_to(&Place::of_story(step).hash());
        }
    }

    pub fn end_story(&self) {
        address::turn_to(self.view.get_untracked().hash());
    }

    /// What is shown, for a link.
    pub fn place(&self) -> Place {
        let (screen, shots) = (self.view.get_untracked(), self.shots.get_untracked());
        if screen == Screen::Explore {
            let model = self.state.with_untracked(|state| state.explore.chosen().cloned());
            return Place { screen, model, hide: hide::hidden(), ..Place::default() };
        }
        self.state.with_untracked(|state| Place {
            screen,
            story: self.story.get_untracked(),
            task: Some(state.question.task.clone()).filter(|task| !task.is_empty()),
            row: state.question.row,
            shots: (shots != 1).then_some(shots),
            text: state.question.is_own().then(|| state.question.text.clone()),
            columns: state.columns.clone(),
            prompt: Some(state.prompt),
            mix: Some((state.mix * 100.0).round() as usize).filter(|mix| *mix != 50),
            spec: (screen == Screen::Train).then(|| self.form.get_untracked()),
            model: None,
            hide: hide::hidden(),
        })
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
        if self.view.get_untracked() == Screen::Compare {
            self.ask(due);
        }
    }

    /// Has the next question of the wall answered, while it can be seen and nobody else asks.
    pub fn fill_wall(&self) {
        if self.view.get_untracked() != Screen::Compare {
            return;
        }
        let id = self.next_id();
        let due = self.state.try_maybe_update(|state| {
            let due = state.next_of_wall(id);
            (due.is_some(), due)
        });
        let Some(Due { input, task, columns, prompt }) = due.flatten() else { return };
        let mix = self.state.with_untracked(|state| state.mix);
        let max_new = most_tokens(&task);
        self.send(&Command::Ask { id, input, columns, prompt, mix, beams: BEAMS, max_new });
    }

    /// Shows the `place`-th recorded question of every task on the wall.
    pub fn show_wall(&self, place: usize) {
        let wall = self
            .recorded
            .with_untracked(|recorded| recorded.questions().map(|report| Wall::of(report, place)));
        if let Some(wall) = wall {
            self.state.update(|state| state.wall = wall);
            self.fill_wall();
        }
    }

    fn request_example(&self) {
        let shots = self.shots.get_untracked();
        let (id, task, row) = self
            .state
            .with_untracked(|state| (state.question.id, state.question.task.clone(), state.question.row));
        self.send(&Command::Example { id, task, shots, row });
    }

    /// Asks these columns the question in the editor.
    pub fn ask(&self, columns: Vec<Column>) {
        let (input, task) =
            self.state.with_untracked(|state| (state.question.text.clone(), state.question.task.clone()));
        if columns.is_empty() || !self.state.with_untracked(State::can_ask) {
            return;
        }
        let id = self.next_id();
        let max_new = most_tokens(&task);
        self.state.update(|state| state.ask(id, &columns));
        let (prompt, mix) = self.state.with_untracked(|state| (state.prompt, state.mix));
        self.send(&Command::Ask { id, input, columns, prompt, mix, beams: BEAMS, max_new });
    }

    /// Has the models in the columns answer the first rows of a task.
    pub fn evaluate(&self, task: String, shots: usize, rows: usize) {
        let id = self.next_id();
        let request = self.state.try_maybe_update(|state| {
            let request = state.can_evaluate().then(|| state.evaluate(id, task, shots, rows));
            (request.is_some(), request)
        });
        let Some(request) = request.flatten() else { return };
        self.send(&Command::Evaluate(request));
    }

    /// Ends the batch; what was answered is scored.
    pub fn stop_batch(&self) {
        if let Some(id) = self.state.with_untracked(|state| state.batch.running()) {
            self.send(&Command::Cancel { id });
        }
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
        match resolved(&spec, self.model) {
            Ok(_) => {
                settings::store(&spec);
                let spec = with_questions(spec);
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

    /// Opens the page again with another bundled model; the settings of the form go with it.
    pub fn open_model(&self, model: &str) {
        let spec = RunSpec { model: model.to_owned(), ..self.form.get_untracked() };
        settings::store(&spec);
        address::open(&with_model(&address::query(), model));
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

    pub fn next_id(&self) -> u64 {
        self.ids.update_value(|id| *id += 1);
        self.ids.get_value()
    }
}
