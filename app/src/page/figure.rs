//! A chart that stays as it is, with its caption, its table and its files.

use leptos::prelude::*;
use promot_core::chart::Drawing;

use super::chart_data::ChartData;

#[component]
pub fn StillFigure(
    #[prop(into)] name: String,
    #[prop(into)] title: String,
    drawing: Drawing,
    /// What one needs to know to read it.
    #[prop(into)]
    note: String,
) -> impl IntoView {
    let svg = drawing.svg.clone();
    let (label, testid) = (title.clone(), name.clone());
    // Larger than this its letters would be larger than the page's.
    let most = format!("{:.0}px", 1.15 * drawing.width);
    view! {
        <figure class="still" style:max-width=most data-testid=testid>
            <figcaption>{title.clone()}</figcaption>
            <div class="wide" tabindex="0" role="region" aria-label=label inner_html=svg></div>
            <p class="values">{note}</p>
            <ChartData name title drawing=Signal::stored(Some(drawing)) />
        </figure>
    }
}
