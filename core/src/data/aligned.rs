//! Two files whose lines, or segments, belong together: a text and its translation.

use serde_json::Value;

use super::segments::{is_segmented, segments};
use super::{Example, Row, unpacked};
use crate::content;
use crate::error::{At, Error, Result};

/// Rows with the fields `source` and `target`; pairs with an empty side are left out, as they teach nothing
/// and cannot be scored.
///
/// # Errors
/// Files of different length, since every line after the gap would be paired wrongly.
pub fn aligned(source: (&str, &[u8]), target: (&str, &[u8])) -> Result<Vec<Row>> {
    let (sources, targets) = (lines(source)?, lines(target)?);
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

/// The lines of a text, or the segments of an SGML file.
fn lines((file, bytes): (&str, &[u8])) -> Result<Vec<String>> {
    let bytes = unpacked(file, bytes)?;
    let text = content::text(file, &bytes)?;
    match is_segmented(file) {
        true => segments(file, text),
        false => Ok(content::lines(text).map(str::to_owned).collect()),
    }
}
