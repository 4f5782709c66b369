//! Rows of tasks: the synthetic corpus's need no files, the others come from `--data`.
//!
//! A folder holds the tasks' own published files, or `train`, `validation` and `test` of the user's task, each
//! as .jsonl, .json, .csv or .tsv. A single file is one data set without splits.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use promot_core::data::{Example, Split};
use promot_core::task::{DataSource, FileRows, Task};
use promot_core::train::DatasetProvider;
use promot_core::{Error, Result};

use super::prompt_folder;

const ENDINGS: [&str; 4] = ["jsonl", "json", "csv", "tsv"];

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
                let rows = task.rows_from_files(split, &|name| read_or_none(&folder.join(name)))?;
                self.labelled(folder, rows)
            }
            (Some(folder), DataSource::Given) => self.user_rows(task, folder, split)?,
        };
        if limit > 0 {
            rows.truncate(limit);
        }
        Ok(rows)
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
        Self { data, whole, d_model, told: RefCell::default() }
    }

    /// `train.jsonl` and the like; a task without a test file is tested on its validation rows.
    fn user_rows(&self, task: &Task, folder: &Path, split: Split) -> Result<Vec<Example>> {
        let stems: &[&str] = match split {
            Split::Train => &["train"],
            Split::Validation => &["validation"],
            Split::Test => &["test", "validation"],
        };
        let paths =
            stems.iter().flat_map(|stem| ENDINGS.map(|ending| folder.join(format!("{stem}.{ending}"))));
        for path in paths {
            if let Some(bytes) = read_or_none(&path)? {
                return Ok(self.labelled(&path, task.rows_from_bytes(&shown(&path), &bytes)?));
            }
        }
        let expected = format!("a file {}.jsonl (or .json, .csv, .tsv) in {}", stems[0], folder.display());
        Err(Error::mismatch(format!("task {}", task.name), expected, "none"))
    }

    /// The rows with a label; how many have none is said once a file.
    fn labelled(&self, path: &Path, rows: FileRows) -> Vec<Example> {
        if rows.unlabelled > 0 && self.told.borrow_mut().insert((path.to_owned(), rows.unlabelled)) {
            eprintln!("{}: {} without a gold label left out", path.display(), counted(rows.unlabelled));
        }
        rows.examples
    }
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
