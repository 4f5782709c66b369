//! Report and weights, out of the tab and onto the disk.

use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};

use super::app::App;
use super::snapshot;
use crate::protocol::{Column, Command};

#[component]
pub fn Export() -> impl IntoView {
    let app = expect_context::<App>();
    let results = Memo::new(move |_| app.state.with(|state| state.training.has_results()));
    let columns = Memo::new(move |_| app.state.with(|state| state.askable()));
    let column = RwSignal::new(Column::Promot);
    let choose = move |event: leptos::ev::Event| {
        let name = event_target_value(&event);
        if let Some(chosen) = Column::ALL.into_iter().find(|column| column.name() == name) {
            column.set(chosen);
        }
    };
    // A model that was chosen before it was there falls back to one that is.
    let chosen = move || {
        let there = columns.get();
        if there.contains(&column.get()) { Some(column.get()) } else { there.last().copied() }
    };
    let weights = move |_| {
        if let Some(column) = chosen() {
            app.send(&Command::ExportWeights { column });
        }
    };
    let option = move |column: Column| {
        view! {
            <option value=column.name() selected=move || chosen() == Some(column)>
                {column.title()}
            </option>
        }
    };
    view! {
        <section class="panel export" aria-labelledby="export-title">
            <h2 id="export-title">"Take it with you"</h2>
            <p class="muted">
                "The report as a page to look at, or as JSON, as the native program writes it; weights as safetensors in
                the Hugging Face layout. All can be saved while a run is paused, too."
            </p>
            <div class="buttons">
                <button
                    type="button"
                    data-testid="export-report"
                    disabled=move || !results.get()
                    on:click=move |_| app.send(&Command::ExportReport)
                >
                    "Save the report"
                </button>
                <button
                    type="button"
                    data-testid="export-page"
                    disabled=move || !results.get()
                    on:click=move |_| wasm_bindgen_futures::spawn_local(snapshot::save(app))
                >
                    "Save it as a page"
                </button>
                <label class="inline">
                    <span>"Weights of"</span>
                    <select data-testid="export-column" on:change=choose>
                        {move || columns.get().into_iter().map(option).collect_view()}
                    </select>
                </label>
                <button
                    type="button"
                    data-testid="export-weights"
                    disabled=move || columns.with(Vec::is_empty)
                    on:click=weights
                >
                    "Save the weights"
                </button>
            </div>
        </section>
    }
}

/// Hands bytes to the browser's download.
pub fn save(name: &str, mime: &str, bytes: &js_sys::ArrayBuffer) {
    if let Err(error) = download(name, mime, bytes) {
        leptos::logging::error!("{name} cannot be saved: {error:?}");
    }
}

fn download(name: &str, mime: &str, bytes: &js_sys::ArrayBuffer) -> Result<(), JsValue> {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(mime);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&js_sys::Array::of1(bytes), &options)?;
    let address = web_sys::Url::create_object_url_with_blob(&blob)?;
    let anchor: web_sys::HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    anchor.set_href(&address);
    anchor.set_download(name);
    anchor.click();
    // The browser has taken hold of the blob by now; it needs a moment to begin reading it.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&address);
    })
    .forget();
    Ok(())
}
