//! JSON rows: one object after the other, usually one a line, one array of objects, or one object around the rows
//! (`nested`). What stands in a file decides, not its ending: data sets are exported as lines into `.json`, too.

use serde_json::{Deserializer, Value};

use super::nested::nested;
use super::{Example, Row, kind};
use crate::content::{self, line_of};
use crate::error::{At, Error, Result};

/// # Errors
/// A row that is no object, and what is no JSON, with file and line.
pub fn json(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    content::check(file, bytes)?;
    let text = content::text(file, bytes)?;
    if text.trim_start().starts_with('[') { array(file, text) } else { nested(file, objects(file, text)?) }
}

/// One object a line; empty lines are skipped, but counted. An object may also span lines, if it is the file's first or
/// its first line has the brace alone.
fn objects(file: &str, text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // The first byte that no object has read yet.
    let mut end = 0;
    for (at, line) in content::lines(text).enumerate() {
        let from = line.as_ptr().addr() - text.as_ptr().addr();
        if from < end || line.trim().is_empty() {
            continue;
        }
        let spanning = || {
            let mut values = Deserializer::from_str(&text[from..]).into_iter();
            let value = values.next().transpose().map(Option::unwrap_or_default);
            (value, from + values.byte_offset())
        };
        let value = if line.trim() == "{" {
            let (value, behind) = spanning();
            end = behind;
            value
        } else {
            match serde_json::from_str(line) {
                Err(error) if error.is_eof() && rows.is_empty() => match spanning() {
                    (Ok(value), behind) => {
                        end = behind;
                        Ok(value)
                    }
                    // The first line is wrong, whatever follows.
                    (Err(_), _) => Err(error),
                },
                found => found,
            }
        };
        rows.push(row(
            file,
            at + 1,
            value.map_err(|error| bad_json(file, at + error.line().max(1), &error))?,
        )?);
    }
    Ok(rows)
}

/// Elements are read one by one, so that each row knows its line.
fn array(file: &str, text: &str) -> Result<Vec<Row>> {
    let mut place = Place { text, at: 0, line: 1 };
    let expected = |what: &str, place: &Place<'_>| {
        let found = place.next().map_or("the end of the file".to_owned(), |c| format!("`{c}`"));
        let problem = format!("expected {what}, found {found}");
        Err(Error::Row { file: file.to_owned(), at: At::Line(place.line), problem })
    };
    place.pass(0);
    place.pass(1);
    let mut rows = Vec::new();
    while !(rows.is_empty() && place.next() == Some(']')) {
        let line = place.line;
        let mut values = Deserializer::from_str(&text[place.at..]).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(bad_json(file, line + error.line().saturating_sub(1), &error)),
            None => return expected("an object", &place),
        };
        rows.push(row(file, line, value)?);
        place.pass(values.byte_offset());
        match place.next() {
            Some(',') => place.pass(1),
            Some(']') => break,
            _ => return expected("`,` or `]`", &place),
        }
    }
    place.pass(1);
    if place.next().is_some() { expected("nothing after the array", &place) } else { Ok(rows) }
}

/// A byte position in a text and its line.
struct Place<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Place<'_> {
    /// Passes so many bytes and the white space after them; there may be fewer.
    fn pass(&mut self, bytes: usize) {
        let rest = self.text.get(self.at + bytes..).unwrap_or_default().trim_start();
        let end = self.text.len() - rest.len();
        self.line += line_of(&self.text[self.at..end], end - self.at) - 1;
        self.at = end;
    }

    fn next(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}

fn row(file: &str, line: usize, value: Value) -> Result<Row> {
    match value {
        Value::Object(fields) => Ok(Row { at: At::Line(line), example: Example(fields) }),
        other => {
            let problem = format!("expected a JSON object, found {}", kind(&other));
            Err(Error::Row { file: file.to_owned(), at: At::Line(line), problem })
        }
    }
}

/// serde_json counts lines from where it began to read, which is not the file's first line: only its column is
/// kept.
fn bad_json(file: &str, line: usize, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let problem = format!("not JSON at column {}: {message}", error.column());
    Error::Row { file: file.to_owned(), at: At::Line(line), problem }
}
