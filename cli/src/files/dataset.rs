//! Rows of tasks: the synthetic corpus's need no files, the others come from `--data`.
//!
//! A folder holds the tasks' own published files, data sets as the hub has them, or `train`, `validation` and `test` of
//! the user's task, in any format that the library reads. A single file is one data set without splits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use promot_core::data::{Example, Split, split_files};
use promot_core::task::{DataFolder, DataSource, FileRows, Task};
use promot_core::train::DatasetProvider;
use promot_core::{Error, Result};

use super::prompt_folder;

/// Folders within each other that are looked into, and most files that are looked at: `--data` may name anything.
const MOST_DEPTH: usize = 4;
const MOST_FILES: usize = 100_000;

/// Where the hub keeps a data set of one configuration, and everyone else.
const HOMES: [&str; 3] = ["", "data", "default"];

/// How a file without splits is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Every row is asked; there are none to learn from.
    Test,
    /// The last tenth validates, the tenth before it tests, the rest trains.
    Divided,
}

/// Where `--data` points, and what a spec's prompt file must fit.
pub struct Dataset {
    pub data: Option<PathBuf>,
    pub whole: Whole,
    pub d_model: usize,
    /// Files and counts of rows that were left out, and of which the user knows.
    told: RefCell<BTreeSet<(PathBuf, usize)>>,
    /// The files that rows were read from, where their task does not say it.
    origins: RefCell<BTreeMap<(String, Split), String>>,
}

impl DatasetProvider for Dataset {
    fn rows(&self, task: &Task, split: Split, limit: usize) -> Result<Vec<Example>> {
        let mut rows = match (&self.data, &task.source) {
            // A file is what the user wants for this very task, wherever else it could come from.
            (Some(file), _) if file.is_file() => {
                let rows = task.rows_from_bytes(&shown(file), &read(file)?)?;
                part(self.whole, split, self.labelled(file, rows))
            }
            (_, DataSource::Generated(name)) => promot_world::rows(name, split, limit)?,
            (None, _) => return Err(needed(task, "none")),
            (Some(path), _) if !path.is_dir() => {
                return Err(needed(task, &format!("no such folder or file {}", path.display())));
            }
            (Some(folder), DataSource::Files(_)) => {
                let rows = task.rows_from_files(split, &OnDisk(folder))?;
                self.labelled(folder, self.noted(task, split, rows))
            }
            (Some(folder), DataSource::Given) => {
                let rows = user_rows(task, folder, split)?;
                self.labelled(folder, self.noted(task, split, rows))
            }
        };
        if limit > 0 {
            rows.truncate(limit);
        }
        Ok(rows)
    }

    fn origin(&self, task: &Task, split: Split) -> String {
        self.origins.borrow().get(&(task.name.clone(), split)).cloned().unwrap_or_default()
    }

    fn prompt(&self, file: &str) -> Result<Vec<f32>> {
        let storage = |error: anyhow::Error| Error::Storage(format!("{error:#}"));
        let prompt = prompt_folder::read(Path::new(file)).map_err(storage)?;
        prompt_folder::check(&prompt, file, self.d_model)?;
        Ok(prompt.values)
    }
}

fn part(whole: Whole, split: Split, mut rows: Vec<Example>) -> Vec<Example> {
    let tenth = (rows.len() / 10).max(1).min(rows.len() / 3);
    let (test, validation) = (rows.len() - 2 * tenth, rows.len() - tenth);
    match (whole, split) {
        (Whole::Test, Split::Test) => rows,
        (Whole::Test, _) => Vec::new(),
        (Whole::Divided, Split::Validation) => rows.split_off(validation),
        (Whole::Divided, Split::Test) => rows.drain(test..validation).collect(),
        (Whole::Divided, Split::Train) => {
            rows.truncate(test);
            rows
        }
    }
}

impl Dataset {
    pub fn new(data: Option<PathBuf>, whole: Whole, d_model: usize) -> Self {
        Self { data, whole, d_model, told: RefCell::default(), origins: RefCell::default() }
    }

    /// The rows, whose origin is kept.
    fn noted(&self, task: &Task, split: Split, rows: FileRows) -> FileRows {
        self.origins.borrow_mut().insert((task.name.clone(), split), rows.origin.clone());
        rows
    }

    /// The rows with a label; how many have none is said once a file.
    fn labelled(&self, path: &Path, rows: FileRows) -> Vec<Example> {
        if rows.unlabelled > 0 && self.told.borrow_mut().insert((path.to_owned(), rows.unlabelled)) {
            eprintln!("{}: {} without a gold label left out", path.display(), counted(rows.unlabelled));
        }
        rows.examples
    }
}

/// `train.jsonl` and the like; a task without a test file is tested on its validation rows, and its scores say so.
fn user_rows(task: &Task, folder: &Path, split: Split) -> Result<FileRows> {
    let paths = OnDisk(folder).list()?;
    let (first, names): (&str, &[Split]) = match split {
        Split::Train => ("train", &[Split::Train]),
        Split::Validation => ("validation", &[Split::Validation]),
        Split::Test => ("test", &[Split::Test, Split::Validation]),
    };
    for named in names {
        let shards = HOMES.iter().map(|home| split_files(&paths, home, *named));
        if let Some(shards) = shards.into_iter().find(|shards| !shards.is_empty()) {
            let mut rows = task.rows_from_shards(&shards, &OnDisk(folder))?;
            if *named != split {
                rows.origin.clone_from(&shards[0].path);
            }
            return Ok(rows);
        }
    }
    let expected = format!("a file {first}.jsonl (or .json, .csv, .tsv, .parquet) in {}", folder.display());
    Err(Error::mismatch(format!("task {}", task.name), expected, "none"))
}

/// A folder of the user's.
struct OnDisk<'a>(&'a Path);

impl DataFolder for OnDisk<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        read_or_none(&self.0.join(path))
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        list_below(self.0, "", MOST_DEPTH, &mut found)?;
        Ok(found)
    }
}

/// Adds the files of a folder, those of hidden folders aside; `prefix` stands before their names.
fn list_below(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) -> Result<()> {
    let problem = |error| Error::Storage(format!("listing {}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        // What a link leads to counts: the hub's cache consists of links.
        let is_folder = entry.path().is_dir();
        if is_folder && depth > 1 && !name.starts_with('.') {
            list_below(&entry.path(), &format!("{path}/"), depth - 1, found)?;
        } else if !is_folder {
            found.push(path);
        }
        if found.len() > MOST_FILES {
            let expected = format!("at most {MOST_FILES} files");
            return Err(Error::mismatch(folder.display(), expected, "more; name the data set's own folder"));
        }
    }
    Ok(())
}

fn counted(rows: usize) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn needed(task: &Task, found: &str) -> Error {
    Error::mismatch(format!("task {}", task.name), "its rows: a folder or a file with --data", found)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::Storage(format!("reading {}: {error}", path.display())))
}

fn read_or_none(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Storage(format!("reading {}: {error}", path.display()))),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(data: &Path, whole: Whole) -> Dataset {
        Dataset::new(Some(data.to_owned()), whole, 8)
    }

    fn task() -> &'static Task {
        crate::catalog::tasks().by_name("text2text").unwrap()
    }

    fn lines(count: usize) -> String {
        (0..count).map(|n| format!("{{\"input\": \"{n}\", \"target\": \"t\"}}\n")).collect()
    }

    #[test]
    fn a_file_is_divided_without_overlap_or_asked_whole() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("rows.jsonl");
        fs::write(&file, lines(25)).unwrap();
        let count = |whole, split| dataset(&file, whole).rows(task(), split, 0).unwrap().len();
        assert_eq!(
            [Split::Train, Split::Validation, Split::Test].map(|s| count(Whole::Divided, s)),
            [21, 2, 2]
        );
        assert_eq!([Split::Train, Split::Test].map(|s| count(Whole::Test, s)), [0, 25]);
        let mut all: Vec<String> = [Split::Train, Split::Validation, Split::Test]
            .iter()
            .flat_map(|split| dataset(&file, Whole::Divided).rows(task(), *split, 0).unwrap())
            .map(|row| row.text("input").unwrap())
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 25);
    }

    #[test]
    fn a_folder_has_one_file_a_split() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("train.jsonl"), lines(5)).unwrap();
        let data = dataset(root.path(), Whole::Divided);
        assert_eq!(data.rows(task(), Split::Train, 3).unwrap().len(), 3);
        let error = data.rows(task(), Split::Test, 0).unwrap_err().to_string();
        assert!(error.contains("test.jsonl"), "{error}");
        fs::write(root.path().join("validation.csv"), "input,target\na,b\n").unwrap();
        assert_eq!(data.rows(task(), Split::Test, 0).unwrap().len(), 1);
    }

    #[test]
    fn a_row_without_a_field_is_named_by_file_and_line() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("rows.jsonl");
        fs::write(&file, "{\"input\": \"a\", \"target\": \"b\"}\n{\"input\": \"a\"}\n").unwrap();
        let error = dataset(&file, Whole::Test).rows(task(), Split::Test, 0).unwrap_err().to_string();
        assert!(error.contains("rows.jsonl, line 2") && error.contains("`target`"), "{error}");
    }
}
