//! The SVG elements of a chart, and an estimate of how wide a text is.

use std::fmt::Write as _;

use super::palette::COLOURS;

/// Height of a line of text, in pixels.
pub const LINE_HEIGHT: f64 = 15.0;

/// Of all texts, in pixels.
const FONT: f64 = 12.0;

/// Half the size of a marker, in pixels.
const MARKER: f64 = 3.5;

/// Letters much narrower or wider than the rest: classes are fine enough to lay out labels and a legend.
const NARROW: &str = "iljtfI.,:;|!'()[] -";
const WIDE: &str = "mwMW@%";

/// About how wide a text is in a sans-serif font of the charts' size, rather too wide than too narrow.
pub fn text_width(text: &str) -> f64 {
    let em = |letter: char| match letter {
        _ if NARROW.contains(letter) => 0.34,
        _ if WIDE.contains(letter) => 0.9,
        'A'..='Z' => 0.7,
        _ if letter.is_ascii() => 0.58,
        _ => 1.0,
    };
    text.chars().map(em).sum::<f64>() * FONT
}

/// A name in lines that fit a width, broken after its `_` and `-` alone.
pub fn wrapped(name: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in name.split_inclusive(['_', '-', ' ']) {
        match lines.last_mut() {
            Some(line) if text_width(line) + text_width(part) <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// How a series is told from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    pub name: String,
    /// Chooses colour and marker.
    pub index: usize,
    pub dashed: bool,
}

impl Style {
    pub fn new(name: impl Into<String>, index: usize) -> Self {
        Self { name: name.into(), index, dashed: false }
    }
}

#[derive(Clone, Copy)]
pub enum Anchor {
    Middle,
    End,
}

#[derive(Default)]
pub struct Canvas {
    body: String,
}

impl Canvas {
    /// One key for each style, wrapped at the width; gives back the height.
    pub fn legend(&mut self, styles: &[&Style], width: f64) -> f64 {
        let (mut x, mut y) = (0.0, 10.0);
        for style in styles {
            let needed = text_width(&style.name) + 36.0;
            if x > 0.0 && x + needed > width {
                (x, y) = (0.0, y + LINE_HEIGHT + 2.0);
            }
            self.push("<g class=\"key\">");
            self.polyline(&[(x, y - 4.0), (x + 18.0, y - 4.0)], style, 2.0);
            self.marker((x + 9.0, y - 4.0), style.index, "");
            self.text_at(x + 23.0, y, "", &style.name);
            self.push("</g>");
            x += needed;
        }
        if styles.is_empty() { 0.0 } else { y + 4.0 }
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.text_at(x, y, anchor, text);
    }

    /// A text in the colour of what is read, in the middle of its place.
    pub fn ink(&mut self, x: f64, y: f64, text: &str) {
        self.text_at(x, y, " text-anchor=\"middle\" fill=\"var(--ink, currentColor)\"", text);
    }

    /// The name of a point, from its left end.
    pub fn name(&mut self, x: f64, y: f64, text: &str) {
        self.text_at(x, y, " fill=\"var(--ink, currentColor)\"", text);
    }

    /// A text that is read from below.
    pub fn upward(&mut self, x: f64, y: f64, text: &str) {
        let (x, y) = (px(x), px(y));
        let turned = format!(" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\"");
        self.push(&format!("<text x=\"{x}\" y=\"{y}\"{turned}>{}</text>", escaped(text)));
    }

    fn text_at(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        self.push(&format!("<text x=\"{}\" y=\"{}\"{attributes}>{}</text>", px(x), px(y), escaped(text)));
    }

    /// A line of an axis or of the grid.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let path = path(&[from, to]);
        self.push(&format!("<path d=\"{path}\" stroke=\"{colour}\"/>"));
    }

    pub fn polyline(&mut self, points: &[(f64, f64)], style: &Style, width: f64) {
        let dashes = if style.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let (path, colour) = (path(points), colour(style.index));
        self.push(&format!(
            "<path class=\"series\" d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>"
        ));
    }

    pub fn area(&mut self, outline: &[(f64, f64)], index: usize) {
        let (path, colour) = (path(outline), colour(index));
        self.push(&format!("<path class=\"band\" d=\"{path}Z\" fill=\"{colour}\" fill-opacity=\".18\"/>"));
    }

    pub fn bar(&mut self, (left, top): (f64, f64), (right, bottom): (f64, f64), index: usize, title: &str) {
        let (x, y, width, height) = (px(left), px(top), px(right - left), px(bottom - top));
        let (colour, title) = (colour(index), titled(title));
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\">{title}</rect>"
        ));
    }

    /// A cell that is the darker the larger its share of the largest value; the text in it can always be read.
    pub fn cell(&mut self, (left, top): (f64, f64), (right, bottom): (f64, f64), share: f64, title: &str) {
        let (x, y, width, height) = (px(left), px(top), px(right - left), px(bottom - top));
        let (colour, title) = (colour(0), titled(title));
        let shade = (0.04 + 0.46 * share).clamp(0.0, 0.5);
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\" fill=\"{colour}\" \
             fill-opacity=\"{shade:.3}\">{title}</rect>"
        ));
    }

    /// The edge of a plane.
    pub fn frame(&mut self, (left, top): (f64, f64), (right, bottom): (f64, f64)) {
        let path = path(&[(left, top), (right, top), (right, bottom), (left, bottom)]);
        self.push(&format!("<path d=\"{path}Z\" fill=\"none\" stroke=\"var(--line, #8885)\"/>"));
    }

    /// A series' own shape.
    pub fn marker(&mut self, (x, y): (f64, f64), index: usize, title: &str) {
        let corners: &[(f64, f64)] = match index % COLOURS.len() {
            0 => return self.circle((x, y), index, title),
            1 => &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
            2 => &[(0.0, -1.3), (1.2, 1.0), (-1.2, 1.0)],
            3 => &[(0.0, -1.4), (1.4, 0.0), (0.0, 1.4), (-1.4, 0.0)],
            4 => &[(0.0, 1.3), (1.2, -1.0), (-1.2, -1.0)],
            5 => &[(-1.5, -0.6), (1.5, -0.6), (1.5, 0.6), (-1.5, 0.6)],
            6 => &[(-0.6, -1.5), (0.6, -1.5), (0.6, 1.5), (-0.6, 1.5)],
            // An hourglass.
            _ => &[(-1.2, -1.2), (1.2, -1.2), (-1.2, 1.2), (1.2, 1.2)],
        };
        let corners: Vec<(f64, f64)> =
            corners.iter().map(|(dx, dy)| (x + dx * MARKER, y + dy * MARKER)).collect();
        self.shape(&corners, index, title);
    }

    /// The head of an arrow that ends short of `to`, where a marker stands.
    pub fn arrow_head(&mut self, from: (f64, f64), to: (f64, f64), length: f64, index: usize) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let distance = dx.hypot(dy);
        if distance < 2.0 * (length + MARKER) {
            return;
        }
        let (ux, uy) = (dx / distance, dy / distance);
        let at = |along: f64, across: f64| (to.0 - ux * along - uy * across, to.1 - uy * along + ux * across);
        let tail = MARKER + 1.0 + length;
        self.shape(&[at(MARKER + 1.0, 0.0), at(tail, length * 0.4), at(tail, -length * 0.4)], index, "");
    }

    /// A ring around a marker.
    pub fn ring(&mut self, (x, y): (f64, f64), index: usize, title: &str) {
        let (x, y, colour, title) = (px(x), px(y), colour(index), titled(title));
        let radius = px(2.2 * MARKER);
        self.push(&format!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\">{title}</circle>"
        ));
    }

    fn circle(&mut self, (x, y): (f64, f64), index: usize, title: &str) {
        let (x, y, colour, title) = (px(x), px(y), colour(index), titled(title));
        self.push(&format!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{MARKER}\" fill=\"{colour}\">{title}</circle>"
        ));
    }

    fn shape(&mut self, corners: &[(f64, f64)], index: usize, title: &str) {
        let (path, colour, title) = (path(corners), colour(index), titled(title));
        self.push(&format!("<path d=\"{path}Z\" fill=\"{colour}\">{title}</path>"));
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
    }

    pub fn finish(self, title: &str, description: &str, width: f64, height: f64) -> String {
        let (title, description, body) = (escaped(title), escaped(description), self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"{FONT}\" fill=\"var(--muted, currentColor)\">\
             <title>{title}</title><desc>{description}</desc>{body}</svg>"
        )
    }
}

fn colour(index: usize) -> String {
    let index = index % COLOURS.len();
    format!("var(--s{index}, {})", COLOURS[index])
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{} {}", px(*x), px(*y));
    }
    path
}

/// A tenth of a pixel is fine enough. The sum turns -0 into 0.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// What is shown while a pointer rests on an element.
fn titled(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(text)) }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(letter),
        }
    }
    safe
}
