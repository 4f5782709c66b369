//! What all components share: the state, the way to the worker, and what the user has set.

use gloo::events::EventListener;
use gloo::storage::{LocalStorage as Storage, Storage as _};
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use promot_core::spec::{self, RunSpec};
use promot_core::task::Task;

use super::export;
use super::later::turn;
use super::recorded::{self, Recorded};
use crate::link::Link;
use crate::protocol::{Column, Command, DeviceWish, Event, resolved};
use crate::state::{Failure, State, address};

/// Where the last settings of the Train screen are kept between visits.
const STORED_SPEC: &str = "promot.spec";

/// How long the worker lets the first screen go first, in milliseconds.
const WORKER_WAITS: u32 = 60;

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

    fn of_address() -> Self {
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
    /// Answered examples before the question.
    pub shots: RwSignal<usize>,
    /// Whether the ProMoT model is asked with its soft prompt in front.
    pub prompt: RwSignal<bool>,
    /// Whether to go on with the saved run as soon as the worker is back.
    continues: RwSignal<bool>,
    device: DeviceWish,
    ids: StoredValue<u64>,
    link: StoredValue<Option<Link>, LocalStorage>,
}

impl App {
    /// Reads the address and what is stored, starts the worker, and fetches the recorded results.
    pub fn start() -> Self {
        let device = address::device(parameter("device").as_deref());
        let app = Self {
            state: RwSignal::default(),
            view: RwSignal::new(View::of_address()),
            recorded: RwSignal::new(Recorded::Loading),
            form: RwSignal::default(),
            shots: RwSignal::new(1),
            prompt: RwSignal::new(false),
            continues: RwSignal::new(false),
            device: device.clone().unwrap_or_default(),
            ids: StoredValue::new(0),
            link: StoredValue::new_local(None),
        };
        app.tell(device.err());
        EventListener::new(&window(), "hashchange", move |_| app.view.set(View::of_address())).forget();
        Timeout::new(0, move || app.read_spec()).forget();
        // The worker is several times the page's size: it is read in once the first screen stands.
        Timeout::new(WORKER_WAITS, move || {
            app.link.set_value(Some(Link::start(move |event, bytes| app.on_event(event, bytes))));
        })
        .forget();
        // Not Leptos' own, which is there only once the page is mounted.
        wasm_bindgen_futures::spawn_local(async move {
            let recorded = recorded::load().await;
            turn().await;
            app.recorded.set(recorded);
            turn().await;
            app.example(recorded::FIRST_TASK, 0);
        });
        app
    }

    /// The settings that the Train screen begins with: the address's, the last visit's, or the quick ones.
    fn read_spec(&self) {
        let stored = || Storage::get(STORED_SPEC).ok().or_else(|| spec::preset("quick").ok());
        let asked = parameter("spec").map(|text| address::spec(&text)).transpose();
        let spec = asked.clone().ok().flatten().or_else(stored);
        self.form.set(spec.unwrap_or_default());
        self.tell(asked.err());
    }

    /// Shows what went wrong, if anything did.
    pub fn tell(&self, problem: Option<String>) {
        if let Some(message) = problem {
            let failure = Failure { message, advice: None, fatal: false };
            self.state.update(|state| state.fail(failure));
        }
    }

    pub fn send(&self, command: &Command) {
        if let Some(link) = self.link.get_value() {
            link.send(command);
        }
    }

    fn on_event(&self, event: Event, bytes: Option<js_sys::ArrayBuffer>) {
        let columns = matches!(event, Event::Columns { .. });
        match (&event, bytes) {
            // A new worker, the first one or its successor, knows nothing.
            (Event::Ready, _) => self.send(&Command::Start { device: self.device, base: base() }),
            (Event::File { name, mime }, Some(bytes)) => export::save(name, mime, &bytes),
            _ => {}
        }
        self.state.update(|state| state.apply(event));
        if columns && self.state.with_untracked(|state| state.question.awaited) {
            self.request_example();
        }
        let back = self.state.with_untracked(|state| state.saved.is_some() && !state.columns.is_empty());
        if back && self.continues.get_untracked() {
            self.go_on();
        }
    }

    /// Shows row `row` of a task: recorded with its answers where it was, else rendered by the worker.
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
        // Before the models are there the worker knows no tokens; `on_event` asks again then.
        if self.state.with_untracked(|state| !state.columns.is_empty()) {
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

    /// Asks these columns what stands in the editor.
    pub fn ask(&self, columns: Vec<Column>) {
        let (input, task) =
            self.state.with_untracked(|state| (state.question.text.clone(), state.question.task.clone()));
        if columns.is_empty() || input.trim().is_empty() {
            return;
        }
        let id = self.next_id();
        let max_new = Task::by_name(&task).map_or(FREE_ANSWER, |task| task.max_new_tokens);
        self.state.update(|state| state.ask(id, &columns));
        let prompt = self.prompt.get_untracked();
        // Width 1, so that the answer can be read while it is written.
        self.send(&Command::Ask { id, input, columns, prompt, beams: 1, max_new });
    }

    pub fn cancel(&self) {
        if let Some(id) = self.state.with_untracked(|state| state.asking) {
            self.send(&Command::Cancel { id });
            self.state.update(|state| state.asking = None);
        }
    }

    /// Begins a run with what the form says.
    pub fn train(&self) {
        let spec = self.form.get_untracked();
        match resolved(&spec) {
            Ok(_) => {
                // Storage may be full or forbidden; then the next visit begins with the preset.
                let _ = Storage::set(STORED_SPEC, &spec);
                self.state.update(|state| state.start(spec.clone()));
                self.send(&Command::Train { spec: Box::new(spec) });
            }
            Err(error) => {
                let advice = Some("Mend the setting and start again.".to_owned());
                let failure = Failure { message: error.to_string(), advice, fatal: false };
                self.state.update(|state| state.fail(failure));
            }
        }
    }

    /// Goes on with the saved run.
    pub fn go_on(&self) {
        self.continues.set(false);
        self.state.update(State::go_on);
        self.send(&Command::Continue);
    }

    /// The offer goes when the worker says that the run is gone.
    pub fn discard(&self) {
        self.send(&Command::Discard);
    }

    /// Starts a new worker, which goes on with the run that the old one has left, if there is one.
    pub fn restart(&self) {
        self.continues.set(true);
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

/// A parameter of the page's address.
fn parameter(name: &str) -> Option<String> {
    let query = window().location().search().unwrap_or_default();
    web_sys::UrlSearchParams::new_with_str(&query).ok()?.get(name)
}

/// The address that everything is served under, with a slash at its end.
pub fn base() -> String {
    let location = window().location();
    let (origin, path) = (location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    format!("{origin}{folder}")
}
