//! Two files whose lines belong together: a text and its translation.

use serde_json::Value;

use super::{Example, Row, unpacked};
use crate::content;
use crate::error::{At, Error, Result};

/// Rows with the fields `source` and `target`; pairs with an empty side are left out, as they teach nothing
/// and cannot be scored.
///
/// # Errors
/// Files of different length, since every line after the gap would be paired wrongly.
pub fn aligned(source: (&str, &[u8]), target: (&str, &[u8])) -> Result<Vec<Row>> {
    let (from, to) = (unpacked(source.0, source.1)?, unpacked(target.0, target.1)?);
    let sources: Vec<&str> = content::lines(content::text(source.0, &from)?).collect();
    let targets: Vec<&str> = content::lines(content::text(target.0, &to)?).collect();
    if sources.len() != targets.len() {
        return Err(Error::mismatch(
            format!("{} and {}", source.0, target.0),
            format!("the same number of lines ({} in the first)", sources.len()),
            targets.len(),
        ));
    }
    let pairs = sources.into_iter().zip(targets).enumerate();
    let full = pairs.filter(|(_, (source, target))| !source.trim().is_empty() && !target.trim().is_empty());
    Ok(full
        .map(|(at, (source, target))| Row {
            at: At::Line(at + 1),
            example: Example::new([("source", Value::from(source)), ("target", Value::from(target))]),
        })
        .collect())
}
