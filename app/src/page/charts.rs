//! Curves of the run. They are drawn a few times a second at most, from lines that never have more than a few hundred
//! points, so that drawing never holds up the page.

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use leptos_chartistry::{
    AspectRatio, AxisMarker, Chart, Colour, Interpolation, IntoInner as _, Line, RotatedLabel, Series,
    TickLabels, Tooltip, YGridLine,
};

use super::app::App;
use super::later::Later;
use crate::state::curves::{ChartRow, Curves, MethodCurves, Point, table};

/// Time between two drawings, in milliseconds.
const PAUSE: u32 = 500;

/// Time between the first drawings of two charts, in milliseconds.
const APART: u32 = 100;

/// In pixels; the width is what the page has room for.
const HEIGHT: f64 = 220.0;

/// Colours that colour-blind readers can tell apart (Paul Tol's "bright" scheme), lighter where the page is dark.
const LIGHT: [(u8, u8, u8); 6] = [
    (0x44, 0x77, 0xaa),
    (0xd6, 0x45, 0x5a),
    (0x22, 0x88, 0x33),
    (0x9a, 0x8a, 0x1f),
    (0x2f, 0x8f, 0xae),
    (0xaa, 0x33, 0x77),
];
const DARK: [(u8, u8, u8); 6] = [
    (0x7a, 0xae, 0xe0),
    (0xf2, 0x8b, 0x98),
    (0x56, 0xb8, 0x66),
    (0xd9, 0xc9, 0x5c),
    (0x7f, 0xd6, 0xf0),
    (0xd3, 0x73, 0xac),
];

/// One chart: which line of each method it shows.
struct Kind {
    testid: &'static str,
    title: &'static str,
    unit: &'static str,
    /// Upper end of the value axis; where there is none it fits the values.
    top: Option<f64>,
    line: fn(&MethodCurves) -> &[Point],
}

static KINDS: [Kind; 4] = [
    Kind {
        testid: "loss-chart",
        title: "Training loss",
        unit: "nats per target token",
        top: None,
        line: |curves| &curves.loss.points,
    },
    Kind {
        testid: "format-chart",
        title: "Tuned task\u{2019}s format where another one is due",
        unit: "%",
        top: Some(100.0),
        line: |curves| &curves.format,
    },
    Kind {
        testid: "target-chart",
        title: "Tuned task, validation rows",
        unit: "score",
        top: Some(100.0),
        line: |curves| &curves.validation,
    },
    Kind {
        testid: "unseen-chart",
        title: "Unseen tasks, mean",
        unit: "score",
        top: None,
        line: |curves| &curves.unseen,
    },
];

#[component]
pub fn Charts() -> impl IntoView {
    let curves = throttled_curves();
    view! {
        <div class="charts">
            {KINDS.iter().enumerate().map(|(place, kind)| view! { <Later><Figure kind place curves /></Later> }).collect_view()}
        </div>
    }
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
fn Figure(kind: &'static Kind, place: usize, curves: RwSignal<Curves>) -> impl IntoView {
    // The methods that have something to show; the chart is made anew only when one comes or goes.
    let methods = Memo::new(move |_| {
        curves.with(|curves| {
            let numbered = curves.methods.iter().enumerate();
            let shown = numbered.filter(|(_, method)| !(kind.line)(method).is_empty());
            shown.map(|(at, method)| (at, method.method.clone())).collect::<Vec<_>>()
        })
    });
    let legend = move || {
        let item = |(at, name): (usize, String)| {
            view! { <li style=format!("--series: var(--s{})", at % LIGHT.len())>{name}</li> }
        };
        methods.get().into_iter().map(item).collect_view()
    };
    let spoken = move || {
        let last = curves.with(|curves| {
            let last = |method: &MethodCurves| {
                let (step, value) = (kind.line)(method).last()?;
                Some(format!("{}: {value:.2} at step {step:.0}", method.method))
            };
            curves.methods.iter().filter_map(last).collect::<Vec<_>>().join("; ")
        });
        if last.is_empty() {
            format!("{}: nothing yet", kind.title)
        } else {
            format!("{}. {last}", kind.title)
        }
    };
    view! {
        <figure data-testid=kind.testid>
            <figcaption>{kind.title} <small>{kind.unit}</small></figcaption>
            <ul class="legend">{legend}</ul>
            <div class="chart" role="img" aria-label=spoken>
                {move || {
                    let methods = methods.get();
                    if methods.is_empty() {
                        view! { <p class="none">"The curve begins with the run."</p> }.into_any()
                    } else {
                        view! {
                            <Later wait=place as u32 * APART>
                                <Lines kind curves methods=methods.clone() />
                            </Later>
                        }
                        .into_any()
                    }
                }}
            </div>
        </figure>
    }
}

#[component]
fn Lines(kind: &'static Kind, curves: RwSignal<Curves>, methods: Vec<(usize, String)>) -> impl IntoView {
    let places: Vec<usize> = methods.iter().map(|(at, _)| *at).collect();
    let data = Memo::new(move |_| {
        curves.with(|curves| {
            let line = |at: &usize| curves.methods.get(*at).map_or(&[][..], kind.line);
            table(&places.iter().map(line).collect::<Vec<_>>())
        })
    });
    let line = |(column, (at, name)): (usize, (usize, String))| {
        Line::new(move |row: &ChartRow| row.ys.get(column).copied().unwrap_or(f64::NAN))
            .with_name(name)
            .with_width(2.0)
            .with_interpolation(Interpolation::Linear)
            .with_colour(colour(at))
    };
    let series = Series::new(|row: &ChartRow| row.x)
        .lines(methods.into_iter().enumerate().map(line))
        .with_min_x(0.0)
        .with_y_range(0.0, kind.top);
    view! {
        <Chart
            aspect_ratio=AspectRatio::from_env_width(HEIGHT)
            font_height=13.0
            font_width=7.0
            series=series
            data=data
            left=TickLabels::aligned_floats()
            bottom=[TickLabels::aligned_floats().into(), RotatedLabel::middle("step").into()]
            inner=[
                AxisMarker::left_edge().into_inner(),
                AxisMarker::bottom_edge().into_inner(),
                YGridLine::default().into_inner(),
            ]
            tooltip=Tooltip::left_cursor().skip_missing(true)
        />
    }
}

fn colour(at: usize) -> Colour {
    let dark = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    let scheme = if dark.is_some_and(|query| query.matches()) { DARK } else { LIGHT };
    let (red, green, blue) = scheme[at % scheme.len()];
    Colour::from_rgb(red, green, blue)
}
