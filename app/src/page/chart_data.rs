//! A chart's numbers as a table, and the chart as files: the same for every chart of the page.

use leptos::prelude::*;
use promot_core::chart::{Drawing, Numbers, Value};

use super::app::App;
use super::download;
use super::picture::png;

#[component]
pub fn ChartData(
    /// Of the files and of the test ids.
    #[prop(into)]
    name: String,
    #[prop(into)] title: String,
    #[prop(into)] drawing: Signal<Option<Drawing>>,
) -> impl IntoView {
    let opened = RwSignal::new(false);
    let there = Memo::new(move |_| drawing.with(Option::is_some));
    let label = StoredValue::new(format!("Numbers of the chart: {title}"));
    let name = StoredValue::new(name);
    let toggle = move |event: leptos::ev::Event| {
        opened.set(event_target::<web_sys::HtmlDetailsElement>(&event).open());
    };
    view! {
        <details
            class="chart-data"
            hidden=move || !there.get()
            data-testid=name.with_value(|name| format!("{name}-data"))
            on:toggle=toggle
        >
            <summary>"Table and download"</summary>
            <Show when=move || opened.get()>
                <Downloads name drawing />
                <div class="scroll" tabindex="0" role="region" aria-label=label.get_value()>
                    {move || drawing.with(|drawing| drawing.as_ref().map(|drawing| table(&drawing.numbers)))}
                </div>
            </Show>
        </details>
    }
}

#[component]
fn Downloads(name: StoredValue<String>, drawing: Signal<Option<Drawing>>) -> impl IntoView {
    let app = expect_context::<App>();
    let text = move |kind: &'static str, mime: &'static str, written: fn(&Drawing) -> String| {
        move |_| {
            if let Some(drawing) = drawing.get_untracked() {
                let file = name.with_value(|name| format!("{name}.{kind}"));
                download::save_text(&file, mime, &written(&drawing));
            }
        }
    };
    let picture = move |_| {
        let Some(drawing) = drawing.get_untracked() else { return };
        wasm_bindgen_futures::spawn_local(async move {
            match png(&drawing).await {
                Ok(bytes) => {
                    let file = name.with_value(|name| format!("{name}.png"));
                    download::save(&file, "image/png", &bytes);
                }
                Err(error) => {
                    let problem = format!("This browser cannot make a PNG of the chart: {error:?}");
                    app.show_problem(Some(problem));
                }
            }
        });
    };
    let testid = move |kind: &str| name.with_value(|name| format!("{name}-{kind}"));
    view! {
        <div class="buttons">
            <button
                type="button"
                class="small"
                data-testid=testid("svg")
                on:click=text("svg", "image/svg+xml", Drawing::file)
            >
                "SVG"
            </button>
            <button type="button" class="small" data-testid=testid("png") on:click=picture>
                "PNG"
            </button>
            <button
                type="button"
                class="small"
                data-testid=testid("csv")
                on:click=text("csv", "text/csv", |drawing| drawing.numbers.csv())
            >
                "CSV"
            </button>
        </div>
    }
}

fn table(numbers: &Numbers) -> impl IntoView + use<> {
    let is_text =
        |column: usize| numbers.rows.first().is_some_and(|row| matches!(row[column], Value::Text(_)));
    let head = |(column, name): (usize, &String)| {
        view! { <th scope="col" class:text-cell=is_text(column)>{name.clone()}</th> }
    };
    let cell = |value: &Value| match value {
        Value::Text(text) => view! { <td class="text-cell">{text.clone()}</td> }.into_any(),
        number => view! { <td>{number.to_string()}</td> }.into_any(),
    };
    let row = |row: &Vec<Value>| view! { <tr>{row.iter().map(cell).collect_view()}</tr> };
    view! {
        <table>
            <thead>
                <tr>{numbers.columns.iter().enumerate().map(head).collect_view()}</tr>
            </thead>
            <tbody>{numbers.rows.iter().map(row).collect_view()}</tbody>
        </table>
    }
}
