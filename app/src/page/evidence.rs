//! What a report says of the paper's claims, and its frontier: drawn by the library, as in the saved report.

use std::sync::Arc;

use leptos::prelude::*;
use promot_core::report::Report;
use promot_core::report_html::{frontier_chart, signs_table};

use super::figure::StillFigure;

const READING: &str = "Each line is one method, checkpoint by checkpoint; a ring marks the checkpoint that the target\u{2019}s \
     validation rows chose. At the same target score, higher is better.";

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
    view! {
        {frontier}
        {signs}
    }
}
