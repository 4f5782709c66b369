//! The tasks that a run knows.

use toml::{Table, Value};

use super::RunSpec;
use crate::error::{Error, Result};
use crate::task::{Task, TaskList, TaskRef};

impl RunSpec {
    /// The tasks that the program knows and the spec's own.
    ///
    /// # Errors
    /// An own task that makes no sense, or whose name another one has.
    pub fn known_tasks(&self, tasks: &TaskList) -> Result<TaskList> {
        self.own_tasks.iter().try_fold(tasks.clone(), |list, task| {
            task.check("the spec")?;
            list.with(task.clone())
        })
    }

    /// Puts the tasks of TOML files that the spec refers to into it: the definition among its own tasks, the name in the
    /// file's place. `read` gives the text of a file. The spec is then whole without those files.
    ///
    /// # Errors
    /// Those of `read` and of `Task::from_toml`.
    pub fn define_tasks(&mut self, tasks: &TaskList, read: &dyn Fn(&str) -> Result<String>) -> Result<()> {
        let (target, eval) = (&mut self.target, &mut self.eval);
        let single = [&mut target.task, &mut eval.text, &mut self.replay.task].into_iter();
        for place in single.chain(&mut target.also).chain(&mut eval.tasks) {
            let Ok(TaskRef::File(file)) = place.parse() else { continue };
            let task = Task::from_toml(&read(&file)?, &file, tasks)?;
            place.clone_from(&task.name);
            if !self.own_tasks.contains(&task) {
                self.own_tasks.push(task);
            }
        }
        Ok(())
    }
}

/// Writes the tasks of a spec's table out that are `like` one of `known` or like one before them. What is no list of
/// tables is left to whoever reads the spec.
pub(super) fn fill_in(spec: &mut Table, source: &str, known: &TaskList) -> Result<()> {
    let Some(Value::Array(tasks)) = spec.get_mut("task") else { return Ok(()) };
    let mut known = known.clone();
    for task in tasks {
        let Some(table) = task.as_table().filter(|table| table.contains_key("like")) else { continue };
        let whole = Task::from_table(table.clone(), source, &known)?;
        *task = Value::try_from(&whole).map_err(|error| Error::format(source, error))?;
        known = known.with(whole)?;
    }
    Ok(())
}
