//! The start of the page: reads the address and the stored settings, starts the worker, fetches the recorded results.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::app::App;
use super::later::turn;
use super::{address, download, hide, keys, recorded, settings};
use crate::catalog::{MODELS, preset};
use crate::link::Link;
use crate::protocol::{Event, resolved};
use crate::state;
use crate::state::place::{Place, Screen};
use crate::state::story;
use crate::state::tasks::FIRST_TASK;

/// How long the worker lets the first screen go first, in milliseconds.
const WORKER_WAITS: u32 = 60;

pub fn start() -> App {
    let device = state::address::device(address::parameter("device").as_deref());
    let spec = address::parameter("spec").map(|text| state::address::spec(&text)).transpose();
    let asked = spec.as_ref().ok().and_then(Option::as_ref);
    let model = state::address::model(address::parameter("model").as_deref(), asked);
    let place = Place::read(&address::hash());
    let screen = place.as_ref().map_or_else(|_| Screen::default(), |place| place.screen);
    let open = model.clone().unwrap_or(MODELS[0].name);
    let app = App::new(device.clone().unwrap_or_default(), open, screen);
    app.show_problem(device.err().or(model.err()));
    hide::hide(place.as_ref().map_or(&[], |place| &place.hide));
    keys::listen(app);
    let turned = move |_: &web_sys::Event| match Place::read(&address::hash()) {
        Ok(place) => app.go(place),
        Err(problem) => app.show_problem(Some(problem)),
    };
    EventListener::new(&window(), "hashchange", turned).forget();
    Timeout::new(0, move || take_spec(app, spec)).forget();
    // The worker is several times the page's size: it is read in once the first screen stands.
    Timeout::new(WORKER_WAITS, move || {
        app.connect(Link::start(move |event, bytes| on_event(app, event, bytes)));
    })
    .forget();
    // Not Leptos' own, which is there only once the page is mounted.
    wasm_bindgen_futures::spawn_local(async move {
        let recorded = recorded::load(app.model).await;
        turn().await;
        app.recorded.set(recorded);
        turn().await;
        first_view(app, place);
        turn().await;
        app.show_wall(0);
    });
    app
}

/// What the link shows; without one, the question that shows best what is lost.
fn first_view(app: App, place: Result<Place, String>) {
    let (task, row) = app.recorded.with_untracked(|recorded| {
        let telling = recorded.report().and_then(|report| story::telling(report));
        telling.map_or((FIRST_TASK.to_owned(), 0), |(example, row)| (example.task.clone(), row))
    });
    if !place.as_ref().is_ok_and(|place| place.task.is_some() || place.story.is_some()) {
        app.example(&task, row);
    }
    match place {
        Ok(place) => app.go(place),
        Err(problem) => app.show_problem(Some(problem)),
    }
}

/// The settings that the Train screen begins with: the address's, the last visit's, or the quick ones.
fn take_spec(app: App, asked: Result<Option<RunSpec>, String>) {
    // The last visit's settings may have been another model's.
    let last = || settings::stored().map(|spec| RunSpec { model: app.model.to_owned(), ..spec });
    let stored = || last().or_else(|| preset("quick", app.model));
    // What makes no sense is said at once: the fields can only show what does.
    let senseless = |spec: &RunSpec| resolved(spec, app.model).err().map(|error| error.to_string());
    let problem = match &asked {
        Ok(spec) => spec.as_ref().and_then(senseless),
        Err(problem) => Some(problem.clone()),
    };
    app.set_form(asked.ok().flatten().or_else(stored).unwrap_or_default());
    app.show_problem(problem);
}

fn on_event(app: App, event: Event, bytes: Option<js_sys::ArrayBuffer>) {
    if let (Event::File { name, mime }, Some(bytes)) = (&event, bytes) {
        download::save(name, mime, &bytes);
    }
    app.on_event(event);
}
