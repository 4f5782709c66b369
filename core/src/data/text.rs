//! Bytes to text, and places in it.

use crate::error::{Error, Result};

/// The bytes as text, without a byte order mark.
pub fn utf8<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            Err(Error::Row {
                file: file.to_owned(),
                line,
                problem: "expected UTF-8 text, found other bytes".into(),
            })
        }
    }
}

/// The line of a byte position, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}
