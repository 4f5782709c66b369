//! JSON rows: one object a line, or one array of objects.

use serde_json::{Deserializer, Value};

use super::text::{line_of, utf8};
use super::{Example, Row, kind};
use crate::error::{Error, Result};

/// One JSON object a line; empty lines are skipped, but counted.
pub fn json_lines(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (at, line) in utf8(file, bytes)?.split('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(line).map_err(|error| bad_json(file, at + 1, &error))?;
        rows.push(row(file, at + 1, value)?);
    }
    Ok(rows)
}

/// One JSON array of objects. Elements are read one by one, so that each row knows its line.
pub fn json_array(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let text = utf8(file, bytes)?;
    let expected = |what: &str, at: usize| {
        let found = text[at..].chars().next().map_or("the end of the file".to_owned(), |c| format!("`{c}`"));
        let problem = format!("expected {what}, found {found}");
        Err(Error::Row { file: file.to_owned(), line: line_of(text, at), problem })
    };
    let skip = |at: usize| at + (text[at..].len() - text[at..].trim_start().len());
    let mut at = skip(0);
    if !text[at..].starts_with('[') {
        return expected("`[`", at);
    }
    at = skip(at + 1);
    let mut rows = Vec::new();
    while !(rows.is_empty() && text[at..].starts_with(']')) {
        let line = line_of(text, at);
        let mut values = Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(bad_json(file, line + error.line().saturating_sub(1), &error)),
            None => return expected("an object", at),
        };
        rows.push(row(file, line, value)?);
        at = skip(at + values.byte_offset());
        match text[at..].chars().next() {
            Some(',') => at = skip(at + 1),
            Some(']') => break,
            _ => return expected("`,` or `]`", at),
        }
    }
    let end = skip(at + 1);
    if end < text.len() { expected("nothing after the array", end) } else { Ok(rows) }
}

fn row(file: &str, line: usize, value: Value) -> Result<Row> {
    match value {
        Value::Object(fields) => Ok(Row { line, example: Example(fields) }),
        other => {
            let problem = format!("expected a JSON object, found {}", kind(&other));
            Err(Error::Row { file: file.to_owned(), line, problem })
        }
    }
}

/// serde_json counts lines from where it began to read, which is not the file's first line: only its column is
/// kept.
fn bad_json(file: &str, line: usize, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let problem = format!("not JSON at column {}: {message}", error.column());
    Error::Row { file: file.to_owned(), line, problem }
}
