//! Tasks in TOML files, the built-in ones and the user's.

use std::convert::Infallible;
use std::str::FromStr;

use toml::{Table, Value};

use super::{Candidates, Format, Task, TaskList};
use crate::error::{Error, Result};
use crate::template;

/// How a spec or an argument refers to a task. Only this type reads such text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskRef {
    /// The name of a known task.
    Name(String),
    /// A TOML file that defines one.
    File(String),
}

impl FromStr for TaskRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let file = text.to_ascii_lowercase().ends_with(".toml");
        Ok(if file { TaskRef::File(text.to_owned()) } else { TaskRef::Name(text.to_owned()) })
    }
}

impl Task {
    /// The task that a TOML file defines; `file` names it in errors. With `like = "name"`, what the file leaves out is as
    /// in that task of `known`.
    ///
    /// # Errors
    /// Text that is no TOML, an unknown, missing or unusable field, or an unknown task to be like.
    pub fn from_toml(text: &str, file: &str, known: &TaskList) -> Result<Self> {
        let table = toml::from_str(text).map_err(|error| Error::toml(file, &error))?;
        Self::from_table(table, file, known)
    }

    /// As `from_toml`, of a table that stands in another file.
    ///
    /// # Errors
    /// Those of `from_toml`.
    pub fn from_table(mut table: Table, file: &str, known: &TaskList) -> Result<Self> {
        if let Some(like) = table.remove("like") {
            let Value::String(name) = like else {
                return Err(Error::mismatch(format!("like of {file}"), "the name of a task", like));
            };
            let given = table;
            table = Table::try_from(known.by_name(&name)?).map_err(|error| Error::format(file, error))?;
            table.extend(given);
        }
        let task: Self = table.try_into().map_err(|error| Error::toml(file, &error))?;
        task.check(file)?;
        Ok(task)
    }

    /// Whether the definition makes sense; `file` names it in errors.
    ///
    /// # Errors
    /// Names the field, what it may be and what it is.
    pub fn check(&self, file: &str) -> Result<()> {
        let require = |field: &str, expected: &str, holds: bool, found: &dyn std::fmt::Display| {
            if holds { Ok(()) } else { Err(Error::mismatch(format!("{field} of {file}"), expected, found)) }
        };
        let in_file_names = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        let named = !self.name.is_empty() && self.name.chars().all(in_file_names);
        require("name", "letters, digits, - and _", named, &format!("`{}`", self.name))?;
        template::fields(&self.template)?;
        template::fields(&self.target)?;
        let choice = self.format == Format::Choice;
        require("choices", "at least one, since format is choice", !choice || !self.choices.is_empty(), &0)?;
        let found = format!("{} choices", self.choices.len());
        require("format", "choice, since there are choices", choice || self.choices.is_empty(), &found)?;
        let candidates = match &self.candidates {
            Some(Candidates::Others(count)) => *count,
            Some(Candidates::Choices) => self.choices.len(),
            Some(Candidates::Field(_)) | None => 1,
        };
        require("candidates", "at least one", candidates >= 1, &candidates)?;
        for (at, choice) in self.choices.iter().enumerate() {
            let before = &self.choices[..at];
            let again = before.iter().any(|other| other.label == choice.label || other.word == choice.word);
            require("choices", "each label and each word once", !again, &format!("{} again", choice.label))?;
        }
        let room = self.max_new_tokens;
        require("max_new_tokens", "at least 2, a token and the end", room >= 2, &room)
    }
}
