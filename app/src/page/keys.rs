//! Keys of the whole page: the story's, and large type. Whoever is typing types.

use gloo::events::EventListener;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};

use super::app::App;
use super::large;

/// Elements that take keys for themselves, and those that take Enter alone.
const FIELDS: &str = "input, textarea, select, [contenteditable]";
const BUTTONS: &str = "a, button, summary";

pub fn listen(app: App) {
    let pressed = move |event: &web_sys::Event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
            press(app, event);
        }
    };
    EventListener::new(&window(), "keydown", pressed).forget();
}

fn press(app: App, event: &KeyboardEvent) {
    let within = |selector: &str| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|element| element.closest(selector).ok().flatten().is_some())
    };
    if event.ctrl_key() || event.meta_key() || event.alt_key() || within(FIELDS) {
        return;
    }
    let story = app.story.get_untracked().is_some();
    match event.key().as_str() {
        "p" | "P" => large::toggle(app),
        "ArrowRight" if story => app.tell(1),
        "ArrowLeft" if story => app.tell(-1),
        "Enter" if story && !within(BUTTONS) => app.tell(1),
        "Escape" if story => app.end_story(),
        _ => {}
    }
}
