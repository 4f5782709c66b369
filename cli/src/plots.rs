//! Charts as inline SVG. Colours are placeholders: the page's stylesheet matches them by attribute and puts the
//! light or dark theme's in their place, which plain SVG attributes allow and inline styles would not.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;

/// Text, axes and grid lines; see `html/style.css`.
const INK: RGBColor = RGBColor(0, 0, 0);
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
const AXIS: RGBColor = RGBColor(0x88, 0x88, 0x88);

/// Paul Tol's "bright" scheme, told apart by colour-blind readers too; its grey would read as an axis.
pub const SERIES: [RGBColor; 6] = [
    RGBColor(0x44, 0x77, 0xAA),
    RGBColor(0xEE, 0x66, 0x77),
    RGBColor(0x22, 0x88, 0x33),
    RGBColor(0xCC, 0xBB, 0x44),
    RGBColor(0x66, 0xCC, 0xEE),
    RGBColor(0xAA, 0x33, 0x77),
];

const SIZE: (u32, u32) = (520, 280);
const WIDE: (u32, u32) = (1060, 300);

/// Most points of a line: more than this cannot be told apart at the chart's width.
const MAX_POINTS: usize = 200;

pub struct Line {
    /// Index into `SERIES`.
    pub colour: usize,
    pub dashed: bool,
    /// Few points are marked with dots.
    pub points: Vec<(f64, f64)>,
}

/// A group of bars for each name; `None` leaves a gap.
pub struct Bars {
    pub colour: usize,
    pub values: Vec<Option<f64>>,
}

/// Lines over training steps. `top` fixes the upper end of the value axis, which else fits the values.
pub fn lines(lines: &[Line], y_label: &str, top: Option<f64>) -> anyhow::Result<String> {
    let lines: Vec<Line> = lines
        .iter()
        .map(|line| Line { points: thinned(&line.points), colour: line.colour, dashed: line.dashed })
        .collect();
    let all = || lines.iter().flat_map(|line| &line.points);
    let right = all().map(|(x, _)| *x).fold(1.0, f64::max);
    let top = top.unwrap_or_else(|| all().map(|(_, y)| *y).fold(0.0, f64::max) * 1.05).max(f64::MIN_POSITIVE);
    let bottom = all().map(|(_, y)| *y).fold(0.0, f64::min);
    draw(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(46)
            .build_cartesian_2d(0.0..right, bottom..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(AXIS)
            .label_style(("sans-serif", 12, &INK))
            .x_desc("step")
            .y_desc(y_label)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| {
                if top > 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
            })
            .draw()?;
        for line in &lines {
            let style = colour(line.colour).stroke_width(2);
            let points = line.points.iter().copied();
            if line.dashed {
                chart.draw_series(DashedLineSeries::new(points, 5, 4, style))?;
            } else {
                chart.draw_series(LineSeries::new(points, style))?;
            }
            if line.points.len() <= 12 {
                let dot = |point: &(f64, f64)| Circle::new(*point, 3, colour(line.colour).filled());
                chart.draw_series(line.points.iter().map(dot))?;
            }
        }
        Ok(())
    })
}

/// Points of several series between 0 and 100 on both axes.
pub fn scatter(series: &[Vec<(f64, f64)>], x_label: &str, y_label: &str) -> anyhow::Result<String> {
    draw(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(46)
            .build_cartesian_2d(0.0..100.0, 0.0..100.0)?;
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(AXIS)
            .label_style(("sans-serif", 12, &INK))
            .x_desc(x_label)
            .y_desc(y_label)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        for (place, points) in series.iter().enumerate() {
            let dot = |point: &(f64, f64)| Circle::new(*point, 4, colour(place).filled());
            chart.draw_series(points.iter().map(dot))?;
        }
        Ok(())
    })
}

/// Bars side by side, a group for each name.
pub fn bars(names: &[String], series: &[Bars]) -> anyhow::Result<String> {
    let groups = names.len().max(1);
    let width = 0.8 / series.len().max(1) as f64;
    let highest = series.iter().flat_map(|bars| bars.values.iter().flatten()).copied().fold(10.0, f64::max);
    let top = (highest / 10.0).ceil() * 10.0;
    draw(WIDE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(30)
            .y_label_area_size(46)
            .build_cartesian_2d(0.0..groups as f64, 0.0..top)?;
        // Names stand below the middles of their groups; the axis itself would put them at whole numbers.
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(AXIS)
            .label_style(("sans-serif", 12, &INK))
            .x_labels(0)
            .y_desc("score")
            .y_labels(6)
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        for (place, bars) in series.iter().enumerate() {
            let rectangles = bars.values.iter().enumerate().filter_map(|(group, value)| {
                let left = group as f64 + 0.1 + place as f64 * width;
                // A score of 0 keeps a thin line, so that it does not read as missing.
                let height = (*value)?.max(top / 150.0);
                Some(Rectangle::new(
                    [(left, 0.0), (left + width * 0.92, height)],
                    colour(bars.colour).filled(),
                ))
            });
            chart.draw_series(rectangles)?;
        }
        for (group, name) in names.iter().enumerate() {
            let (x, y) = chart.backend_coord(&(group as f64 + 0.5, 0.0));
            let style = ("sans-serif", 12, &INK).into_text_style(area);
            let style = style.pos(plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Center,
                plotters::style::text_anchor::VPos::Top,
            ));
            area.draw_text(name, &style, (x, y + 8))?;
        }
        Ok(())
    })
}

type Area<'a, 'b> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), Box<dyn std::error::Error + 'a>>;

fn draw(
    size: (u32, u32),
    paint: impl for<'a, 'b> Fn(&'b Area<'a, 'b>) -> Drawn<'b>,
) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&area).map_err(|error| anyhow!("drawing a chart: {error}"))?;
        area.present().map_err(|error| anyhow!("drawing a chart: {error}"))?;
    }
    Ok(svg)
}

fn colour(index: usize) -> RGBColor {
    SERIES[index % SERIES.len()]
}

/// Means of equal stretches where there are too many points to draw.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(MAX_POINTS);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        let sum = chunk.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / n, sum.1 / n)
    };
    points.chunks(stretch).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_points_and_colour() {
        let line = Line { colour: 1, dashed: false, points: vec![(0.0, 1.0), (10.0, 2.0)] };
        let svg = lines(&[line], "loss", None).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("polyline") && svg.contains("#EE6677"), "{svg}");
        assert!(svg.contains(">\nloss\n<") && svg.contains(">\nstep\n<"), "{svg}");
    }

    #[test]
    fn long_lines_are_thinned_to_means() {
        let points: Vec<(f64, f64)> = (0..1000).map(|x| (f64::from(x), f64::from(x % 2))).collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), 200);
        assert_eq!(thin[0], (2.0, 0.4));
    }

    #[test]
    fn every_bar_is_drawn_and_empty_charts_do_not_fail() {
        let names = ["a<b".to_owned(), "c".to_owned()];
        let series = [
            Bars { colour: 0, values: vec![Some(50.0), None] },
            Bars { colour: 2, values: vec![Some(0.0), Some(3.0)] },
        ];
        let svg = bars(&names, &series).unwrap();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains("a&lt;b"));
        bars(&[], &[]).unwrap();
        lines(&[], "loss", None).unwrap();
        let svg = scatter(&[vec![(50.0, 20.0)], Vec::new()], "gained", "kept").unwrap();
        assert!(svg.matches("<circle").count() == 1 && svg.contains(">\ngained\n<"), "{svg}");
    }
}
