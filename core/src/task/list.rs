//! The tasks that a program knows: the built-in ones, and whatever it adds.

use std::sync::LazyLock;

use super::Task;
use crate::error::{Error, Result};

/// The paper's twelve and SNLI on their published files, running text, and one for the user's own rows. A new one is a file in
/// core/tasks and a line here.
#[rustfmt::skip]
const FILES: &[(&str, &str)] = &[
    ("rte.toml", include_str!("../../tasks/rte.toml")),
    ("cb.toml", include_str!("../../tasks/cb.toml")),
    ("wic.toml", include_str!("../../tasks/wic.toml")),
    ("snli.toml", include_str!("../../tasks/snli.toml")),
    ("openbookqa.toml", include_str!("../../tasks/openbookqa.toml")),
    ("triviaqa.toml", include_str!("../../tasks/triviaqa.toml")),
    ("triviaqa-ranked.toml", include_str!("../../tasks/triviaqa-ranked.toml")),
    ("web_questions.toml", include_str!("../../tasks/web_questions.toml")),
    ("wmt_enfr.toml", include_str!("../../tasks/wmt_enfr.toml")),
    ("wmt_ende.toml", include_str!("../../tasks/wmt_ende.toml")),
    ("wmt_enro.toml", include_str!("../../tasks/wmt_enro.toml")),
    ("xsum.toml", include_str!("../../tasks/xsum.toml")),
    ("wikilingua.toml", include_str!("../../tasks/wikilingua.toml")),
    ("wikitext.toml", include_str!("../../tasks/wikitext.toml")),
    ("repeat-chat.toml", include_str!("../../tasks/repeat-chat.toml")),
    ("text2text.toml", include_str!("../../tasks/text2text.toml")),
];

/// The library's own tasks.
pub fn built_in() -> &'static TaskList {
    static BUILT_IN: LazyLock<TaskList> = LazyLock::new(|| {
        TaskList::default().with_files(FILES).expect("the library's own tasks are valid (tested)")
    });
    &BUILT_IN
}

/// Tasks of different names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskList(Vec<Task>);

impl TaskList {
    /// With one more task.
    ///
    /// # Errors
    /// A task of this name is there already.
    pub fn with(mut self, task: Task) -> Result<Self> {
        if self.iter().any(|known| known.name == task.name) {
            return Err(Error::mismatch("name of a task", "one that no other task has", task.name));
        }
        self.0.push(task);
        Ok(self)
    }

    /// With the tasks of TOML files, given by name and text; each may be `like` one before it.
    ///
    /// # Errors
    /// Those of `Task::from_toml` and `with`.
    pub fn with_files(self, files: &[(&str, &str)]) -> Result<Self> {
        files.iter().try_fold(self, |list, (file, text)| {
            let task = Task::from_toml(text, file, &list)?;
            list.with(task)
        })
    }

    /// # Errors
    /// An unknown name lists the nearest ones.
    pub fn by_name(&self, name: &str) -> Result<&Task> {
        let task = self.iter().find(|task| task.name == name);
        task.ok_or_else(|| Error::unknown("task", name, self.iter().map(|task| task.name.as_str())))
    }

    /// The tasks that a model tuned on `target` is scored on without having seen them: the held-out ones of its suite,
    /// without itself.
    pub fn held_out_for(&self, target: &Task) -> Vec<&Task> {
        let held_out = |task: &&Task| task.held_out && task.suite == target.suite && task.name != target.name;
        self.iter().filter(held_out).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.0.iter()
    }
}
