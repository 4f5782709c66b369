//! The corpus's rows for the library's experiments.

use promot_core::data::{Example, Split};
use promot_core::task::{DataSource, Task};
use promot_core::train::DatasetProvider;
use promot_core::{Error, Result};

use crate::rows::rows;

/// Gives generated rows alone: no files are needed.
pub struct Generated;

impl DatasetProvider for Generated {
    fn rows(&self, task: &Task, split: Split, limit: usize) -> Result<Vec<Example>> {
        match &task.source {
            DataSource::Generated(name) => rows(name, split, limit),
            _ => Err(Error::mismatch(
                format!("task {}", task.name),
                "a task whose rows are generated",
                "another",
            )),
        }
    }
}
