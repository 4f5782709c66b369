//! What a report says of the paper's claims, and its frontier: drawn by the library, as in the saved report.

use std::sync::Arc;

use leptos::prelude::*;
use promot_core::report::Report;
use promot_core::report_html::{charts_along_training, frontier_chart, frontiers_by_kind, signs_table};

use super::figure::StillFigure;

const READING: &str = "Each line is one method at one learning rate, checkpoint by checkpoint; a ring marks the checkpoint that the target\u{2019}s \
     validation rows chose. At the same target score, higher is better.";

const ALONG: &str = "Means over seeds, at the settings that validation chose; the score of the target is that of its validation \
     rows.";

/// Nothing where a report has neither.
#[component]
pub fn Evidence(report: Arc<Report>) -> impl IntoView {
    let frontier = frontier_chart(&report).map(|(title, drawing)| {
        view! { <StillFigure name="frontier-chart" title drawing note=READING /> }
    });
    let signs = signs_table(&report).map(|table| {
        view! {
            <section class="claims" data-testid="signs-table">
                <h3>"What the paper claims, and what this run shows"</h3>
                <div inner_html=table></div>
            </section>
        }
    });
    let further = (!report.frontier.is_empty()).then(|| view! { <ByKind report=report.clone() /> });
    view! {
        {frontier}
        {further}
        {signs}
    }
}

/// Drawn when they are opened: they are many.
#[component]
fn ByKind(report: Arc<Report>) -> impl IntoView {
    let opened = RwSignal::new(false);
    let toggle = move |event: leptos::ev::Event| {
        opened.set(event_target::<web_sys::HtmlDetailsElement>(&event).open());
    };
    let charts = move || {
        let along = charts_along_training(&report).into_iter().map(|chart| (chart, ALONG));
        let kinds = frontiers_by_kind(&report).into_iter().map(|chart| (chart, READING));
        let figure = |(index, ((title, drawing), note))| {
            let name = format!("kinds-chart-{index}");
            view! { <StillFigure name title drawing note /> }
        };
        opened.get().then(|| along.chain(kinds).enumerate().map(figure).collect_view())
    };
    view! {
        <details data-testid="kinds-charts" on:toggle=toggle>
            <summary>"By kind of task: along training, and as frontiers"</summary>
            {charts}
        </details>
    }
}
