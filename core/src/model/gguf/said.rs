//! Metadata of a GGUF file by key, in the type that is wanted of it.

use super::header::{Header, Value};
use crate::error::{Error, Result};

/// Tokens that a folder's files name, and what the metadata calls them.
pub const SPECIAL: [(&str, &str); 3] = [("bos", "bos"), ("eos", "eos"), ("pad", "padding")];

/// The header's values, with the file's name for errors.
pub struct Said<'a> {
    pub file: &'a str,
    pub header: &'a Header,
}

impl Said<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.header.metadata.get(key)
    }

    pub fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = match self.get(key) {
            None => "none".to_owned(),
            Some(Value::Texts(_) | Value::Wholes(_) | Value::Numbers(_)) => "a list".to_owned(),
            Some(Value::Text(text)) => format!("`{text}`"),
            Some(Value::Whole(whole)) => whole.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Flag(flag)) => flag.to_string(),
        };
        Error::mismatch(format!("{key} of {}", self.file), expected, found)
    }

    pub fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "text")),
        }
    }

    pub fn texts(&self, key: &str) -> Result<&[String]> {
        match self.get(key) {
            Some(Value::Texts(texts)) => Ok(texts),
            _ => Err(self.wrong(key, "a list of texts")),
        }
    }

    /// As many whole numbers as there are of something else.
    pub fn wholes(&self, key: &str, count: usize) -> Result<&[i64]> {
        match self.get(key) {
            Some(Value::Wholes(wholes)) if wholes.len() == count => Ok(wholes),
            _ => Err(self.wrong(key, &format!("a list of {count} whole numbers"))),
        }
    }

    pub fn whole(&self, key: &str) -> Result<Option<u64>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Whole(whole)) if *whole >= 0 => Ok(Some(whole.unsigned_abs())),
            Some(_) => Err(self.wrong(key, "a whole number")),
        }
    }

    pub fn needed(&self, key: &str) -> Result<u64> {
        self.whole(key)?.ok_or_else(|| self.wrong(key, "a whole number"))
    }

    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Flag(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }
}
