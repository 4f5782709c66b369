//! Tables whose first line names the columns: tab-separated, and comma-separated (RFC 4180).

use csv_core::ReadFieldResult;
use serde_json::Value;

use super::{Example, Row};
use crate::content;
use crate::error::{At, Error, Result};

/// Tab-separated lines. A cell that stands in quotation marks as a whole loses them, and doubled marks in it
/// become single, since spreadsheets write so; every other mark is text, and no cell spans lines. Ours, since published
/// files have cells that only begin with a mark, which a CSV reader would take for a cell that spans lines.
pub fn tsv(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    content::check(file, bytes)?;
    let records = content::lines(content::text(file, bytes)?)
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| Ok((at + 1, line.split('\t').map(unquote).collect())));
    rows(file, records)
}

/// Comma-separated cells; a quoted cell may hold commas, line breaks and doubled quotation marks.
///
/// # Errors
/// Quotation marks that do not enclose a whole cell: readers differ in what they make of these.
pub fn csv(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    content::check(file, bytes)?;
    let text = content::text(file, bytes)?;
    let mut records =
        Csv { file, text, at: 0, line: 1, parser: csv_core::Reader::new(), cell: vec![0; 1024] };
    rows(file, std::iter::from_fn(|| records.record().transpose()))
}

/// The `csv` crate's parser without its reader, which neither counts empty lines nor refuses stray quotation marks.
struct Csv<'a> {
    file: &'a str,
    text: &'a str,
    /// The next byte and its line.
    at: usize,
    line: usize,
    parser: csv_core::Reader,
    /// Room for one cell.
    cell: Vec<u8>,
}

impl Csv<'_> {
    /// The next record; empty lines are skipped.
    fn record(&mut self) -> Result<Option<Record>> {
        let rest = &self.text[self.at..];
        let ends = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        self.advance(ends);
        if ends == rest.len() {
            return Ok(None);
        }
        let (line, mut cells) = (self.line, Vec::new());
        loop {
            let (cell, last) = self.cell()?;
            cells.push(cell);
            if last {
                return Ok(Some((line, cells)));
            }
        }
    }

    /// The next cell, and whether it ends its record.
    fn cell(&mut self) -> Result<(String, bool)> {
        let (from, line, mut filled) = (self.at, self.line, 0);
        let last = loop {
            let input = &self.text.as_bytes()[self.at..];
            let (result, n_read, n_written) = self.parser.read_field(input, &mut self.cell[filled..]);
            self.advance(n_read);
            filled += n_written;
            match result {
                ReadFieldResult::Field { record_end } => break record_end,
                ReadFieldResult::End => break true,
                ReadFieldResult::OutputFull => self.cell.resize(2 * self.cell.len(), 0),
                // Asked again without input, the parser ends the last record.
                ReadFieldResult::InputEmpty => {}
            }
        };
        // Cut from text at ASCII characters, so it is UTF-8; a byte-order mark inside a cell is text.
        let cell = String::from_utf8_lossy(&self.cell[..filled]).into_owned();
        let written = self.text[from..self.at].trim_end_matches([',', '\r', '\n']);
        if written.starts_with('"') && *written != format!("\"{}\"", cell.replace('"', "\"\"")) {
            return Err(row_error(
                self.file,
                line,
                "expected quotation marks around a whole cell, found them open",
            ));
        }
        Ok((cell, last))
    }

    fn advance(&mut self, bytes: usize) {
        let text = self.text.as_bytes();
        // A line ends with `\n`, `\r\n` or `\r`.
        let is_end =
            |at: &usize| text[*at] == b'\n' || text[*at] == b'\r' && text.get(at + 1) != Some(&b'\n');
        self.line += (self.at..self.at + bytes).filter(is_end).count();
        self.at += bytes;
    }
}

/// Text without the quotation marks around it, where they enclose the whole and every mark inside is doubled.
pub fn unquote(cell: &str) -> String {
    let inner = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.replace("\"\"", "").contains('"') => inner.replace("\"\"", "\""),
        _ => cell.to_owned(),
    }
}

/// Cells with the line they begin at.
type Record = (usize, Vec<String>);

fn rows(file: &str, mut records: impl Iterator<Item = Result<Record>>) -> Result<Vec<Row>> {
    let Some(header) = records.next() else {
        return Err(Error::mismatch(file, "a first line that names the columns", "an empty file"));
    };
    let (line, columns) = header?;
    if let Some((name, first, second)) = repeated(&columns) {
        let problem =
            format!("expected different column names, found `{name}` as columns {first} and {second}");
        return Err(row_error(file, line, problem));
    }
    let mut rows = Vec::new();
    for record in records {
        let (line, cells) = record?;
        if cells.len() != columns.len() {
            let problem = format!("expected {} columns, found {}", columns.len(), cells.len());
            return Err(row_error(file, line, problem));
        }
        let fields = columns.iter().cloned().zip(cells.into_iter().map(Value::String));
        rows.push(Row { at: At::Line(line), example: Example(fields.collect()) });
    }
    Ok(rows)
}

/// A name that stands twice, with both positions from 1.
fn repeated(columns: &[String]) -> Option<(&str, usize, usize)> {
    columns.iter().enumerate().find_map(|(second, name)| {
        let first = columns[..second].iter().position(|other| other == name)?;
        Some((name.as_str(), first + 1, second + 1))
    })
}

fn row_error(file: &str, line: usize, problem: impl Into<String>) -> Error {
    Error::Row { file: file.to_owned(), at: At::Line(line), problem: problem.into() }
}
