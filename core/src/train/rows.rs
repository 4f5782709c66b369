//! The rows of a run's tasks, read once.

use crate::checkpoint::fingerprint;
use crate::data::{Example, Split};
use crate::error::{Error, Result};
use crate::eval::TaskRows;
use crate::spec::Run;
use crate::task::Task;

/// Where rows and prompt files come from.
pub trait DatasetProvider {
    /// The rows of a split, at most `limit` (0 for all).
    fn rows(&self, task: &Task, split: Split, limit: usize) -> Result<Vec<Example>>;

    /// Which file the rows of a split, once they were asked for, are from; empty where the task says it by itself. It stands
    /// in the signature of their score.
    fn origin(&self, _task: &Task, _split: Split) -> String {
        String::new()
    }

    /// The numbers of the prompt file that a spec names.
    fn prompt(&self, file: &str) -> Result<Vec<f32>> {
        Err(Error::mismatch(format!("prompt {file}"), "a caller that reads files", "none"))
    }
}

/// All that a run trains on and scores.
pub(super) struct Data {
    pub targets: Vec<Target>,
    pub unseen: Vec<Unseen>,
    /// What stages may mix into their batches.
    pub replay: Option<Replay>,
    /// The text whose cross-entropy is taken.
    pub text: Option<Unseen>,
}

/// Rows that are trained on beside the tuned tasks'.
pub(super) struct Replay {
    pub task: Task,
    pub rows: Vec<Example>,
}

/// A tuned task.
pub(super) struct Target {
    pub task: Task,
    pub train: Vec<Example>,
    validation: Vec<Example>,
    test: Vec<Example>,
    /// Where the rows of validation and test are from.
    origins: [String; 2],
}

pub(super) struct Unseen {
    pub task: Task,
    rows: Vec<Example>,
    shot_rows: Vec<Example>,
    origin: String,
}

impl Data {
    /// # Errors
    /// Those of the provider, and a split without a row.
    pub fn read(spec: &Run, rows: &dyn DatasetProvider) -> Result<Self> {
        let some = |task: &Task, split: Split, limit: usize| {
            let found = rows.rows(task, split, limit)?;
            let what = || format!("{split:?} rows of task {}", task.name).to_lowercase();
            if found.is_empty() { Err(Error::mismatch(what(), "at least one", "none")) } else { Ok(found) }
        };
        let target = |name: &str| {
            let task = spec.tasks.by_name(name)?;
            Ok(Target {
                task: task.clone(),
                train: some(task, Split::Train, spec.target.train_limit)?,
                validation: some(task, Split::Validation, spec.target.validation_limit)?,
                test: some(task, Split::Test, spec.target.test_limit)?,
                origins: [Split::Validation, Split::Test].map(|split| rows.origin(task, split)),
            })
        };
        let replay = |name: &String| {
            let task = spec.tasks.by_name(name)?.clone();
            let rows = rows.rows(&task, Split::Train, spec.replay.limit)?;
            Ok(Replay { task, rows })
        };
        let unseen = |name: &String| {
            let task = spec.tasks.by_name(name)?;
            Ok(Unseen {
                task: task.clone(),
                rows: some(task, Split::Test, spec.eval.limit)?,
                shot_rows: rows.rows(task, Split::Train, spec.eval.shot_pool)?,
                origin: rows.origin(task, Split::Test),
            })
        };
        let named = |name| Some(name).filter(|name: &&String| !name.is_empty());
        let text = |name: &String| {
            let task = spec.tasks.by_name(name)?;
            let found = rows.rows(task, Split::Test, spec.eval.limit)?;
            let (task, origin) = (task.clone(), rows.origin(task, Split::Test));
            Ok(Unseen { task, rows: found, shot_rows: Vec::new(), origin })
        };
        Ok(Self {
            replay: named(&spec.replay.task).map(replay).transpose()?,
            text: named(&spec.eval.text).map(text).transpose()?,
            unseen: spec.eval.tasks.iter().map(unseen).collect::<Result<_>>()?,
            targets: spec.target.tasks().into_iter().map(target).collect::<Result<_>>()?,
        })
    }

    /// SHA-256 of all rows that are trained on or scored, but those that are replayed.
    pub fn hash(&self) -> Result<String> {
        let targets = self.targets.iter().map(|target| Ok((target.hash()?, hash(&target.test)?)));
        let scored = self.unseen.iter().chain(&self.text);
        let scored = scored.map(|task| Ok((hash(&task.rows)?, hash(&task.shot_rows)?)));
        fingerprint(&(targets.collect::<Result<Vec<_>>>()?, scored.collect::<Result<Vec<_>>>()?))
    }

    pub fn held_out(&self) -> Vec<TaskRows<'_>> {
        self.unseen.iter().map(Unseen::rows).collect()
    }
}

impl Replay {
    /// SHA-256 of the rows.
    pub fn hash(&self) -> Result<String> {
        hash(&self.rows)
    }
}

fn hash(rows: &[Example]) -> Result<String> {
    fingerprint(&rows.iter().map(|row| &row.0).collect::<Vec<_>>())
}

impl Target {
    /// SHA-256 of the rows that a stage is trained and chosen by.
    pub fn hash(&self) -> Result<String> {
        let rows = |rows: &[Example]| rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>();
        fingerprint(&(rows(&self.train), rows(&self.validation)))
    }

    pub fn validation(&self) -> TaskRows<'_> {
        let (rows, origin) = (&self.validation, &self.origins[0]);
        TaskRows { task: &self.task, rows, shot_rows: &self.train, origin }
    }

    pub fn test(&self) -> TaskRows<'_> {
        let (rows, origin) = (&self.test, &self.origins[1]);
        TaskRows { task: &self.task, rows, shot_rows: &self.train, origin }
    }
}

impl Unseen {
    pub fn rows(&self) -> TaskRows<'_> {
        TaskRows { task: &self.task, rows: &self.rows, shot_rows: &self.shot_rows, origin: &self.origin }
    }
}
