//! Tables whose first line names the columns: tab-separated, and comma-separated (RFC 4180).

use serde_json::Value;

use super::text::utf8;
use super::{Example, Row};
use crate::error::{Error, Result};

/// Tab-separated lines. A cell that stands in quotation marks as a whole loses them, and doubled marks in it
/// become single, since spreadsheets write so; every other mark is text, and no cell spans lines.
pub fn tsv(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let records = utf8(file, bytes)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| Ok((at + 1, line.split('\t').map(unquote).collect())));
    rows(file, records)
}

/// Comma-separated lines; a quoted cell may hold commas, line breaks and doubled quotation marks.
pub fn csv(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let mut reader = Csv { file, rest: utf8(file, bytes)?, line: 1 };
    rows(file, std::iter::from_fn(|| reader.record().transpose()))
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
    let (_, columns) = header?;
    let mut rows = Vec::new();
    for record in records {
        let (line, cells) = record?;
        if cells.len() != columns.len() {
            let problem = format!("expected {} columns, found {}", columns.len(), cells.len());
            return Err(Error::Row { file: file.to_owned(), line, problem });
        }
        let fields = columns.iter().cloned().zip(cells.into_iter().map(Value::String));
        rows.push(Row { line, example: Example(fields.collect()) });
    }
    Ok(rows)
}

struct Csv<'a> {
    file: &'a str,
    rest: &'a str,
    line: usize,
}

impl<'a> Csv<'a> {
    /// The next record; empty lines are skipped.
    fn record(&mut self) -> Result<Option<Record>> {
        while let Some(rest) = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')) {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            cells.push(if self.rest.starts_with('"') { self.quoted()? } else { self.plain().to_owned() });
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else {
                break;
            }
        }
        self.rest = match self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n')) {
            Some(rest) => rest,
            None if self.rest.is_empty() => "",
            None => return Err(self.error("text after a closing quotation mark")),
        };
        self.line += 1;
        Ok(Some((line, cells)))
    }

    fn plain(&mut self) -> &'a str {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let cell = &self.rest[..end];
        self.rest = &self.rest[end..];
        cell.strip_suffix('\r').unwrap_or(cell)
    }

    fn quoted(&mut self) -> Result<String> {
        let mut cell = String::new();
        self.rest = &self.rest[1..];
        loop {
            let Some(end) = self.rest.find('"') else {
                return Err(self.error("a quotation mark that is never closed"));
            };
            let part = &self.rest[..end];
            cell.push_str(part);
            self.rest = &self.rest[end + 1..];
            self.line += part.matches('\n').count();
            match self.rest.strip_prefix('"') {
                Some(rest) => {
                    cell.push('"');
                    self.rest = rest;
                }
                None => return Ok(cell),
            }
        }
    }

    fn error(&self, problem: &str) -> Error {
        Error::Row { file: self.file.to_owned(), line: self.line, problem: problem.to_owned() }
    }
}
