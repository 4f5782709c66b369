//! From a task's files to rows with the task's fields. Whoever calls opens the files; what stands in them is
//! checked here, so that a wrong row is reported with its file and line before any training begins.

use serde_json::{Map, Value};

use super::{File, FileFormat, Source, Task};
use crate::data::{self, Example, Row, Split};
use crate::error::{Error, Result};

/// Where one of the task's fields stands in a row of a file.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The task's name for it.
    pub name: &'static str,
    /// A JSON pointer (RFC 6901): `/label`, `/question/choices/0/text`. Columns of a table are `/column`.
    pub from: &'static str,
    pub read: Read,
}

/// What happens to the value on the way.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    AsIs,
    /// Text that may stand in a table's quotation marks loses them.
    Unquoted,
    /// The file's value and ours; any other value is an error.
    Values(&'static [(&'static str, &'static str)]),
}

/// One split of one task: a path below the data folder gives bytes, or nothing where there is no such file.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>>;

impl Task {
    /// The rows of a split from the task's own files below the data folder.
    ///
    /// # Errors
    /// A task without files, a missing file, or a row that the task cannot use, with file and line.
    pub fn rows_from_files(&self, split: Split, read: ReadFile<'_>) -> Result<Vec<Example>> {
        let Source::Files { train, validation, test } = self.source else {
            return Err(Error::mismatch(
                format!("task {}", self.name),
                "a task with files of its own",
                self.kind(),
            ));
        };
        let files = match split {
            Split::Train => train,
            Split::Validation => validation,
            Split::Test => test,
        };
        let mut rows = Vec::new();
        for file in files {
            rows.extend(self.rows_of(file, read)?);
        }
        Ok(rows)
    }

    /// Rows of a file that the user names, which must have the task's own fields. Its ending says how it is
    /// written: `.jsonl`, `.json`, `.csv` or `.tsv`.
    pub fn rows_from_bytes(&self, file: &str, bytes: &[u8]) -> Result<Vec<Example>> {
        self.check(file, data::parse(file, bytes)?)
    }

    fn rows_of(&self, file: &File, read: ReadFile<'_>) -> Result<Vec<Example>> {
        let open = |path: &str| {
            read(path)?.ok_or_else(|| {
                Error::mismatch(
                    format!("task {}", self.name),
                    format!("a file {path} in the data folder"),
                    "none",
                )
            })
        };
        let bytes = open(file.path)?;
        let mut rows = match file.format {
            FileFormat::JsonLines => data::json_lines(file.path, &bytes)?,
            FileFormat::JsonArray => data::json_array(file.path, &bytes)?,
            FileFormat::Tsv => data::tsv(file.path, &bytes)?,
            FileFormat::Aligned { target } => data::aligned((file.path, &bytes), (target, &open(target)?))?,
        };
        if let Some((from, to)) = file.part {
            rows = rows.into_iter().take(to).skip(from).collect();
        }
        for row in &mut rows {
            row.example = rename(file.fields, &row.example)
                .map_err(|problem| row_error(file.path, row.line, problem))?;
        }
        self.check(file.path, rows)
    }

    /// Every row must render: this finds missing fields and unknown labels.
    fn check(&self, file: &str, rows: Vec<Row>) -> Result<Vec<Example>> {
        rows.into_iter()
            .map(|row| match self.render(&row.example) {
                Ok(_) => Ok(row.example),
                Err(problem) => Err(row_error(file, row.line, problem)),
            })
            .collect()
    }

    fn kind(&self) -> &'static str {
        match self.source {
            Source::World => "a task of the mini world",
            Source::Files { .. } => "a task with files",
            Source::User => "a task whose rows the user names",
        }
    }
}

fn row_error(file: &str, line: usize, problem: Error) -> Error {
    Error::Row { file: file.to_owned(), line, problem: problem.to_string() }
}

impl Field {
    /// A field of the same name, at the top of the row.
    pub(super) const fn same(name: &'static str) -> Self {
        Self { name, from: name, read: Read::AsIs }
    }
}

/// The task's fields of a file's row; a row whose file has no list of fields stays as it is.
fn rename(fields: &[Field], example: &Example) -> Result<Example> {
    if fields.is_empty() {
        return Ok(example.clone());
    }
    let whole = Value::Object(example.0.clone());
    let mut renamed = Map::new();
    for field in fields {
        let value =
            if field.from.starts_with('/') { whole.pointer(field.from) } else { whole.get(field.from) };
        let value = value.ok_or_else(|| {
            let found = example.0.keys().cloned().collect::<Vec<_>>().join(", ");
            Error::mismatch("row", format!("a field `{}`", field.from), format!("only the fields: {found}"))
        })?;
        renamed.insert(field.name.to_owned(), field.read.apply(field.name, value)?);
    }
    Ok(Example(renamed))
}

impl Read {
    fn apply(self, name: &str, value: &Value) -> Result<Value> {
        match (self, value) {
            (Read::AsIs, value) => Ok(value.clone()),
            (Read::Unquoted, Value::String(text)) => Ok(Value::String(data::unquote(text))),
            (Read::Unquoted, value) => Ok(value.clone()),
            (Read::Values(table), value) => {
                let raw = Example::new([(name, value.clone())]).text(name)?;
                let ours =
                    table.iter().find(|(theirs, _)| *theirs == raw).map(|(_, ours)| Value::from(*ours));
                ours.ok_or_else(|| {
                    let known = table.iter().map(|(theirs, _)| *theirs).collect::<Vec<_>>().join(", ");
                    Error::mismatch(format!("field `{name}`"), format!("one of {known}"), format!("`{raw}`"))
                })
            }
        }
    }
}
