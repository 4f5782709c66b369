//! Results that were recorded with the native program and are shipped with the page.

use std::sync::Arc;

use gloo::net::http::Request;
use leptos::prelude::*;
use promot_core::report::{ExampleAnswers, Report};

use super::app::{App, base};
use super::later::{Later, turn};
use super::results::ResultsTable;

/// The task that the first screen opens with.
pub const FIRST_TASK: &str = "triviaqa-mini";

#[derive(Clone)]
pub enum Recorded {
    Loading,
    /// Nothing is shipped.
    None,
    /// Something is shipped and cannot be read.
    Broken(String),
    Here(Arc<Report>),
}

impl Recorded {
    /// The `row`-th recorded question of a task, if it was asked with as many shots.
    pub fn example(&self, task: &str, row: usize, shots: usize) -> Option<&ExampleAnswers> {
        let Recorded::Here(report) = self else { return None };
        let asked_with = if task == report.spec.target.task {
            report.spec.fine_tuning.shots
        } else {
            *report.spec.eval.shots.first()?
        };
        if asked_with != shots {
            return None;
        }
        report.examples.iter().filter(|example| example.task == task).nth(row)
    }
}

/// Fetches the first of the reports that `recorded/index.json` names. The index is always there: looking for a
/// file that may be missing would leave an error in the browser's console.
pub async fn load() -> Recorded {
    match fetch().await {
        Ok(Some(report)) => Recorded::Here(Arc::new(report)),
        Ok(None) => Recorded::None,
        Err(error) => Recorded::Broken(error.to_string()),
    }
}

async fn fetch() -> Result<Option<Report>, gloo::net::Error> {
    let folder = format!("{}recorded", base());
    let names: Vec<String> = Request::get(&format!("{folder}/index.json")).send().await?.json().await?;
    let Some(name) = names.first() else { return Ok(None) };
    let text = Request::get(&format!("{folder}/{name}/report.json")).send().await?.text().await?;
    turn().await;
    let text = without_curves(text);
    turn().await;
    Ok(Some(serde_json::from_str(&text)?))
}

/// The curves of all seeds are most of the bytes and are not shown here; the browser's own parser takes them out in a
/// tenth of the time that ours would block the page for.
fn without_curves(text: String) -> String {
    let slim = || -> Result<js_sys::JsString, wasm_bindgen::JsValue> {
        let report = js_sys::JSON::parse(&text)?;
        let runs: js_sys::Array = js_sys::Reflect::get(&report, &"runs".into())?.into();
        for run in runs.iter() {
            js_sys::Reflect::set(&run, &"steps".into(), &js_sys::Array::new())?;
        }
        js_sys::JSON::stringify(&report)
    };
    // What is no report at all is left for the reader to complain about.
    match slim() {
        Ok(slim) => slim.into(),
        Err(_) => text,
    }
}

#[component]
pub fn RecordedResults() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <section class="recorded" aria-labelledby="recorded-title" data-testid="recorded">
            <h2 id="recorded-title">
                "Whole test sets" <span class="tag">"recorded"</span>
            </h2>
            {move || match app.recorded.get() {
                Recorded::Loading => view! { <p class="muted">"Loading\u{2026}"</p> }.into_any(),
                Recorded::Broken(problem) => {
                    view! {
                        <p class="none">{format!("The recorded results cannot be read: {problem}")}</p>
                    }
                        .into_any()
                }
                Recorded::None => view! { <Missing /> }.into_any(),
                Recorded::Here(report) => {
                    view! {
                        <Later>
                            <Results report=report.clone() />
                        </Later>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

#[component]
fn Missing() -> impl IntoView {
    view! {
        <div class="none" data-testid="no-recorded">
            <p>
                "No recorded results come with this copy of the page. With the project's sources at hand, this makes
                them in a few minutes:"
            </p>
            <pre tabindex="0">
                <code>"cargo run --release -- run --preset tour --out public/recorded/rte-mini"</code>
            </pre>
            <p>
                "Then write " <code>"[\"rte-mini\"]"</code> " into " <code>"public/recorded/index.json"</code>
                " and build the page again."
            </p>
        </div>
    }
}

#[component]
fn Results(report: Arc<Report>) -> impl IntoView {
    let (name, device) = (report.spec.name.clone(), report.device.name.clone());
    let model =
        format!("{}, {:.1} million parameters", report.model.name, report.model.parameters as f64 / 1e6);
    let runs = Signal::stored(report.runs.clone());
    let opened = RwSignal::new(false);
    let spec = move || {
        let text = || report.spec.to_toml().unwrap_or_else(|error| error.to_string());
        opened.get().then(text)
    };
    view! {
        <p class="muted">
            {format!("Made with the native program: run \u{201c}{name}\u{201d}, model {model}, device {device}.")}
        </p>
        <ResultsTable runs testid="recorded-table" />
        <details on:toggle=move |_| opened.set(true)>
            <summary>"The spec that made them"</summary>
            <pre tabindex="0">
                <code>{spec}</code>
            </pre>
        </details>
    }
}
