//! From a task's files to rows with the task's fields. Whoever calls opens the files; what stands in them is
//! checked here, so that a wrong row is reported with its file and line before any training begins.

use serde_json::{Map, Value};

use super::{DataSource, Field, File, Task};
use crate::data::{self, Example, FileFormat, Row, Split};
use crate::error::{Error, Result};

/// One split of one task: a path below the data folder gives bytes, or nothing where there is no such file.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>>;

impl Task {
    /// The rows of a split from the task's own files below the data folder.
    ///
    /// # Errors
    /// A task without files, a missing file, or a row that the task cannot use, with file and line.
    pub fn rows_from_files(&self, split: Split, read: ReadFile<'_>) -> Result<Vec<Example>> {
        let DataSource::Files(files) = &self.source else {
            let expected = "a task with files of its own";
            return Err(Error::mismatch(format!("task {}", self.name), expected, self.source.describe()));
        };
        let mut rows = Vec::new();
        for file in files.of(split) {
            let fields = if file.fields.is_empty() { &files.fields } else { &file.fields };
            rows.extend(self.rows_of(file, fields, read)?);
        }
        Ok(rows)
    }

    /// Rows of a file that the user names, which must have the task's own fields. Its ending says how it is
    /// written: `.jsonl`, `.json`, `.csv` or `.tsv`.
    pub fn rows_from_bytes(&self, file: &str, bytes: &[u8]) -> Result<Vec<Example>> {
        self.check_rows(file, data::parse(file, bytes)?)
    }

    fn rows_of(&self, file: &File, fields: &[Field], read: ReadFile<'_>) -> Result<Vec<Example>> {
        let open = |path: &str| {
            read(path)?.ok_or_else(|| {
                let expected = format!("a file {path} in the data folder");
                Error::mismatch(format!("task {}", self.name), expected, "none")
            })
        };
        let bytes = open(&file.path)?;
        let rows = match (&file.aligned, file.format) {
            (Some(target), _) => data::aligned((&file.path, &bytes), (target, &open(target)?))?,
            (None, Some(format)) => format.parse(&file.path, &bytes)?,
            (None, None) => FileFormat::of(&file.path)?.parse(&file.path, &bytes)?,
        };
        let mut rows: Vec<Row> =
            rows.into_iter().skip(file.skip).take(file.take.unwrap_or(usize::MAX)).collect();
        for row in &mut rows {
            row.example =
                rename(fields, &row.example).map_err(|problem| row_error(&file.path, row.line, problem))?;
        }
        self.check_rows(&file.path, rows)
    }

    /// Every row must render: this finds missing fields and unknown labels.
    fn check_rows(&self, file: &str, rows: Vec<Row>) -> Result<Vec<Example>> {
        rows.into_iter()
            .map(|row| match self.render(&row.example) {
                Ok(_) => Ok(row.example),
                Err(problem) => Err(row_error(file, row.line, problem)),
            })
            .collect()
    }
}

impl DataSource {
    fn describe(&self) -> &'static str {
        match self {
            DataSource::Generated(_) => "a task whose rows are generated",
            DataSource::Files(_) => "a task with files",
            DataSource::Given => "a task whose rows the user names",
        }
    }
}

fn row_error(file: &str, line: usize, problem: Error) -> Error {
    Error::Row { file: file.to_owned(), line, problem: problem.to_string() }
}

/// The task's fields of a file's row; a row whose file has no list of fields stays as it is.
fn rename(fields: &[Field], example: &Example) -> Result<Example> {
    if fields.is_empty() {
        return Ok(example.clone());
    }
    let whole = Value::Object(example.0.clone());
    let mut renamed = Map::new();
    for field in fields {
        let from = field.from.as_ref().unwrap_or(&field.name);
        let value = if from.starts_with('/') { whole.pointer(from) } else { whole.get(from) };
        let value = value.ok_or_else(|| {
            let found = example.0.keys().cloned().collect::<Vec<_>>().join(", ");
            Error::mismatch("row", format!("a field `{from}`"), format!("only the fields: {found}"))
        })?;
        renamed.insert(field.name.clone(), field.read(value)?);
    }
    Ok(Example(renamed))
}

impl Field {
    fn read(&self, value: &Value) -> Result<Value> {
        let value = match value {
            Value::String(text) if self.unquote => Value::String(data::unquote(text)),
            value => value.clone(),
        };
        if self.values.is_empty() {
            return Ok(value);
        }
        let raw = Example::new([(self.name.as_str(), value)]).text(&self.name)?;
        self.values.get(&raw).map(|ours| Value::from(ours.as_str())).ok_or_else(|| {
            let known = self.values.keys().cloned().collect::<Vec<_>>().join(", ");
            Error::mismatch(format!("field `{}`", self.name), format!("one of {known}"), format!("`{raw}`"))
        })
    }
}
