//! The report as one HTML file that opens from disk: what the Train screen shows of a run, with its answers, its spec
//! and the page's own styles. Taken from the screen, since the library that draws the native program's charts cannot
//! measure text without a window, and would be loaded by every visitor for this one file.

use leptos::prelude::*;
use promot_core::report::{ExampleAnswers, Report, methods};
use promot_core::spec::RunSpec;
use wasm_bindgen::JsCast as _;

use super::app::App;
use super::export;
use super::results::ResultsTable;
use crate::fetch;
use crate::state::{Device, Training};

/// Hands the file to the browser's download, or says why it cannot.
pub async fn save(app: App) {
    match page(app).await {
        Ok(page) => {
            export::save("report.html", "text/html", &js_sys::Uint8Array::from(page.as_bytes()).buffer())
        }
        Err(message) => app.tell(Some(format!("The report cannot be put together: {message}"))),
    }
}

async fn page(app: App) -> Result<String, String> {
    let sheet = element("link[rel=stylesheet]")?.get_attribute("href").unwrap_or_default();
    let style = String::from_utf8(fetch::bytes(&sheet).await?).map_err(|error| error.to_string())?;
    let charts = element(".charts")?.outer_html();
    let (training, device) = app.state.with_untracked(|state| (state.training.clone(), state.device.clone()));
    let title = {
        let title = created("title")?;
        title.set_text_content(training.spec.as_ref().map(heading).as_deref());
        title.outer_html()
    };
    let body = created("div")?;
    let parent = body.clone().unchecked_into::<web_sys::HtmlElement>();
    let drawn = leptos::mount::mount_to(parent, move || content(training, device, charts));
    let body = body.inner_html();
    drop(drawn);
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{title}\n<style>{style}</style>\n</head>\n\
         <body>\n{body}\n</body>\n</html>\n"
    ))
}

fn element(selector: &str) -> Result<web_sys::Element, String> {
    document().query_selector(selector).ok().flatten().ok_or(format!("the page has no {selector}"))
}

fn created(tag: &str) -> Result<web_sys::Element, String> {
    document().create_element(tag).map_err(|error| format!("{error:?}"))
}

fn heading(spec: &RunSpec) -> String {
    format!("promot: {} on {}", spec.name, spec.target.task)
}

fn content(training: Training, device: Option<Device>, charts: String) -> impl IntoView {
    let Training { spec, runs, report, .. } = training;
    let spec = spec.unwrap_or_default();
    let unfinished = report.is_none().then(|| {
        view! { <p class="muted">"Saved before the run was done: methods that are missing were not scored yet."</p> }
    });
    let device = device.map(|Device { info, .. }| {
        view! { <p class="long">"Device: " {info.name} " (" {info.reason} ")"</p> }
    });
    let results = (!runs.is_empty()).then(|| {
        view! {
            <section class="results">
                <h2>"Results"</h2>
                <ResultsTable runs=Signal::stored(runs) testid="results-table" />
            </section>
        }
    });
    view! {
        <main>
            <section class="intro">
                <h1>{heading(&spec)}</h1>
                {unfinished}
                {report.as_ref().map(model)}
                {device}
            </section>
            {results}
            <section>
                <h2>"Curves"</h2>
                <div inner_html=charts></div>
            </section>
            {report.map(|report| answers(&report))}
            <details>
                <summary>"All settings"</summary>
                <p>"The same run in the native program: save this as spec.toml, then promot run --spec spec.toml."</p>
                <pre>{spec.to_toml().unwrap_or_else(|error| error.to_string())}</pre>
            </details>
        </main>
    }
}

fn model(report: &Report) -> impl IntoView + use<> {
    let model = &report.model;
    view! {
        <p class="long">
            {format!("Model: {}, {} parameters, weights with SHA-256 {}", model.name, model.parameters, model.sha256)}
        </p>
    }
}

/// The same questions, asked of each model.
fn answers(report: &Report) -> Option<impl IntoView + use<>> {
    let methods = methods(&report.runs);
    let row = |example: &ExampleAnswers| {
        let answer = |method: &&str| {
            view! { <td>{example.outputs.get(*method).cloned().unwrap_or_default()}</td> }
        };
        view! {
            <tr>
                <th scope="row">{example.task.clone()}</th>
                <td>{example.input.clone()}</td>
                <td>{example.reference.clone()}</td>
                {methods.iter().map(answer).collect_view()}
            </tr>
        }
    };
    (!report.examples.is_empty()).then(|| {
        view! {
            <section>
                <h2>"Answers"</h2>
                <div class="scroll">
                    <table class="answers-table">
                        <thead>
                            <tr>
                                <th scope="col">"Task"</th>
                                <th scope="col">"Question"</th>
                                <th scope="col">"Expected"</th>
                                {methods.iter().map(|method| view! { <th scope="col">{(*method).to_owned()}</th> }).collect_view()}
                            </tr>
                        </thead>
                        <tbody>{report.examples.iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}
