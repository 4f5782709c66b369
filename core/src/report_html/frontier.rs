//! The frontier: what the target gained against what the held-out tasks kept, at every checkpoint of every rate.

use std::collections::BTreeMap;

use crate::chart::{self, Axis, Drawing, Frame, Line, Palette, Path, Style};
use crate::report::{FrontierPoint, distinct};
use crate::results_table::Estimate;

pub const TITLE: &str = "Frontier: target task against held-out tasks, all checkpoints";

const SIZE: (f64, f64) = (520.0, 290.0);
const PERCENT: Option<(f64, f64)> = Some((0.0, 100.0));

/// What of a checkpoint is drawn, if it has it.
type Score<'a> = &'a dyn Fn(&FrontierPoint) -> Option<f64>;

/// The checkpoints of every method and sweep point, means over seeds: what the target gained, and what the held-out
/// tasks of another format kept (all held-out ones, where none has another). A ring: what validation chose. Nothing where
/// there are no points.
pub fn drawing(all: &[FrontierPoint]) -> Option<Drawing> {
    let others = all.iter().any(|point| point.other_format.is_some());
    let y = if others { "held-out, another format" } else { "held-out tasks, mean" };
    let score = |point: &FrontierPoint| if others { point.other_format } else { Some(point.held_out) };
    (!all.is_empty()).then(|| scatter(all, TITLE, y, &score))
}

/// The same by kind of held-out task, as the paper's Figures 5 and 6 split them, with titles.
pub fn by_kind(all: &[FrontierPoint]) -> Vec<(String, Drawing)> {
    let drawn = |kind: &String| {
        let title = format!("Frontier: target task against {kind}");
        let label = format!("{kind}, mean score");
        let drawing = scatter(all, &title, &label, &|point| point.groups.get(kind).copied());
        (title, drawing)
    };
    distinct(all.iter().flat_map(|point| point.groups.keys())).into_iter().map(drawn).collect()
}

/// For each method: the target and the kinds of held-out tasks along the training that validation chose (the paper's
/// Figure 1), means over seeds, with titles.
pub fn along_training(all: &[FrontierPoint]) -> Vec<(String, Drawing)> {
    let drawn = |method: &String| {
        let of_method: Vec<&FrontierPoint> = all.iter().filter(|point| point.method == *method).collect();
        let chosen = |point: &FrontierPoint| {
            let same = |other: &&&FrontierPoint| (other.seed, &other.swept) == (point.seed, &point.swept);
            of_method.iter().filter(same).any(|other| other.chosen)
        };
        let points: Vec<&FrontierPoint> = of_method.iter().copied().filter(|point| chosen(point)).collect();
        if points.is_empty() {
            return None;
        }
        let steps = distinct(points.iter().map(|point| point.step));
        let line = |name: String, index: usize, score: Score| {
            let at = |step: &usize| {
                let scores =
                    points.iter().filter(|point| point.step == *step).filter_map(|point| score(point));
                Some((*step as f64, Estimate::of(scores)?))
            };
            Line { style: Style::new(name, index), points: steps.iter().filter_map(at).collect() }
        };
        let target = line("target task, validation".into(), 0, &|point| Some(point.validation));
        let kinds = distinct(points.iter().flat_map(|point| point.groups.keys())).into_iter().enumerate();
        let kinds = kinds
            .map(|(index, kind)| line(kind.clone(), index + 1, &|point| point.groups.get(kind).copied()));
        let lines: Vec<Line> = std::iter::once(target).chain(kinds).collect();
        let title = format!("{method}: target task and kinds of held-out tasks along training");
        let (width, height) = SIZE;
        let y = Axis::linear("score", PERCENT);
        let drawing = chart::lines(&Frame { title: &title, x: Axis::STEPS, y, width, height }, &lines);
        Some((title, drawing))
    };
    distinct(all.iter().map(|point| &point.method)).into_iter().filter_map(drawn).collect()
}

fn scatter(all: &[FrontierPoint], title: &str, y: &str, score: Score) -> Drawing {
    let palette = Palette::new(all.iter().map(|point| point.method.as_str()));
    let points = |(method, swept): (&String, &BTreeMap<String, String>)| {
        let points: Vec<&FrontierPoint> =
            all.iter().filter(|point| (&point.method, &point.swept) == (method, swept)).collect();
        path(&points, method, swept, score, &palette)
    };
    let paths: Vec<Path> =
        distinct(all.iter().map(|point| (&point.method, &point.swept))).into_iter().map(points).collect();
    let (x, y) = (Axis::linear("target task, validation score", PERCENT), Axis::linear(y, PERCENT));
    let (width, height) = SIZE;
    chart::scatter(&Frame { title, x, y, width, height }, &paths)
}

/// One method at one sweep point, checkpoint by checkpoint.
fn path(
    points: &[&FrontierPoint],
    method: &str,
    swept: &BTreeMap<String, String>,
    score: Score,
    palette: &Palette,
) -> Path {
    let place = |point: &FrontierPoint| Some((point.validation, score(point)?));
    let mean = |points: &mut dyn Iterator<Item = &&FrontierPoint>| {
        let places: Vec<(f64, f64)> = points.filter_map(|point| place(point)).collect();
        let x = Estimate::of(places.iter().map(|(x, _)| *x))?;
        Some((x.mean, Estimate::of(places.iter().map(|(_, y)| *y))?.mean))
    };
    let steps = distinct(points.iter().map(|point| point.step));
    let at = |step: &usize| mean(&mut points.iter().filter(|point| point.step == *step));
    let values: Vec<&str> = swept.values().map(String::as_str).collect();
    Path {
        style: Style::new(method, palette.of(method)),
        detail: values.join(", "),
        points: steps.iter().filter_map(at).collect(),
        ring: mean(&mut points.iter().filter(|point| point.chosen)),
    }
}
