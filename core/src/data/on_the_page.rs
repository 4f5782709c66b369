//! What the page has in place of `packed`: it reads text files alone.

use std::borrow::Cow;

use super::Row;
use crate::error::{Error, Result};

/// The bytes as they are; who parses them says what gzip is.
pub fn unpacked<'a>(_file: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    Ok(Cow::Borrowed(bytes))
}

/// # Errors
/// Always.
pub fn parquet(file: &str, _bytes: &[u8], _most: usize) -> Result<Vec<Row>> {
    Err(Error::format(file, "the page reads .jsonl, .json, .csv and .tsv files; the program reads Parquet"))
}
