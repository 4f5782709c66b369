//! Charts as SVG text: numbers in, a self-contained `<svg>` out. Ours, since the two chart libraries that this replaced
//! disagreed on the same numbers and one needs a browser to measure text; no crate draws in the program, a worker and a
//! page alike.
//!
//! Colours are the CSS variables `--s0` to `--s7` (see `palette`), `--muted` and `--line` of the page around it, with
//! fallbacks that can be read on light and dark. Every series has a marker of its own, so that nothing depends on colour
//! alone.

mod axis;
mod cloud;
mod drawing;
mod heat;
mod numbers;
mod palette;
mod svg;
#[cfg(test)]
mod tests;

use crate::report::distinct;
use crate::results_table::Estimate;
pub use axis::Scale;
use axis::{Ruler, Tick};
pub use cloud::{Cloud, clouds};
pub use drawing::Drawing;
pub use heat::{Grid, heat};
use numbers::Mark;
pub use numbers::{Numbers, Value};
pub use palette::{Palette, SHARED_STYLE};
pub use svg::Style;
use svg::{Anchor, Canvas, LINE_HEIGHT, text_width};

/// Most points of a line: more cannot be told apart at a chart's width.
const MOST_POINTS: usize = 200;

/// Lines with more points than this get markers at a few of them only.
const MOST_MARKERS: usize = 12;

/// What a chart's height has room for, in pixels: a legend of two rows.
const LEGEND_HEIGHT: f64 = 40.0;

/// The length of an arrow's head, in pixels.
const ARROW: f64 = 8.0;

/// What every chart has: a title for screen readers, two axes and a size in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub title: &'a str,
    pub x: Axis<'a>,
    pub y: Axis<'a>,
    pub width: f64,
    pub height: f64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Axis<'a> {
    pub label: &'a str,
    pub scale: Scale,
    /// Where the axis ends; without it the values decide, and it includes 0.
    pub range: Option<(f64, f64)>,
    /// Its values are whole numbers.
    pub whole: bool,
}

impl<'a> Axis<'a> {
    /// Training steps.
    pub const STEPS: Axis<'static> = Axis { label: "step", scale: Scale::Linear, range: None, whole: true };

    pub const fn linear(label: &'a str, range: Option<(f64, f64)>) -> Self {
        Self { label, scale: Scale::Linear, range, whole: false }
    }
}

/// A line; intervals of its points become a band around it.
#[derive(Clone, Debug)]
pub struct Line {
    pub style: Style,
    pub points: Vec<(f64, Estimate)>,
}

/// One bar for each group; `None` leaves a gap, intervals become whiskers.
#[derive(Clone, Debug)]
pub struct Bars {
    pub style: Style,
    pub values: Vec<Option<Estimate>>,
}

/// Points that are connected in their order, with an arrow from each to the next.
#[derive(Clone, Debug)]
pub struct Path {
    /// As the legend has it, once for all paths of this name.
    pub style: Style,
    /// What tells the path from others of its style, such as a learning rate; it stands where the path's points are named.
    pub detail: String,
    pub points: Vec<(f64, f64)>,
    /// A place with a ring around it.
    pub ring: Option<(f64, f64)>,
}

impl Path {
    fn name(&self) -> String {
        if self.detail.is_empty() {
            self.style.name.clone()
        } else {
            format!("{}, {}", self.style.name, self.detail)
        }
    }
}

/// Lines, usually over training steps.
pub fn lines(frame: &Frame, lines: &[Line]) -> Drawing {
    let lines: Vec<Line> =
        lines.iter().map(|line| Line { style: line.style.clone(), points: thinned(&line.points) }).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut plot = Plot::new(frame, &lines.iter().map(|line| &line.style).collect::<Vec<_>>(), 1);
    plot.rule_y(points().map(|(_, y)| y.mean));
    plot.rule_x(points().map(|(x, _)| *x));
    for line in &lines {
        plot.band(line);
    }
    for line in &lines {
        plot.line(line);
    }
    let last = |line: &Line| line.points.last().map(|(x, y)| (line.style.name.clone(), *x, *y));
    let ends = lines
        .iter()
        .filter_map(last)
        .map(|(name, x, y)| format!("{name}: {} at {} {}", short(y.mean), frame.x.label, short(x)));
    let ends = ends.collect::<Vec<_>>().join("; ");
    let mark = |series, (x, y): &(f64, Estimate)| Mark {
        series,
        x: Value::Number(*x),
        y: y.mean,
        margin: y.interval,
    };
    let marks: Vec<Mark> = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| mark(line.style.name.as_str(), point)))
        .collect();
    plot.finish(&ends, &marks)
}

/// Bars side by side, a group for each name.
pub fn bars(frame: &Frame, names: &[String], series: &[Bars]) -> Drawing {
    let names_width = (frame.width - 60.0) / names.len().max(1) as f64 - 6.0;
    let names: Vec<Vec<String>> = names.iter().map(|name| svg::wrapped(name, names_width)).collect();
    let rows = names.iter().map(Vec::len).max().unwrap_or(1);
    let mut plot = Plot::new(frame, &series.iter().map(|bars| &bars.style).collect::<Vec<_>>(), rows);
    let values = || series.iter().flat_map(|bars| bars.values.iter().flatten());
    plot.rule_y(values().map(|value| value.mean));
    plot.x = Ruler::new(Scale::Linear, (0.0, names.len().max(1) as f64), (plot.left, plot.right));
    let width = 0.8 / series.len().max(1) as f64;
    for (index, bars) in series.iter().enumerate() {
        for (group, value) in bars.values.iter().enumerate() {
            let left = group as f64 + 0.1 + index as f64 * width;
            if let Some(value) = value {
                plot.bar(&bars.style, left, width * 0.92, value);
            }
        }
    }
    for (group, name) in names.iter().enumerate() {
        for (row, part) in name.iter().enumerate() {
            let (x, y) = (plot.x.at(group as f64 + 0.5), plot.bottom + 16.0 + row as f64 * LINE_HEIGHT);
            plot.canvas.text(x, y, Anchor::Middle, part);
        }
    }
    let means = series.iter().map(|bars| {
        let values = bars.values.iter().zip(&names);
        let values =
            values.filter_map(|(value, name)| Some(format!("{} {}", name.concat(), full(value.as_ref()?))));
        format!("{}: {}", bars.style.name, values.collect::<Vec<_>>().join(", "))
    });
    let means = means.collect::<Vec<_>>().join("; ");
    let marks = series.iter().flat_map(|bars| {
        let of = |(value, name): (&Option<Estimate>, &Vec<String>)| {
            let Estimate { mean, interval } = (*value)?;
            Some(Mark { series: &bars.style.name, x: Value::Text(name.concat()), y: mean, margin: interval })
        };
        bars.values.iter().zip(&names).filter_map(of)
    });
    let marks: Vec<Mark> = marks.collect();
    plot.finish(&means, &marks)
}

/// Points of several series, each with the way that it took.
pub fn scatter(frame: &Frame, paths: &[Path]) -> Drawing {
    let mut plot = Plot::new(frame, &paths.iter().map(|path| &path.style).collect::<Vec<_>>(), 1);
    let points = || paths.iter().flat_map(|path| path.points.iter().chain(&path.ring));
    plot.rule_y(points().map(|(_, y)| *y));
    plot.rule_x(points().map(|(x, _)| *x));
    for path in paths {
        plot.path(path);
    }
    let last = |path: &Path| path.points.last().map(|(x, y)| (path.name(), *x, *y));
    let ends = paths.iter().filter_map(last).map(|(name, x, y)| {
        format!("{name}: {} {}, {} {}", frame.x.label, short(x), frame.y.label, short(y))
    });
    let ends = ends.collect::<Vec<_>>().join("; ");
    let names: Vec<(String, String)> =
        paths.iter().map(|path| (path.name(), format!("{}, chosen", path.name()))).collect();
    let marks = paths.iter().zip(&names).flat_map(|(path, (name, chosen))| {
        let mark = |series, (x, y): &(f64, f64)| Mark { series, x: Value::Number(*x), y: *y, margin: None };
        let points = path.points.iter().map(move |point| mark(name.as_str(), point));
        points.chain(path.ring.as_ref().map(|ring| mark(chosen.as_str(), ring)))
    });
    let marks: Vec<Mark> = marks.collect();
    plot.finish(&ends, &marks)
}

/// A chart under construction: the canvas and where its plotting area lies.
struct Plot<'a> {
    frame: Frame<'a>,
    canvas: Canvas,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Ruler,
    y: Ruler,
}

impl<'a> Plot<'a> {
    /// Draws the legend; rows of it that would take room from the plotting area make the chart higher. `rows`: lines of
    /// text below the horizontal axis, without its label.
    fn new(frame: &Frame<'a>, styles: &[&Style], rows: usize) -> Self {
        let mut canvas = Canvas::default();
        let top = canvas.legend(&distinct(styles.iter().copied()), frame.width) + 8.0;
        let more = (top - LEGEND_HEIGHT).max(0.0);
        let frame = Frame { height: frame.height + more, ..*frame };
        let label = if frame.x.label.is_empty() { 0.0 } else { LINE_HEIGHT };
        let bottom = frame.height - 8.0 - rows as f64 * LINE_HEIGHT - label;
        let none = Ruler::new(Scale::Linear, (0.0, 1.0), (0.0, 1.0));
        Self { frame, canvas, left: 0.0, right: frame.width - 14.0, top, bottom, x: none.clone(), y: none }
    }

    /// Draws the vertical axis, whose labels decide where the horizontal one begins.
    fn rule_y(&mut self, values: impl Iterator<Item = f64>) {
        let range = self.frame.y.range.unwrap_or_else(|| axis::around(values));
        self.y = Ruler::new(self.frame.y.scale, range, (self.bottom, self.top)).whole(self.frame.y.whole);
        let most = ((self.bottom - self.top) / 28.0).max(2.0) as usize;
        let ticks = self.y.ticks(most);
        let widest = ticks.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max);
        self.left = widest + 10.0 + if self.frame.y.label.is_empty() { 0.0 } else { LINE_HEIGHT };
        for tick in ticks {
            let y = self.y.at(tick.value);
            self.canvas.rule((self.left, y), (self.right, y), "var(--line, #8885)");
            self.canvas.text(self.left - 6.0, y + 4.0, Anchor::End, &tick.label);
        }
        self.canvas.rule((self.left, self.bottom), (self.right, self.bottom), "var(--muted, currentColor)");
        self.canvas.upward(12.0, (self.top + self.bottom) / 2.0, self.frame.y.label);
    }

    fn rule_x(&mut self, values: impl Iterator<Item = f64>) {
        let range = self.frame.x.range.unwrap_or_else(|| axis::around(values));
        self.x = Ruler::new(self.frame.x.scale, range, (self.left, self.right)).whole(self.frame.x.whole);
        for tick in self.x_ticks() {
            let x = self.x.at(tick.value);
            self.canvas.rule((x, self.bottom), (x, self.bottom + 4.0), "var(--muted, currentColor)");
            self.canvas.text(x, self.bottom + 17.0, Anchor::Middle, &tick.label);
        }
        let middle = (self.left + self.right) / 2.0;
        self.canvas.text(middle, self.frame.height - 4.0, Anchor::Middle, self.frame.x.label);
    }

    /// As many ticks as have room for their labels.
    fn x_ticks(&self) -> Vec<Tick> {
        let mut most = 10;
        loop {
            let ticks = self.x.ticks(most);
            let widest = ticks.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max) + 16.0;
            if most <= 2 || ticks.len() as f64 * widest <= self.right - self.left {
                return ticks;
            }
            most -= 1;
        }
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    fn band(&mut self, line: &Line) {
        let with = || line.points.iter().filter_map(|(x, y)| Some((*x, y.mean, y.interval?)));
        let upper = with().map(|(x, mean, half)| self.place(x, mean + half));
        let lower = with().map(|(x, mean, half)| self.place(x, mean - half));
        let outline: Vec<(f64, f64)> = upper.chain(lower.collect::<Vec<_>>().into_iter().rev()).collect();
        if !outline.is_empty() {
            self.canvas.area(&outline, line.style.index);
        }
    }

    fn line(&mut self, line: &Line) {
        let style = &line.style;
        let places: Vec<(f64, f64)> = line.points.iter().map(|(x, y)| self.place(*x, y.mean)).collect();
        self.canvas.polyline(&places, style, 2.0);
        let stretch = if places.len() > MOST_MARKERS { places.len().div_ceil(6) } else { 1 };
        // From the middle of a stretch, so that markers of lines that begin together do not hide each other.
        for (place, (x, y)) in places.iter().zip(&line.points).skip(stretch / 2).step_by(stretch) {
            let title = format!("{}, {} {}: {}", style.name, self.frame.x.label, short(*x), full(y));
            self.canvas.marker(*place, style.index, &title);
        }
    }

    fn bar(&mut self, style: &Style, left: f64, width: f64, value: &Estimate) {
        // A score of 0 keeps a thin line, so that it does not read as missing.
        let top = self.y.at(value.mean).min(self.bottom - 1.5);
        let (left, right) = (self.x.at(left), self.x.at(left + width));
        let title = format!("{}: {}", style.name, full(value));
        self.canvas.bar((left, top), (right, self.bottom), style.index, &title);
        let middle = (left + right) / 2.0;
        if let Some(half) = value.interval {
            let (high, low) = (self.y.at(value.mean + half), self.y.at(value.mean - half));
            self.canvas.rule((middle, high), (middle, low), "var(--muted, currentColor)");
        }
    }

    fn path(&mut self, path: &Path) {
        let places: Vec<(f64, f64)> = path.points.iter().map(|(x, y)| self.place(*x, *y)).collect();
        self.canvas.polyline(&places, &path.style, 1.0);
        for pair in places.windows(2) {
            self.canvas.arrow_head(pair[0], pair[1], ARROW, path.style.index);
        }
        for (place, (x, y)) in places.iter().zip(&path.points) {
            let (x_label, y_label) = (self.frame.x.label, self.frame.y.label);
            let title = format!("{}: {x_label} {}, {y_label} {}", path.name(), short(*x), short(*y));
            self.canvas.marker(*place, path.style.index, &title);
        }
        if let Some((x, y)) = path.ring {
            let title = format!("{}, chosen: {}, {}", path.name(), short(x), short(y));
            self.canvas.ring(self.place(x, y), path.style.index, &title);
        }
    }

    fn finish(self, description: &str, marks: &[Mark]) -> Drawing {
        let Frame { title, x, y, width, height } = self.frame;
        let named = |axis: Axis<'a>, other: &'a str| if axis.label.is_empty() { other } else { axis.label };
        let numbers = Numbers::of_marks(named(x, "group"), named(y, title), marks);
        Drawing {
            svg: self.canvas.finish(title, description, width, height),
            numbers,
            width,
            height,
            x: Some(self.x),
        }
    }
}

/// At most two decimals, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Mean and margin.
fn full(value: &Estimate) -> String {
    let margin = value.interval.map(|half| format!(" \u{b1}{}", short(half)));
    short(value.mean) + &margin.unwrap_or_default()
}

/// Means of equal stretches where there are too many points to draw; what is no number is left out.
fn thinned(points: &[(f64, Estimate)]) -> Vec<(f64, Estimate)> {
    let finite: Vec<(f64, Estimate)> = points.iter().copied().filter(|(_, y)| y.mean.is_finite()).collect();
    let stretch = finite.len().div_ceil(MOST_POINTS).max(1);
    let mean = |chunk: &[(f64, Estimate)]| {
        let n = chunk.len() as f64;
        let mean_of = |value: fn(&(f64, Estimate)) -> f64| chunk.iter().map(value).sum::<f64>() / n;
        let all = chunk.iter().all(|(_, y)| y.interval.is_some());
        let interval = all.then(|| mean_of(|(_, y)| y.interval.unwrap_or_default()));
        (mean_of(|(x, _)| *x), Estimate { mean: mean_of(|(_, y)| y.mean), interval })
    };
    finite.chunks(stretch).map(mean).collect()
}
