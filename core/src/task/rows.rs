//! From a task's files to rows with the task's fields. Whoever calls opens the files; what stands in them is
//! checked here, so that a wrong row is reported with its file and line before any training begins.

use serde_json::{Map, Value};

use super::{DataSource, Field, File, Task};
use crate::data::{self, Example, FileFormat, Row, Split};
use crate::error::{At, Error, Result};
use crate::template;

/// One split of one task: a path below the data folder gives bytes, or nothing where there is no such file.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>>;

/// Rows of a file or of a split's files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRows {
    pub examples: Vec<Example>,
    /// Rows that were left out because they have no gold label.
    pub unlabelled: usize,
}

/// What data sets write where annotators did not agree or the label is kept back.
const UNLABELLED: [&str; 3] = ["-", "-1", ""];

impl Task {
    /// The rows of a split from the task's own files below the data folder.
    ///
    /// # Errors
    /// A task without files, a missing file, one that ends before the split begins, or a row that the task cannot use,
    /// with file and line.
    pub fn rows_from_files(&self, split: Split, read: ReadFile<'_>) -> Result<FileRows> {
        let DataSource::Files(files) = &self.source else {
            let expected = "a task with files of its own";
            return Err(Error::mismatch(format!("task {}", self.name), expected, self.source.describe()));
        };
        let mut all = FileRows::default();
        for file in files.of(split) {
            let fields = if file.fields.is_empty() { &files.fields } else { &file.fields };
            let rows = self.rows_of(file, fields, read)?;
            all.examples.extend(rows.examples);
            all.unlabelled += rows.unlabelled;
        }
        Ok(all)
    }

    /// Rows of a file that the user names, which must have the task's own fields. Its ending says how it is
    /// written: `.jsonl`, `.json`, `.csv` or `.tsv`.
    pub fn rows_from_bytes(&self, file: &str, bytes: &[u8]) -> Result<FileRows> {
        self.check_rows(file, data::parse(file, bytes)?)
    }

    fn rows_of(&self, file: &File, fields: &[Field], read: ReadFile<'_>) -> Result<FileRows> {
        let open = |path: &str| {
            read(path)?.ok_or_else(|| {
                let expected = format!("a file {path} in the data folder");
                Error::mismatch(format!("task {}", self.name), expected, "none")
            })
        };
        let bytes = open(&file.path)?;
        let most = file.take.map_or(usize::MAX, |take| file.skip.saturating_add(take));
        let rows = match (&file.aligned, file.format) {
            (Some(target), _) => data::aligned((&file.path, &bytes), (target, &open(target)?))?,
            (None, Some(format)) => format.parse(&file.path, &bytes, most)?,
            (None, None) => FileFormat::of(&file.path)?.parse(&file.path, &bytes, most)?,
        };
        if file.skip > 0 && rows.len() <= file.skip {
            let expected =
                format!("more than the {} rows that belong to other splits of task {}", file.skip, self.name);
            return Err(Error::mismatch(&file.path, expected, rows.len()));
        }
        let mut rows: Vec<Row> =
            rows.into_iter().skip(file.skip).take(file.take.unwrap_or(usize::MAX)).collect();
        for row in &mut rows {
            let renamed = self.rename(fields, &row.example);
            row.example = renamed.map_err(|problem| row_error(&file.path, row.at, problem))?;
        }
        self.check_rows(&file.path, rows)
    }

    /// Every row must render: this finds missing fields and unknown labels.
    fn check_rows(&self, file: &str, rows: Vec<Row>) -> Result<FileRows> {
        let mut found = FileRows::default();
        for row in rows {
            if self.is_unlabelled(&row.example) {
                found.unlabelled += 1;
                continue;
            }
            self.render(&row.example).map_err(|problem| row_error(file, row.at, problem))?;
            found.examples.push(row.example);
        }
        Ok(found)
    }

    /// Whether the row's label is none of the choices, but a mark that there is no label.
    fn is_unlabelled(&self, example: &Example) -> bool {
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

    /// The task's fields of a file's row; a row whose file has no list of fields stays as it is.
    fn rename(&self, fields: &[Field], example: &Example) -> Result<Example> {
        if fields.is_empty() {
            return Ok(example.clone());
        }
        let labels = self.label_fields();
        let whole = Value::Object(example.0.clone());
        let mut renamed = Map::new();
        for field in fields {
            let from = field.from.as_ref().unwrap_or(&field.name);
            let value = if from.starts_with('/') { whole.pointer(from) } else { whole.get(from) };
            let value = value.ok_or_else(|| {
                let found = example.0.keys().cloned().collect::<Vec<_>>().join(", ");
                Error::mismatch("row", format!("a field `{from}`"), format!("only the fields: {found}"))
            })?;
            let no_label = labels.contains(&field.name.as_str()) && self.is_no_label(value);
            let value = if no_label && !field.knows(value) { Value::Null } else { field.read(value)? };
            renamed.insert(field.name.clone(), value);
        }
        Ok(Example(renamed))
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

fn row_error(file: &str, at: At, problem: Error) -> Error {
    Error::Row { file: file.to_owned(), at, problem: problem.to_string() }
}

impl Field {
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
