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
    /// The same rows as the hub has them, for a data folder without the files above; the first that is there counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hub: Vec<Hub>,
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

/// A data set of the Hugging Face hub, downloaded as it is: a folder in which every configuration has its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// Its name there, without the owner's: `super_glue`.
    pub name: String,
    /// The configuration, where there are several: `rte`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// As for files.
    #[serde(default)]
    pub fields: Vec<Field>,
    #[serde(default)]
    pub train: Part,
    #[serde(default)]
    pub validation: Part,
    #[serde(default)]
    pub test: Part,
}

/// Which rows of a data set's split are the task's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Part {
    /// The one of the same name where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    pub skip: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<usize>,
}

impl Hub {
    pub fn part(&self, split: Split) -> &Part {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }

    /// Where its files may be below the data folder, which may hold several data sets or be this one: a configuration's
    /// own folder, or `data` and `default`, which the hub has for data sets without configurations.
    pub fn folders(&self) -> Vec<String> {
        let (name, in_name) = (&self.name, |folder: &str| format!("{}/{folder}", self.name));
        let config = self.config.iter().flat_map(|config| [in_name(config), config.clone()]);
        let plain = [in_name("data"), in_name("default"), name.clone()];
        config.chain(plain).chain(["data", "default", ""].map(str::to_owned)).collect()
    }

    pub fn describe(&self) -> String {
        self.config.as_ref().map_or_else(|| self.name.clone(), |config| format!("{} ({config})", self.name))
    }
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
    /// The column is a list, and a row of the file becomes one row for each of its elements, in step with the other fields
    /// that say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each: bool,
    /// Text that may stand in a table's quotation marks loses them.
    #[serde(default)]
    pub unquote: bool,
    /// The file's values and ours; any other value is an error. Empty where values stay as they are.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// The names of numbered classes, from 0, as the hub exports them; what is no number stays as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}
