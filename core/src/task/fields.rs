//! From the columns of a file to the fields of a task.

use serde_json::{Map, Value};

use super::Task;
use super::source::Field;
use crate::data::{self, Example};
use crate::error::{Error, Result};
use crate::template;

/// What data sets write where annotators did not agree or the label is kept back.
const UNLABELLED: [&str; 3] = ["-", "-1", ""];

impl Task {
    /// Whether the row's label is none of the choices, but a mark that there is no label.
    pub(super) fn is_unlabelled(&self, example: &Example) -> bool {
        let mut labels = self.label_fields().into_iter().filter_map(|field| example.0.get(field));
        labels.any(|label| self.is_no_label(label))
    }

    fn is_no_label(&self, value: &Value) -> bool {
        let text = match value {
            Value::Null => return true,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        UNLABELLED.contains(&text.trim()) && self.choices.iter().all(|choice| choice.label != text)
    }

    /// The fields that hold the label of a task with choices.
    fn label_fields(&self) -> Vec<&str> {
        if self.choices.is_empty() { Vec::new() } else { template::fields(&self.target).unwrap_or_default() }
    }

    /// The task's fields of a file's row, which is several rows where fields are lists of which each element counts; a row
    /// whose file has no list of fields stays as it is.
    ///
    /// # Errors
    /// A column that is not there, a value that is not listed, or lists of different lengths.
    pub(super) fn rename(&self, fields: &[Field], example: &Example) -> Result<Vec<Example>> {
        if fields.is_empty() {
            return Ok(vec![example.clone()]);
        }
        let count = elements(fields, example)?;
        let labels = self.label_fields();
        let row = |at: usize| {
            let mut renamed = Map::new();
            for field in fields {
                let value = match field.column(example)? {
                    Value::Array(elements) if field.each => &elements[at],
                    value => value,
                };
                let no_label = labels.contains(&field.name.as_str()) && self.is_no_label(value);
                let value = if no_label && !field.knows(value) { Value::Null } else { field.read(value)? };
                renamed.insert(field.name.clone(), value);
            }
            Ok(Example(renamed))
        };
        (0..count).map(row).collect()
    }
}

/// How many rows a file's row is.
fn elements(fields: &[Field], example: &Example) -> Result<usize> {
    let mut first: Option<(&Field, usize)> = None;
    for field in fields.iter().filter(|field| field.each) {
        let expected = || format!("field `{}`", field.from());
        let count = match field.column(example)? {
            Value::Array(elements) => elements.len(),
            other => return Err(Error::mismatch(expected(), "a list, since each of it is a row", other)),
        };
        let (other, length) = *first.get_or_insert((field, count));
        if count != length {
            let as_other = format!("{length} elements, as `{}` has", other.from());
            return Err(Error::mismatch(expected(), as_other, count));
        }
    }
    Ok(first.map_or(1, |(_, count)| count))
}

impl Field {
    /// Where it stands in a row of a file.
    fn from(&self) -> &str {
        self.from.as_ref().unwrap_or(&self.name)
    }

    fn column<'a>(&self, example: &'a Example) -> Result<&'a Value> {
        self.find(example).ok_or_else(|| {
            let found = example.0.keys().cloned().collect::<Vec<_>>().join(", ");
            Error::mismatch("row", format!("a field `{}`", self.from()), format!("only the fields: {found}"))
        })
    }

    /// Its value in a row of a file.
    pub(super) fn find<'a>(&self, example: &'a Example) -> Option<&'a Value> {
        let from = self.from();
        let Some(pointer) = from.strip_prefix('/') else { return example.0.get(from) };
        let (column, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        // A pointer's escapes, in their order (RFC 6901).
        example.0.get(&column.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
    }

    /// Whether the file's value is one of those that are listed.
    fn knows(&self, value: &Value) -> bool {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.values.contains_key(&text)
    }

    fn read(&self, value: &Value) -> Result<Value> {
        let value = match value {
            Value::String(text) if self.unquote => Value::String(data::unquote(text)),
            value => value.clone(),
        };
        if self.values.is_empty() && self.classes.is_empty() {
            return Ok(value);
        }
        let raw = Example::new([(self.name.as_str(), value)]).text(&self.name)?;
        if self.values.is_empty() {
            return self.class(raw);
        }
        self.values.get(&raw).map(|ours| Value::from(ours.as_str())).ok_or_else(|| {
            let known = self.values.keys().cloned().collect::<Vec<_>>().join(", ");
            Error::mismatch(format!("field `{}`", self.name), format!("one of {known}"), format!("`{raw}`"))
        })
    }

    /// The name of a numbered class; a name stays as it is.
    fn class(&self, raw: String) -> Result<Value> {
        let Ok(number) = raw.parse::<usize>() else { return Ok(Value::String(raw)) };
        self.classes.get(number).map(|name| Value::from(name.as_str())).ok_or_else(|| {
            let classes = self.classes.iter().enumerate();
            let known = classes.map(|(at, name)| format!("{at} ({name})")).collect::<Vec<_>>().join(", ");
            Error::mismatch(format!("field `{}`", self.name), format!("one of {known}"), number)
        })
    }
}

#[cfg(test)]
mod tests;
