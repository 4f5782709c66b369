//! The start of the page: reads the address and the stored settings, starts the worker, fetches the recorded results.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::app::{App, View};
use super::later::turn;
use super::{address, download, recorded, settings};
use crate::catalog;
use crate::link::Link;
use crate::protocol::{Event, resolved};
use crate::state;
use crate::state::tasks::FIRST_TASK;

/// How long the worker lets the first screen go first, in milliseconds.
const WORKER_WAITS: u32 = 60;

pub fn start() -> App {
    let device = state::address::device(address::parameter("device").as_deref());
    let app = App::new(device.clone().unwrap_or_default(), View::current());
    app.show_problem(device.err());
    let turned = move |_: &web_sys::Event| {
        app.view.set(View::current());
        app.ask_due();
    };
    EventListener::new(&window(), "hashchange", turned).forget();
    Timeout::new(0, move || read_spec(app)).forget();
    // The worker is several times the page's size: it is read in once the first screen stands.
    Timeout::new(WORKER_WAITS, move || {
        app.connect(Link::start(move |event, bytes| on_event(app, event, bytes)));
    })
    .forget();
    // Not Leptos' own, which is there only once the page is mounted.
    wasm_bindgen_futures::spawn_local(async move {
        let recorded = recorded::load().await;
        turn().await;
        app.recorded.set(recorded);
        turn().await;
        app.example(FIRST_TASK, 0);
    });
    app
}

/// The settings that the Train screen begins with: the address's, the last visit's, or the quick ones.
fn read_spec(app: App) {
    let stored = || settings::stored().or_else(|| catalog::presets().by_name("quick").ok());
    let asked = address::parameter("spec").map(|text| state::address::spec(&text)).transpose();
    // What makes no sense is said at once: the fields can only show what does.
    let senseless = |spec: &RunSpec| resolved(spec).err().map(|error| error.to_string());
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
