//! The frontier: what the target gained against what the held-out tasks kept, at every checkpoint of every rate.

use std::collections::BTreeMap;

use crate::chart::{self, Axis, Drawing, Frame, Palette, Path, Style};
use crate::report::{FrontierPoint, distinct};
use crate::results_table::Estimate;

pub const TITLE: &str = "Frontier: target task against held-out tasks, all checkpoints";

const SIZE: (f64, f64) = (520.0, 290.0);
const PERCENT: Option<(f64, f64)> = Some((0.0, 100.0));

/// The checkpoints of every method and sweep point, means over seeds: what the target gained, and what the held-out
/// tasks of another format kept (all held-out ones, where none has another). A ring: what validation chose. Nothing where
/// there are no points.
pub fn drawing(all: &[FrontierPoint]) -> Option<Drawing> {
    if all.is_empty() {
        return None;
    }
    let others = all.iter().any(|point| point.other_format.is_some());
    let palette = Palette::new(all.iter().map(|point| point.method.as_str()));
    let points = |(method, swept): (&String, &BTreeMap<String, String>)| {
        let points: Vec<&FrontierPoint> =
            all.iter().filter(|point| (&point.method, &point.swept) == (method, swept)).collect();
        path(&points, method, swept, others, &palette)
    };
    let paths: Vec<Path> =
        distinct(all.iter().map(|point| (&point.method, &point.swept))).into_iter().map(points).collect();
    let y = if others { "held-out, another format" } else { "held-out tasks, mean" };
    let (x, y) = (Axis::linear("target task, validation score", PERCENT), Axis::linear(y, PERCENT));
    let (width, height) = SIZE;
    Some(chart::scatter(&Frame { title: TITLE, x, y, width, height }, &paths))
}

/// One method at one sweep point, checkpoint by checkpoint.
fn path(
    points: &[&FrontierPoint],
    method: &str,
    swept: &BTreeMap<String, String>,
    others: bool,
    palette: &Palette,
) -> Path {
    let place = |point: &FrontierPoint| {
        Some((point.validation, if others { point.other_format? } else { point.held_out }))
    };
    let mean = |points: &mut dyn Iterator<Item = &&FrontierPoint>| {
        let places: Vec<(f64, f64)> = points.filter_map(|point| place(point)).collect();
        let x = Estimate::of(places.iter().map(|(x, _)| *x))?;
        Some((x.mean, Estimate::of(places.iter().map(|(_, y)| *y))?.mean))
    };
    let steps = distinct(points.iter().map(|point| point.step));
    let at = |step: &usize| mean(&mut points.iter().filter(|point| point.step == *step));
    let values: Vec<&str> = swept.values().map(String::as_str).collect();
    let name = if values.is_empty() { method.to_owned() } else { format!("{method}, {}", values.join(", ")) };
    Path {
        style: Style::new(name, palette.of(method)),
        points: steps.iter().filter_map(at).collect(),
        ring: mean(&mut points.iter().filter(|point| point.chosen)),
    }
}
