//! Points with their names, in a plane whose units mean nothing: distances alone do.

use super::axis::{Ruler, Scale};
use super::drawing::Drawing;
use super::numbers::{Numbers, Value};
use super::svg::{Anchor, Canvas, LINE_HEIGHT, Style, text_width};

/// Room around the points, in pixels.
const MARGIN: f64 = 22.0;

/// Between a point and its name, in pixels.
const BESIDE: f64 = 7.0;

/// Points of one kind, each with its name.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub style: Style,
    pub points: Vec<(f64, f64, String)>,
}

/// A part of the drawing that is taken: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// Both axes have one scale. A name that has no room is left out of the picture; it is in the numbers.
pub fn clouds(title: &str, axes: [&str; 2], (width, height): (f64, f64), all: &[Cloud]) -> Drawing {
    let mut canvas = Canvas::default();
    let top = canvas.legend(&all.iter().map(|cloud| &cloud.style).collect::<Vec<_>>(), width) + 8.0;
    let frame = (LINE_HEIGHT + 4.0, top, width - 2.0, height - LINE_HEIGHT - 6.0);
    canvas.frame((frame.0, frame.1), (frame.2, frame.3));
    canvas.text((frame.0 + frame.2) / 2.0, height - 4.0, Anchor::Middle, axes[0]);
    canvas.upward(12.0, (frame.1 + frame.3) / 2.0, axes[1]);
    let (x, y) = rulers(frame, all);
    let places: Vec<(f64, f64)> =
        all.iter().flat_map(|cloud| &cloud.points).map(|point| (x.at(point.0), y.at(point.1))).collect();
    let around = |(x, y): &(f64, f64)| (x - 4.0, y - 4.0, x + 4.0, y + 4.0);
    let mut taken: Vec<Area> = places.iter().map(around).collect();
    let (mut rows, mut place) = (Vec::new(), places.iter());
    for cloud in all {
        for (point, at) in cloud.points.iter().zip(&mut place) {
            canvas.marker(*at, cloud.style.index, &format!("{}: {}", cloud.style.name, point.2));
            if let Some(area) = room(*at, &point.2, frame, &taken) {
                canvas.name(area.0, area.3 - 3.0, &point.2);
                taken.push(area);
            }
            rows.push(vec![
                Value::Text(cloud.style.name.clone()),
                Value::Text(point.2.clone()),
                Value::Number(point.0),
                Value::Number(point.1),
            ]);
        }
    }
    let counts = all.iter().map(|cloud| format!("{}: {} points", cloud.style.name, cloud.points.len()));
    let description = counts.collect::<Vec<_>>().join("; ");
    Drawing {
        svg: canvas.finish(title, &description, width, height),
        numbers: Numbers { columns: ["series", "name", axes[0], axes[1]].map(str::to_owned).to_vec(), rows },
        width,
        height,
        x: None,
    }
}

/// One scale for both axes, the points in the middle.
fn rulers((left, top, right, bottom): Area, all: &[Cloud]) -> (Ruler, Ruler) {
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
    };
    let points = || all.iter().flat_map(|cloud| &cloud.points);
    if points().next().is_none() {
        let none = Ruler::new(Scale::Linear, (0.0, 1.0), (left, right));
        return (none.clone(), none);
    }
    let (x, y) = (ends(&mut points().map(|point| point.0)), ends(&mut points().map(|point| point.1)));
    let (across, up) = (right - left - 2.0 * MARGIN, bottom - top - 2.0 * MARGIN);
    let unit = ((x.1 - x.0) / across).max((y.1 - y.0) / up).max(1e-9);
    let ruler = |(low, high): (f64, f64), pixels: f64, from: f64, to: f64| {
        let (middle, half) = ((low + high) / 2.0, unit * pixels / 2.0);
        Ruler::new(Scale::Linear, (middle - half, middle + half), (from, to))
    };
    (ruler(x, across, left + MARGIN, right - MARGIN), ruler(y, up, bottom - MARGIN, top + MARGIN))
}

/// Where a name has room beside its point: right, left, above or below of it.
fn room((x, y): (f64, f64), name: &str, frame: Area, taken: &[Area]) -> Option<Area> {
    let (width, half) = (text_width(name), LINE_HEIGHT / 2.0);
    let area = |left: f64, middle: f64| (left, middle - half, left + width, middle + half);
    let within =
        |area: &Area| area.0 >= frame.0 && area.1 >= frame.1 && area.2 <= frame.2 && area.3 <= frame.3;
    let apart = |one: &Area, other: &Area| {
        one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1
    };
    [
        area(x + BESIDE, y),
        area(x - BESIDE - width, y),
        area(x - width / 2.0, y - LINE_HEIGHT),
        area(x - width / 2.0, y + LINE_HEIGHT),
    ]
    .into_iter()
    .find(|area| within(area) && taken.iter().all(|other| apart(area, other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(name: &str, index: usize, points: &[(f64, f64, &str)]) -> Cloud {
        let points = points.iter().map(|(x, y, name)| (*x, *y, (*name).to_owned())).collect();
        Cloud { style: Style::new(name, index), points }
    }

    #[test]
    fn points_have_names_where_there_is_room_and_numbers_in_any_case() {
        let crowd: Vec<(f64, f64, &str)> = (0..9).map(|_| (0.0, 0.0, "crowded")).collect();
        let all = [cloud("tokens", 0, &[(1.0, 0.0, "<s>"), (-1.0, 0.0, "")]), cloud("vectors", 1, &crowd)];
        let drawing = clouds("t", ["first", "second"], (400.0, 300.0), &all);
        assert!(drawing.svg.contains(">&lt;s&gt;</text>"), "{}", drawing.svg);
        assert_eq!(drawing.svg.matches(">crowded</text>").count(), 4, "right, left, above and below");
        assert_eq!((drawing.numbers.rows.len(), drawing.numbers.columns[2].as_str()), (11, "first"));
        assert!(drawing.svg.contains("<desc>tokens: 2 points; vectors: 9 points</desc>"));
    }

    #[test]
    fn both_axes_have_one_scale() {
        let all = [cloud("a", 0, &[(0.0, 0.0, ""), (2.0, 1.0, "")])];
        let (x, y) = rulers((0.0, 0.0, 400.0, 300.0), &all);
        let (across, up) = (x.at(2.0) - x.at(0.0), y.at(0.0) - y.at(1.0));
        assert!((across - 2.0 * up).abs() < 1e-6 && across > 300.0, "{across} {up}");
    }

    #[test]
    fn a_plane_without_points_or_with_one_does_not_fail() {
        for all in [vec![], vec![cloud("a", 0, &[(3.0, 3.0, "x")])]] {
            let svg = clouds("t", ["", ""], (200.0, 200.0), &all).svg;
            assert!(svg.ends_with("</svg>") && !svg.contains("NaN"), "{svg}");
        }
    }
}
