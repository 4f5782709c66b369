//! What the program knows without the user's files: tasks and presets; and the tasks of the user's TOML files.

use std::fs;

use promot_core::content;
use promot_core::report::Report;
use promot_core::spec::{PresetList, RunSpec};
use promot_core::task::{Task, TaskList, TaskRef};
use promot_core::{Error, Result};

pub fn tasks() -> &'static TaskList {
    &promot_world::catalog().tasks
}

pub fn presets() -> &'static PresetList {
    &promot_world::catalog().presets
}

/// The tasks that a report may name: the program's and the run's own.
pub fn tasks_of(report: &Report) -> TaskList {
    report.spec.known_tasks(tasks()).unwrap_or_else(|_| tasks().clone())
}

/// Puts the tasks of TOML files that the spec refers to into it.
pub fn define_tasks(spec: &mut RunSpec) -> Result<()> {
    spec.define_tasks(tasks(), &read)
}

/// The task of this name, or of a TOML file.
pub fn task(reference: &TaskRef) -> Result<Task> {
    match reference {
        TaskRef::Name(name) => tasks().by_name(name).cloned(),
        TaskRef::File(file) => Task::from_toml(&read(file)?, file, tasks()),
    }
}

fn read(file: &str) -> Result<String> {
    let bytes = fs::read(file).map_err(|error| Error::Storage(format!("reading {file}: {error}")))?;
    Ok(content::text(file, &bytes)?.to_owned())
}
