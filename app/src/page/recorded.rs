//! Precomputed results, made with the native program and shipped with the page.

use std::sync::Arc;

use leptos::prelude::*;
use promot_core::report::Report;
use promot_core::report_html::answers_side_by_side;

use super::address;
use super::app::App;
use super::evidence::Evidence;
use super::later::{Later, turn};
use super::results::ResultsTable;
use crate::fetch;
use crate::recordings;
use crate::state::recorded::{Elsewhere, Recorded};

/// Fetches the report that the page opens with: the first one of the open model.
pub async fn load(model: &str) -> Recorded {
    first(model).await.unwrap_or_else(Recorded::Broken)
}

async fn first(model: &str) -> Result<Recorded, String> {
    let (first, others) = recordings::for_model(recordings::read(&file("index.json").await?)?, model);
    let others: Vec<String> = others.into_iter().map(|recording| recording.name).collect();
    match (first, others.first()) {
        (Some(first), _) => Ok(Recorded::Here(Arc::new(report(&first.name).await?), others)),
        (None, Some(other)) => {
            let other = report(other).await?;
            Ok(Recorded::None(Elsewhere::new(others, Some(other))))
        }
        (None, None) => Ok(Recorded::None(Elsewhere::default())),
    }
}

async fn report(name: &str) -> Result<Report, String> {
    let bytes = file(&format!("{name}/report.json")).await?;
    turn().await;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

async fn file(name: &str) -> Result<Vec<u8>, String> {
    fetch::bytes(&format!("{}recorded/{name}", address::base())).await
}

#[component]
pub fn RecordedResults() -> impl IntoView {
    let app = expect_context::<App>();
    view! {
        <section class="recorded" aria-labelledby="recorded-title" data-testid="recorded" data-point="recorded">
            <h2 id="recorded-title">
                "Whole test sets" <span class="tag">"precomputed"</span>
            </h2>
            {move || match app.recorded.get() {
                Recorded::Loading => view! { <p class="muted">"Loading\u{2026}"</p> }.into_any(),
                Recorded::Broken(problem) => {
                    view! {
                        <p class="none">{format!("The precomputed results cannot be read: {problem}")}</p>
                    }
                        .into_any()
                }
                Recorded::None(elsewhere) => {
                    view! {
                        <Missing others=!elsewhere.others.is_empty() />
                        {elsewhere.others.into_iter().map(|name| view! { <Other name /> }).collect_view()}
                    }
                        .into_any()
                }
                Recorded::Here(report, others) => {
                    view! {
                        <Later>
                            <Results report=report.clone() testid="recorded-table" />
                        </Later>
                        {others.into_iter().map(|name| view! { <Other name /> }).collect_view()}
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

#[component]
fn Missing(others: bool) -> impl IntoView {
    let app = expect_context::<App>();
    if others {
        return view! {
            <p class="none" data-testid="no-recorded">
                {format!(
                    "No results of {} come with this page: what it shows of this model is computed on this device. Below are \
                     those of other models.",
                    app.model,
                )}
            </p>
        }
            .into_any();
    }
    view! {
        <div class="none" data-testid="no-recorded">
            <p>
                "This copy of the page has no precomputed results. In the project's sources, this command makes them, in
                some hours on two processor cores; then build the page again:"
            </p>
            <pre tabindex="0">
                <code>"cargo xtask record"</code>
            </pre>
        </div>
    }
        .into_any()
}

/// A further report, fetched when it is opened.
#[component]
fn Other(name: String) -> impl IntoView {
    let found = RwSignal::new(None::<Result<Arc<Report>, String>>);
    let asked = StoredValue::new(false);
    let (title, testid) = (name.clone(), format!("recorded-{name}"));
    let open = move |_| {
        if !asked.get_value() {
            asked.set_value(true);
            let name = name.clone();
            wasm_bindgen_futures::spawn_local(
                async move { found.set(Some(report(&name).await.map(Arc::new))) },
            );
        }
    };
    view! {
        <details on:toggle=open data-testid=testid>
            <summary>{format!("More results: {title}")}</summary>
            {move || match found.get() {
                None => view! { <p class="muted">"Loading\u{2026}"</p> }.into_any(),
                Some(Err(problem)) => {
                    view! { <p class="none">{format!("These results cannot be read: {problem}")}</p> }.into_any()
                }
                Some(Ok(report)) => {
                    view! {
                        <div class="more">
                            <Results report=report.clone() testid="recorded-more" />
                            <Answers report />
                        </div>
                    }
                        .into_any()
                }
            }}
        </details>
    }
}

/// What the models of a further report answered, model beside model; those of the first one stand on the wall.
#[component]
fn Answers(report: Arc<Report>) -> impl IntoView {
    answers_side_by_side(&report).map(|answers| {
        view! {
            <section class="side-by-side" data-testid="recorded-answers">
                <h3>"Answers to the same inputs"</h3>
                <div inner_html=answers></div>
            </section>
        }
    })
}

#[component]
fn Results(report: Arc<Report>, testid: &'static str) -> impl IntoView {
    let (name, device) = (report.spec.name.clone(), report.device.name.clone());
    let model =
        format!("{}, {:.1} million parameters", report.model.name, report.model.parameters as f64 / 1e6);
    let runs = Signal::stored(report.runs.clone());
    let shown = Arc::clone(&report);
    let opened = RwSignal::new(false);
    let spec = move || {
        let text = || report.spec.to_toml().unwrap_or_else(|error| error.to_string());
        opened.get().then(text)
    };
    view! {
        <p class="muted">
            {format!("Made with the native program: run \u{201c}{name}\u{201d}, model {model}, device {device}.")}
        </p>
        <ResultsTable runs testid />
        <Later>
            <Evidence report=shown.clone() />
        </Later>
        <details on:toggle=move |_| opened.set(true)>
            <summary>"Spec of this run"</summary>
            <pre tabindex="0">
                <code>{spec}</code>
            </pre>
        </details>
    }
}
