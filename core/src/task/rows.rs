//! From a task's files to rows with the task's fields. Whoever calls opens the files; what stands in them is
//! checked here, so that a wrong row is reported with its file and line before any training begins.

use super::source::{Field, File, Files, Hub, Part};
use super::{DataSource, Task};
use crate::data::{self, Example, FileFormat, Row, Shard, Split, split_files};
use crate::error::{At, Error, Result};

/// What a user keeps data sets in. Paths are below it, with `/` between their parts.
pub trait DataFolder {
    /// The bytes of a file, or nothing where there is none.
    ///
    /// # Errors
    /// A file that cannot be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// The paths of all files.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    fn list(&self) -> Result<Vec<String>>;
}

/// Files that are read by name; nothing is found by looking around.
impl<F: Fn(&str) -> Result<Option<Vec<u8>>>> DataFolder for F {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self(path)
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Rows of a file or of a split's files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRows {
    pub examples: Vec<Example>,
    /// Rows that were left out because they have no gold label.
    pub unlabelled: usize,
    /// Which file they are from, where the task does not say it by itself; for a score's signature.
    pub origin: String,
}

impl Task {
    /// The rows of a split from the task's own files below the data folder, or else from the same data set as the hub has
    /// it.
    ///
    /// # Errors
    /// A task without files, a missing file, one that ends before the split begins, or a row that the task cannot use,
    /// with file and line.
    pub fn rows_from_files(&self, split: Split, folder: &dyn DataFolder) -> Result<FileRows> {
        let DataSource::Files(files) = &self.source else {
            let expected = "a task with files of its own";
            return Err(Error::mismatch(format!("task {}", self.name), expected, self.source.describe()));
        };
        let mut all = FileRows::default();
        for (at, file) in files.of(split).iter().enumerate() {
            let Some(bytes) = folder.read(&file.path)? else {
                let hub = if at == 0 { self.rows_from_hub(files, split, folder)? } else { None };
                return hub.ok_or_else(|| self.missing(Some(&file.path), &files.hub));
            };
            let rows = self.rows_of(file, files, &bytes, folder)?;
            all.examples.extend(rows.examples);
            all.unlabelled += rows.unlabelled;
        }
        if files.of(split).is_empty() && !files.hub.is_empty() {
            let hub = self.rows_from_hub(files, split, folder)?;
            return hub.ok_or_else(|| self.missing(None, &files.hub));
        }
        Ok(all)
    }

    /// Rows of a file that the user names, which has the task's own fields or the columns that one of the task's files has,
    /// on the hub or elsewhere. Its ending says how it is written.
    ///
    /// # Errors
    /// A row that the task cannot use, with file and line.
    pub fn rows_from_bytes(&self, file: &str, bytes: &[u8]) -> Result<FileRows> {
        let rows = data::parse(file, bytes)?;
        let is_ours = rows.first().is_none_or(|row| self.render(&row.example).is_ok());
        let fields = match &self.source {
            DataSource::Files(files) if !is_ours => fitting(&[], files, &rows),
            _ => &[],
        };
        self.check_rows(file, fields, rows)
    }

    /// The rows of files that are one split, in their order.
    ///
    /// # Errors
    /// A file that is not there, and what `rows_from_bytes` refuses.
    pub fn rows_from_shards(&self, shards: &[Shard], folder: &dyn DataFolder) -> Result<FileRows> {
        let files = Files::default();
        let files = if let DataSource::Files(files) = &self.source { files } else { &files };
        self.rows_of_shards(shards, &Part::default(), &[], files, folder)
    }

    fn rows_of(&self, file: &File, files: &Files, bytes: &[u8], folder: &dyn DataFolder) -> Result<FileRows> {
        let most = file.take.map_or(usize::MAX, |take| file.skip.saturating_add(take));
        let rows = match (&file.aligned, file.format) {
            (Some(target), _) => {
                let targets = folder.read(target)?.ok_or_else(|| self.missing(Some(target), &[]))?;
                data::aligned((&file.path, bytes), (target, &targets))?
            }
            (None, Some(format)) => format.parse(&file.path, bytes, most)?,
            (None, None) => FileFormat::of(&file.path)?.parse(&file.path, bytes, most)?,
        };
        let own = if file.fields.is_empty() { &files.fields } else { &file.fields };
        let fields = if file.aligned.is_some() { own } else { fitting(own, files, &rows) };
        self.check_skip(&file.path, file.skip, rows.len())?;
        let rows = rows.into_iter().skip(file.skip).take(file.take.unwrap_or(usize::MAX)).collect();
        self.check_rows(&file.path, fields, rows)
    }

    /// Nothing where the folder has none of the data sets in which the hub has this task.
    fn rows_from_hub(
        &self,
        files: &Files,
        split: Split,
        folder: &dyn DataFolder,
    ) -> Result<Option<FileRows>> {
        if files.hub.is_empty() {
            return Ok(None);
        }
        let paths = folder.list()?;
        for hub in &files.hub {
            let part = hub.part(split);
            let shards = hub
                .folders()
                .into_iter()
                .map(|folder| split_files(&paths, &folder, part.split.unwrap_or(split)));
            if let Some(shards) = shards.into_iter().find(|shards| !shards.is_empty()) {
                let mut rows = self.rows_of_shards(&shards, part, &hub.fields, files, folder)?;
                rows.origin = origin(&shards, part);
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// The rows of one split that belong to the part, read as far as they are needed.
    fn rows_of_shards(
        &self,
        shards: &[Shard],
        part: &Part,
        fields: &[Field],
        files: &Files,
        folder: &dyn DataFolder,
    ) -> Result<FileRows> {
        let (mut all, mut n_seen) = (FileRows::default(), 0);
        let most = part.take.map_or(usize::MAX, |take| part.skip.saturating_add(take));
        for (at, shard) in shards.iter().enumerate() {
            if n_seen >= most {
                break;
            }
            check_number(shard, at)?;
            let bytes = folder.read(&shard.path)?.ok_or_else(|| self.missing(Some(&shard.path), &[]))?;
            let rows = FileFormat::of(&shard.path)?.parse(&shard.path, &bytes, most - n_seen)?;
            let n_skipped = part.skip.saturating_sub(n_seen);
            let fields = fitting(fields, files, &rows);
            let here = rows.len();
            let rows = rows.into_iter().take(most - n_seen).skip(n_skipped).collect();
            n_seen += here;
            let rows = self.check_rows(&shard.path, fields, rows)?;
            all.examples.extend(rows.examples);
            all.unlabelled += rows.unlabelled;
        }
        if let Some(last) = shards.last().filter(|_| n_seen < most) {
            check_last(last, shards.len())?;
            self.check_skip(&last.path, part.skip, n_seen)?;
        }
        Ok(all)
    }

    fn check_skip(&self, file: &str, skip: usize, found: usize) -> Result<()> {
        if skip == 0 || found > skip {
            return Ok(());
        }
        let expected = format!("more than the {skip} rows that belong to other splits of task {}", self.name);
        Err(Error::mismatch(file, expected, found))
    }

    /// Every row must render: this finds missing fields and unknown labels.
    fn check_rows(&self, file: &str, fields: &[Field], rows: Vec<Row>) -> Result<FileRows> {
        let mut found = FileRows::default();
        for row in rows {
            let wrong = |problem| row_error(file, row.at, problem);
            for example in self.rename(fields, &row.example).map_err(wrong)? {
                if self.is_unlabelled(&example) {
                    found.unlabelled += 1;
                    continue;
                }
                self.render(&example).map_err(wrong)?;
                found.examples.push(example);
            }
        }
        Ok(found)
    }

    fn missing(&self, path: Option<&str>, hubs: &[Hub]) -> Error {
        let path = path.map(|path| format!("a file {path}"));
        let hubs = hubs.iter().map(|hub| format!("the hub's {}", hub.describe()));
        let either = path.into_iter().chain(hubs).collect::<Vec<_>>().join(", or ");
        let expected = format!("{either} in the data folder");
        Error::mismatch(format!("task {}", self.name), expected, "none")
    }
}

/// The first list of fields whose columns the first row has: `own`, the files', the hub's. Where none fits, `own` says
/// what is missing.
fn fitting<'a>(own: &'a [Field], files: &'a Files, rows: &[Row]) -> &'a [Field] {
    let Some(first) = rows.first() else { return own };
    let lists = [own, &files.fields].into_iter().chain(files.hub.iter().map(|hub| hub.fields.as_slice()));
    let fits = |fields: &&[Field]| {
        !fields.is_empty() && fields.iter().all(|field| field.find(&first.example).is_some())
    };
    lists.into_iter().find(fits).unwrap_or(own)
}

/// Whether a numbered file is the next one.
fn check_number(shard: &Shard, at: usize) -> Result<()> {
    match shard.number {
        Some((number, count)) if number != at => {
            Err(Error::mismatch(&shard.path, format!("file {} of {count} before it", at + 1), "none"))
        }
        _ => Ok(()),
    }
}

fn check_last(last: &Shard, found: usize) -> Result<()> {
    match last.number {
        Some((_, count)) if count != found => {
            Err(Error::mismatch(&last.path, format!("all {count} files of the split"), found))
        }
        _ => Ok(()),
    }
}

/// The file, and which rows of it where not all are meant: `rte/train-00000-of-00001.parquet[250:]`.
fn origin(shards: &[Shard], part: &Part) -> String {
    let first = shards.first().map(|shard| shard.path.as_str()).unwrap_or_default();
    let more = if shards.len() > 1 { format!("+{}", shards.len() - 1) } else { String::new() };
    let end = part.take.map(|take| part.skip.saturating_add(take).to_string());
    let rows = match (part.skip, end) {
        (0, None) => String::new(),
        (skip, end) => format!("[{skip}:{}]", end.unwrap_or_default()),
    };
    format!("{first}{more}{rows}")
}

fn row_error(file: &str, at: At, problem: Error) -> Error {
    Error::Row { file: file.to_owned(), at, problem: problem.to_string() }
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
