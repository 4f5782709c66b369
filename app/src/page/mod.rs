//! The page: Leptos components that draw `state` and turn clicks into commands. Tensors and models are in the worker, at
//! the other end of `link`.

mod address;
mod alert;
mod answer;
mod app;
mod ask;
mod attention;
mod batch;
mod batch_rows;
mod boot;
mod chart_data;
mod charts;
mod choose;
mod closer;
mod compare;
mod controls;
mod device;
mod download;
mod evidence;
mod explore;
mod export;
mod figure;
mod form;
mod glossary;
mod header;
mod hide;
mod kept;
mod keys;
mod large;
mod later;
mod model;
mod numbers;
mod picture;
mod point;
mod probabilities;
mod recorded;
mod results;
mod saved;
mod seen;
mod settings;
mod share;
mod story;
mod train;
mod wall;
mod watched;
mod world;

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use crate::state::place::Screen;
use app::App;

/// Replaces the static shell that index.html shows first.
pub fn run() {
    console_error_panic_hook::set_once();
    // In a turn of its own, for the same reason as `later`: compiling the module was the first one.
    Timeout::new(0, start).forget();
}

fn start() {
    let app = boot::start();
    let mount = move || {
        if let Some(shell) = document().get_element_by_id("shell") {
            shell.remove();
        }
        mount_to_body(move || view! { <Page app /> });
    };
    Timeout::new(0, mount).forget();
}

#[component]
fn Page(app: App) -> impl IntoView {
    provide_context(app);
    view! {
        <a class="skip" href="#main" on:click=skip>
            "Skip to the content"
        </a>
        <header::Header />
        <main id="main" tabindex="-1">
            <alert::Alert />
            {move || match app.view.get() {
                Screen::Compare => compare::Compare().into_any(),
                Screen::Train => train::Train().into_any(),
                Screen::Explore => explore::Explore().into_any(),
            }}
        </main>
        <story::Story />
        <footer>
            <p>
                "promot runs wholly in this tab: model, data and training never leave your device. The method is "
                <cite>"Two-stage LLM Fine-tuning with Less Specialization and More Generalization"</cite>
                " (Wang et al.); the model and its synthetic corpus are made by this project."
            </p>
            <p>
                <a href="lesson.html">"A lesson of 45 minutes, to print"</a>
            </p>
            // Shown once public/offline.js says so.
            <p class="kept-offline" data-testid="kept-offline">
                "This page is kept in your browser: it also works without a network."
            </p>
        </footer>
    }
}

/// The address's hash names the screen, so that the link moves the focus by itself.
fn skip(event: leptos::ev::MouseEvent) {
    event.prevent_default();
    if let Some(main) = document().get_element_by_id("main") {
        use wasm_bindgen::JsCast as _;
        let _ = main.dyn_into::<web_sys::HtmlElement>().map(|main| main.focus());
    }
}
