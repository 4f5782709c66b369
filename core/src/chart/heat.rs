//! A grid of numbers, each in a cell that is darker the larger it is.

use super::drawing::Drawing;
use super::numbers::{Numbers, Value};
use super::svg::{Anchor, Canvas, LINE_HEIGHT, text_width, wrapped};

/// Height of a row, in pixels.
const ROW: f64 = 26.0;

#[derive(Clone, Debug)]
pub struct Grid<'a> {
    pub title: &'a str,
    /// What the rows are, what the columns are, and what a value is, for the table of numbers.
    pub names: [&'a str; 3],
    pub rows: &'a [String],
    pub columns: &'a [String],
    /// A row of values for each of `rows`, none below 0; `None` leaves a gap.
    pub values: &'a [Vec<Option<f64>>],
    pub width: f64,
}

/// Every cell shows its number: nothing depends on the shade alone.
pub fn heat(grid: &Grid) -> Drawing {
    let mut canvas = Canvas::default();
    let left = grid.rows.iter().map(|name| text_width(name)).fold(0.0, f64::max) + 10.0;
    let cell = (grid.width - left) / grid.columns.len().max(1) as f64;
    let heads: Vec<Vec<String>> = grid.columns.iter().map(|name| wrapped(name, cell - 4.0)).collect();
    let top = heads.iter().map(Vec::len).max().unwrap_or(0) as f64 * LINE_HEIGHT + 6.0;
    for (column, head) in heads.iter().enumerate() {
        for (line, part) in head.iter().enumerate() {
            let y = top - 8.0 - (head.len() - 1 - line) as f64 * LINE_HEIGHT;
            canvas.text(left + (column as f64 + 0.5) * cell, y, Anchor::Middle, part);
        }
    }
    let most = grid.values.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let mut numbers = Vec::new();
    for (row, (name, values)) in grid.rows.iter().zip(grid.values).enumerate() {
        let y = top + row as f64 * ROW;
        canvas.text(left - 8.0, y + ROW / 2.0 + 4.0, Anchor::End, name);
        for (column, (of, value)) in grid.columns.iter().zip(values).enumerate() {
            let Some(value) = value else { continue };
            let x = left + column as f64 * cell;
            let share = if most > 0.0 { value / most } else { 0.0 };
            let title = format!("{name}, {of}: {value:.2}");
            canvas.cell((x + 1.0, y + 1.0), (x + cell - 1.0, y + ROW - 1.0), share, &title);
            canvas.ink(x + cell / 2.0, y + ROW / 2.0 + 4.0, &format!("{value:.1}"));
            numbers.push(vec![Value::Text(name.clone()), Value::Text(of.clone()), Value::Number(*value)]);
        }
    }
    let height = top + grid.rows.len() as f64 * ROW + 2.0;
    let description = described(grid, most);
    Drawing {
        svg: canvas.finish(grid.title, &description, grid.width, height),
        numbers: Numbers { columns: grid.names.map(str::to_owned).to_vec(), rows: numbers },
        width: grid.width,
        height,
        x: None,
    }
}

/// The largest value and where it is: what the shades show at a glance.
fn described(grid: &Grid, most: f64) -> String {
    let cells = grid.rows.iter().zip(grid.values).flat_map(|(row, values)| {
        grid.columns.iter().zip(values).map(move |(column, value)| (row, column, *value))
    });
    let largest =
        cells.filter_map(|(row, column, value)| Some((row, column, value?))).find(|cell| cell.2 == most);
    largest.map_or_else(String::new, |(row, column, value)| {
        format!("The largest is {row}, {column}: {value:.2} {}", grid.names[2])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_number_and_the_largest_is_the_darkest() {
        let (rows, columns) =
            (["encoder 0", "decoder 0"].map(String::from), ["a<b", "norms"].map(String::from));
        let values = [vec![Some(1.0), Some(0.26)], vec![Some(4.0), None]];
        let names = ["place", "kind", "change in %"];
        let drawing =
            heat(&Grid { title: "t", names, rows: &rows, columns: &columns, values: &values, width: 400.0 });
        assert_eq!(drawing.svg.matches("<rect").count(), 3, "{}", drawing.svg);
        assert!(
            drawing.svg.contains(">0.3</text>") && drawing.svg.contains(">a&lt;b</text>"),
            "{}",
            drawing.svg
        );
        assert!(drawing.svg.contains("<desc>The largest is decoder 0, a&lt;b: 4.00 change in %</desc>"));
        assert_eq!(drawing.numbers.rows.len(), 3);
        assert_eq!(drawing.numbers.csv().lines().next(), Some("place,kind,change in %"));
        let shades: Vec<&str> = drawing.svg.split("fill-opacity=\"").skip(1).collect();
        assert!(shades[0] < shades[2] && shades[1] < shades[0], "{shades:?}");
    }

    #[test]
    fn a_grid_of_nothing_and_one_of_zeros_do_not_fail() {
        let (rows, columns) = ([String::from("all")], [String::from("one")]);
        let names = ["", "", ""];
        let zeros = [vec![Some(0.0)]];
        let empty = heat(&Grid { title: "", names, rows: &[], columns: &[], values: &[], width: 100.0 });
        let grid = Grid { title: "", names, rows: &rows, columns: &columns, values: &zeros, width: 100.0 };
        for drawing in [empty, heat(&grid)] {
            assert!(drawing.svg.ends_with("</svg>") && !drawing.svg.contains("NaN"), "{}", drawing.svg);
        }
    }
}
