//! Running text, line by line.

use serde_json::Value;

use super::{Example, Row};
use crate::content;
use crate::error::{At, Result};

/// Each line that is not blank as a row with the field `text`, without blanks around it.
///
/// # Errors
/// What is no text.
pub fn running(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    content::check(file, bytes)?;
    let lines = content::lines(content::text(file, bytes)?).map(str::trim).enumerate();
    let full = lines.filter(|(_, line)| !line.is_empty());
    Ok(full
        .map(|(at, line)| Row { at: At::Line(at + 1), example: Example::new([("text", Value::from(line))]) })
        .collect())
}
