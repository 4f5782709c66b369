//! Curves of the run, drawn by the library's chart writer: twice a second at most, from lines that never have more
//! than a few hundred points, so that drawing never holds up the page.

use gloo::timers::callback::Interval;
use leptos::html::Div;
use leptos::prelude::*;
use promot_core::chart::{self, Axis, Drawing, Frame, Line, Palette, Style};

use super::app::App;
use super::chart_data::ChartData;
use super::later::Later;
use crate::state::curves::{Curves, MethodCurves, Point, value_at};
use crate::state::recorded::Recorded;

/// Time between two drawings, in milliseconds.
const PAUSE: u32 = 500;

/// In units that are about a pixel each where two charts stand side by side; a chart is as wide as its place.
const SIZE: (f64, f64) = (360.0, 230.0);

/// What stands in the place of a chart without lines.
const NOTHING: &str = "<p class=\"none\">The curve begins with the run.</p>";

/// One chart: which line of each method it shows.
struct Kind {
    testid: &'static str,
    title: &'static str,
    unit: &'static str,
    /// The ends of the value axis; without them it fits the values.
    range: Option<(f64, f64)>,
    line: fn(&MethodCurves) -> &[Point],
}

static KINDS: [Kind; 4] = [
    Kind {
        testid: "loss-chart",
        title: "Training loss",
        unit: "nats per target token",
        range: None,
        line: |curves| &curves.loss.points,
    },
    Kind {
        testid: "format-chart",
        title: "Format leakage",
        unit: "% of held-out answers",
        range: Some((0.0, 100.0)),
        line: |curves| &curves.format,
    },
    Kind {
        testid: "target-chart",
        title: "Target task, validation",
        unit: "score",
        range: Some((0.0, 100.0)),
        line: |curves| &curves.validation,
    },
    Kind {
        testid: "unseen-chart",
        title: "Held-out tasks, mean",
        unit: "score",
        range: Some((0.0, 100.0)),
        line: |curves| &curves.unseen,
    },
];

#[component]
pub fn Charts() -> impl IntoView {
    let app = expect_context::<App>();
    let live = throttled_curves();
    let recorded = Memo::new(move |_| app.recorded.with(Recorded::curves));
    let begun = Memo::new(move |_| live.with(|live| !live.methods.is_empty()));
    // Until a run begins, what was recorded waits in the charts.
    let curves = Memo::new(move |_| if begun.get() { live.get() } else { recorded.get() });
    view! {
        <div class="charts" data-point="charts">
            {KINDS.iter().map(|kind| view! { <Later><Figure kind name=kind.testid curves begun /></Later> }).collect_view()}
        </div>
    }
}

/// The curves of several runs.
#[component]
pub fn ComparedCharts(curves: Memo<Curves>) -> impl IntoView {
    let begun = Memo::new(|_| true);
    let figure = |kind: &'static Kind| {
        let name = format!("kept-{}", kind.testid);
        view! { <Figure kind name curves begun /> }
    };
    view! { <div class="charts">{KINDS.iter().map(figure).collect_view()}</div> }
}

/// The curves as they were a moment ago.
fn throttled_curves() -> RwSignal<Curves> {
    let app = expect_context::<App>();
    let shown = RwSignal::new(app.state.with_untracked(|state| state.training.curves.clone()));
    let draw = move || {
        let version = app.state.with_untracked(|state| state.training.curves.version);
        if shown.with_untracked(|shown| shown.version) != version {
            shown.set(app.state.with_untracked(|state| state.training.curves.clone()));
        }
    };
    let timer = StoredValue::new_local(Some(Interval::new(PAUSE, draw)));
    on_cleanup(move || timer.set_value(None));
    shown
}

#[component]
fn Figure(
    kind: &'static Kind,
    #[prop(into)] name: String,
    curves: Memo<Curves>,
    begun: Memo<bool>,
) -> impl IntoView {
    let drawing = Memo::new(move |_| curves.with(|curves| draw(kind, curves)));
    let svg = move || {
        drawing.with(|drawing| {
            drawing.as_ref().map_or_else(|| NOTHING.to_owned(), |drawing| drawing.svg.clone())
        })
    };
    let waits = Memo::new(move |_| !begun.get() && drawing.with(Option::is_some));
    let testid = name.clone();
    // Where the pointer is, as a fraction of the chart's width.
    let pointer = RwSignal::new(None::<f64>);
    let place = NodeRef::<Div>::new();
    let moved = move |event: leptos::ev::MouseEvent| {
        let area = place.get_untracked().map(|place| place.get_bounding_client_rect());
        pointer.set(area.map(|area| (f64::from(event.client_x()) - area.left()) / area.width()));
    };
    let values = move || {
        let x = drawing.with(|drawing| drawing.as_ref()?.x_at(pointer.get()?))?;
        Some(curves.with(|curves| values_at(kind, curves, x)))
    };
    view! {
        <figure data-testid=testid class:faint=move || waits.get()>
            <figcaption>
                {kind.title} <small>{kind.unit}</small>
                <Show when=move || waits.get()>
                    <span class="tag">"recorded"</span>
                </Show>
            </figcaption>
            <div
                class="chart"
                node_ref=place
                on:mousemove=moved
                on:mouseleave=move |_| pointer.set(None)
                inner_html=svg
            ></div>
            <p class="values">{values}</p>
            <ChartData name title=kind.title drawing />
        </figure>
    }
}

/// Nothing before the first point.
fn draw(kind: &Kind, curves: &Curves) -> Option<Drawing> {
    // A method keeps its colour whether or not the others have something to show.
    let palette = Palette::new(curves.methods.iter().map(|method| method.method.as_str()));
    let line = |method: &MethodCurves| {
        let points = (kind.line)(method).iter().map(|(x, y)| (*x, (*y).into())).collect();
        Line { style: Style::new(&method.method, palette.of(&method.method)), points }
    };
    let lines: Vec<Line> = curves.methods.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    let value_axis = Axis::linear("", kind.range);
    let frame = Frame { title: kind.title, x: Axis::STEPS, y: value_axis, width: SIZE.0, height: SIZE.1 };
    (!lines.is_empty()).then(|| chart::lines(&frame, &lines))
}

/// "step 120: fine-tuning 0.41, promot 0.52"
fn values_at(kind: &Kind, curves: &Curves, x: f64) -> String {
    let value = |method: &MethodCurves| {
        let value = value_at((kind.line)(method), x)?;
        Some(format!("{} {value:.2}", method.method))
    };
    let values: Vec<String> = curves.methods.iter().filter_map(value).collect();
    format!("step {x:.0}: {}", values.join(", "))
}
