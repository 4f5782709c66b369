//! Rows of named fields, before any template. Parsers take bytes; files are the caller's business.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{At, Error, Result};

mod aligned;
mod json;
mod nested;
#[cfg_attr(target_family = "wasm", path = "on_the_page.rs")]
mod packed;
mod running;
mod segments;
mod splits;
mod table;

pub use aligned::aligned;
pub use json::json;
pub use packed::{parquet, unpacked};
pub use running::running;
pub use splits::{Shard, split_files};
pub use table::{csv, tsv, unquote};

/// A row and its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: At,
    pub example: Example,
}

/// How bytes become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// One JSON object a line.
    Jsonl,
    /// A JSON array of objects, objects one after the other, or one object around the rows.
    Json,
    /// Comma-separated, the first line names the columns.
    Csv,
    /// Tab-separated, likewise.
    Tsv,
    /// Apache Parquet; not on the page, which is smaller for it.
    Parquet,
    /// Running text: each line that is not blank is a row with the field `text`.
    Lines,
}

impl FileFormat {
    /// What a file's ending says: `.jsonl`, `.json`, `.csv`, `.tsv` or `.parquet`, each also with `.gz` behind it.
    /// Running text has to be named.
    ///
    /// # Errors
    /// Another ending.
    pub fn of(file: &str) -> Result<Self> {
        let name = file.to_ascii_lowercase();
        match name.trim_end_matches(".gz").rsplit_once('.').map(|(_, ending)| ending) {
            Some("jsonl") => Ok(Self::Jsonl),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some("tsv") => Ok(Self::Tsv),
            Some("parquet") => Ok(Self::Parquet),
            _ => {
                let expected = "an ending .jsonl, .json, .csv, .tsv or .parquet, or .gz behind it";
                Err(Error::mismatch("data file", expected, file))
            }
        }
    }

    /// The rows of a file, which may be packed with gzip; at least the first `most` where there are so many.
    ///
    /// # Errors
    /// A row that cannot be read, with file and line.
    pub fn parse(self, file: &str, bytes: &[u8], most: usize) -> Result<Vec<Row>> {
        let bytes = &unpacked(file, bytes)?;
        match self {
            Self::Jsonl | Self::Json => json(file, bytes),
            Self::Csv => csv(file, bytes),
            Self::Tsv => tsv(file, bytes),
            Self::Parquet => parquet(file, bytes, most),
            Self::Lines => running(file, bytes),
        }
    }
}

/// Rows of a file whose ending says how it is written.
///
/// # Errors
/// Those of `FileFormat`.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    FileFormat::of(file)?.parse(file, bytes, usize::MAX)
}

/// One row of a data set: named fields, text or lists of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example(pub Map<String, Value>);

impl Example {
    pub fn new<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The field as text; numbers and booleans are written as JSON writes them.
    ///
    /// # Errors
    /// Names the field and the fields there are.
    pub fn text(&self, field: &str) -> Result<String> {
        match self.0.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            Some(other) => Err(Error::mismatch(format!("field `{field}`"), "text", kind(other))),
            None => Err(self.missing(field)),
        }
    }

    /// The field as a list of texts; a single text is a list of one.
    pub fn list(&self, field: &str) -> Result<Vec<String>> {
        match self.0.get(field) {
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(Error::mismatch(format!("field `{field}`"), "a list of texts", kind(other))),
                })
                .collect(),
            Some(_) => Ok(vec![self.text(field)?]),
            None => Err(self.missing(field)),
        }
    }

    fn missing(&self, field: &str) -> Error {
        let fields = self.0.keys().cloned().collect::<Vec<_>>().join(", ");
        Error::mismatch("row", format!("a field `{field}`"), format!("only the fields: {fields}"))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The parts of a data set. Checkpoints are chosen on `Validation`, scores come from `Test`
/// (SuperGLUE tasks publish no test labels: their `Test` is the validation file, as in the paper).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    Validation,
    Test,
}

#[cfg(test)]
mod tests;
