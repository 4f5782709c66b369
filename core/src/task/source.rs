//! Where a task's rows come from, as its TOML file says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{FileFormat, Split};

/// Where rows come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSource {
    /// What the user names with `--data`.
    #[default]
    Given,
    /// A generator of the caller's, which knows the rows by this name; no files are needed.
    Generated(String),
    /// Files below the data folder.
    Files(Files),
}

/// The files of each split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// For files that list no fields of their own.
    pub fields: Vec<Field>,
    pub train: Vec<File>,
    pub validation: Vec<File>,
    pub test: Vec<File>,
}

impl Files {
    pub fn of(&self, split: Split) -> &[File] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

/// One file (or one pair of aligned files) of a data set, in its original format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub path: String,
    /// What the path's ending says where it is left out.
    pub format: Option<FileFormat>,
    /// A second file whose lines are the targets of this file's lines; rows then have the fields `source` and `target`.
    pub aligned: Option<String>,
    /// Where the task's fields stand in a row; where there is no list, the file has them under the same names.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// The first rows are left out: several splits may share a file.
    #[serde(default)]
    pub skip: usize,
    /// Most rows after those; all where it is left out.
    pub take: Option<usize>,
}

/// Where one of the task's fields stands in a row of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The task's name for it.
    pub name: String,
    /// A column, or with a leading slash a JSON pointer (RFC 6901): `/question/choices/0/text`. The field's own name
    /// where it is left out.
    pub from: Option<String>,
    /// Text that may stand in a table's quotation marks loses them.
    #[serde(default)]
    pub unquote: bool,
    /// The file's values and ours; any other value is an error. Empty where values stay as they are.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}
