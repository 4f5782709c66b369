//! The numbers of a chart, for a table beside it and for a file.

use std::fmt;

/// A row for each mark of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Missing,
}

/// A mark of a series: its place on the horizontal axis, its value, and half the width of the value's interval.
pub(super) struct Mark<'a> {
    pub series: &'a str,
    pub x: Value,
    pub y: f64,
    pub margin: Option<f64>,
}

impl Numbers {
    /// Columns for the series, both axes, and the interval, where a mark has one.
    pub(super) fn of_marks(x: &str, y: &str, marks: &[Mark<'_>]) -> Self {
        let margins = marks.iter().any(|mark| mark.margin.is_some());
        let columns = ["series", x, y].into_iter().chain(margins.then_some("95 % interval, \u{b1}"));
        let row = |mark: &Mark<'_>| {
            let margin = margins.then(|| mark.margin.map_or(Value::Missing, Value::Number));
            let row = [Value::Text(mark.series.to_owned()), mark.x.clone(), Value::Number(mark.y)];
            row.into_iter().chain(margin).collect()
        };
        Self { columns: columns.map(str::to_owned).collect(), rows: marks.iter().map(row).collect() }
    }

    /// As comma-separated values (RFC 4180), numbers with all their digits.
    pub fn csv(&self) -> String {
        let line = |fields: Vec<String>| fields.join(",") + "\r\n";
        let field = |value: &Value| match value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => quoted(text),
            Value::Missing => String::new(),
        };
        let head = line(self.columns.iter().map(|name| quoted(name)).collect());
        let rows = self.rows.iter().map(|row| line(row.iter().map(field).collect()));
        std::iter::once(head).chain(rows).collect()
    }
}

fn quoted(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// For people: numbers with about four digits.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Missing => f.write_str("\u{2013}"),
            Value::Number(number) => {
                let whole_digits = number.abs().max(1e-9).log10().floor() as i32;
                let decimals = (3 - whole_digits).clamp(0, 6) as usize;
                let text = format!("{number:.decimals$}");
                let short = match text.contains('.') {
                    true => text.trim_end_matches('0').trim_end_matches('.'),
                    false => &text,
                };
                f.write_str(if short == "-0" { "0" } else { short })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_all_digits_and_quotes_what_must_be() {
        let columns = vec!["series".to_owned(), "a, b".to_owned(), "y".to_owned()];
        let rows = vec![
            vec![Value::Text("promot, \"x\"".into()), Value::Number(0.1 + 0.2), Value::Missing],
            vec![Value::Text("plain".into()), Value::Number(5.0), Value::Number(-1.0)],
        ];
        let csv = Numbers { columns, rows }.csv();
        assert_eq!(csv, "series,\"a, b\",y\r\n\"promot, \"\"x\"\"\",0.30000000000000004,\r\nplain,5,-1\r\n");
    }

    #[test]
    fn people_see_four_digits() {
        let shown = [0.0, -0.0, 12.0, 1200.0, 33.333_333, 0.012_346, 1e-12, 123_456.7, -2.5];
        let shown = shown.map(|number| Value::Number(number).to_string());
        assert_eq!(shown, ["0", "0", "12", "1200", "33.33", "0.01235", "0", "123457", "-2.5"]);
        assert_eq!(Value::Missing.to_string(), "\u{2013}");
    }

    #[test]
    fn intervals_have_a_column_where_there_are_any() {
        let mark = |margin| Mark { series: "a", x: Value::Number(1.0), y: 2.0, margin };
        assert_eq!(Numbers::of_marks("step", "loss", &[mark(None)]).columns, ["series", "step", "loss"]);
        let with = Numbers::of_marks("step", "loss", &[mark(None), mark(Some(0.5))]);
        assert_eq!(with.columns.len(), 4);
        assert_eq!((&with.rows[0][3], &with.rows[1][3]), (&Value::Missing, &Value::Number(0.5)));
    }
}
