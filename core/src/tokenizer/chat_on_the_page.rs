//! The page asks its models in their tasks' own templates and is smaller without Jinja.

use std::collections::BTreeMap;

use super::turns::Message;
use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatTemplate;

impl ChatTemplate {
    pub fn of(_side: &BTreeMap<String, Vec<u8>>) -> Result<Option<Self>> {
        Ok(None)
    }

    pub fn render(&self, _messages: &[Message]) -> Result<String> {
        Err(Error::mismatch("chat template", "the native program", "the page"))
    }

    pub(super) fn beginning(&self) -> Option<&str> {
        None
    }
}
