//! The rows of a run's tasks, read once.

use crate::data::{Example, Split};
use crate::error::{Error, Result};
use crate::eval::TaskRows;
use crate::spec::RunSpec;
use crate::task::Task;

/// Where rows and prompt files come from.
pub trait Rows {
    /// The rows of a split, at most `limit` (0 for all).
    fn rows(&self, task: &'static Task, split: Split, limit: usize) -> Result<Vec<Example>>;

    /// The numbers of the prompt file that a spec names.
    fn prompt(&self, file: &str) -> Result<Vec<f32>> {
        Err(Error::mismatch(format!("prompt {file}"), "a caller that reads files", "none"))
    }
}

/// The mini world's rows: no files are needed.
pub struct WorldRows;

impl Rows for WorldRows {
    fn rows(&self, task: &'static Task, split: Split, limit: usize) -> Result<Vec<Example>> {
        task.world_rows(split, limit)
    }
}

/// All that a run trains on and scores.
pub(super) struct Data {
    pub targets: Vec<Target>,
    pub unseen: Vec<Unseen>,
}

/// A tuned task.
pub(super) struct Target {
    pub task: &'static Task,
    pub train: Vec<Example>,
    validation: Vec<Example>,
    test: Vec<Example>,
}

pub(super) struct Unseen {
    pub task: &'static Task,
    rows: Vec<Example>,
    shot_rows: Vec<Example>,
}

/// Shots are drawn from this many training rows at most.
const SHOT_ROWS: usize = 1000;

impl Data {
    pub fn read(spec: &RunSpec, rows: &dyn Rows) -> Result<Self> {
        let target = |name: &str| {
            let task = Task::by_name(name)?;
            Ok(Target {
                task,
                train: rows.rows(task, Split::Train, spec.target.train_limit)?,
                validation: rows.rows(task, Split::Validation, spec.target.validation_limit)?,
                test: rows.rows(task, Split::Test, spec.target.test_limit)?,
            })
        };
        let unseen = |name: &String| {
            let task = Task::by_name(name)?;
            Ok(Unseen {
                task,
                rows: rows.rows(task, Split::Test, spec.eval.limit)?,
                shot_rows: rows.rows(task, Split::Train, SHOT_ROWS)?,
            })
        };
        Ok(Self {
            unseen: spec.eval.tasks.iter().map(unseen).collect::<Result<_>>()?,
            targets: spec.target.tasks().into_iter().map(target).collect::<Result<_>>()?,
        })
    }

    pub fn watched(&self) -> Vec<TaskRows<'_>> {
        self.unseen.iter().map(Unseen::rows).collect()
    }
}

impl Target {
    pub fn validation(&self) -> TaskRows<'_> {
        TaskRows { task: self.task, rows: &self.validation, shot_rows: &self.train }
    }

    pub fn test(&self) -> TaskRows<'_> {
        TaskRows { task: self.task, rows: &self.test, shot_rows: &self.train }
    }
}

impl Unseen {
    pub fn rows(&self) -> TaskRows<'_> {
        TaskRows { task: self.task, rows: &self.rows, shot_rows: &self.shot_rows }
    }
}
