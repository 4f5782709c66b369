//! A task is data: where its rows come from, how a row becomes text, and how an answer is judged. It sees no
//! tensor. Templates and post-processing follow the ProMoT paper (Table 4 and A.2.2).

use crate::data::{Example, Split};
use crate::error::{Error, Result};
use crate::metrics::format::{is_choice, is_language};
use crate::metrics::{Metric, Score};
use crate::{postprocess, template};

mod list;
mod rows;

pub use crate::metrics::format::Language;
pub use list::{TASKS, unseen_for};
pub use rows::{Field, Read, ReadFile};

/// One task: about fifteen lines of data. `version` changes whenever a score would.
#[derive(Debug)]
pub struct Task {
    pub name: &'static str,
    pub version: u32,
    pub summary: &'static str,
    /// Input text with `{field}` places.
    pub template: &'static str,
    /// Target text with `{field}` places; for classification the raw label, replaced through `choices`.
    pub target: &'static str,
    /// Raw label and the word that stands for it; empty where the answer is free text.
    pub choices: &'static [(&'static str, &'static str)],
    /// The field with all accepted answers; the target alone where `None`.
    pub references: Option<&'static str>,
    /// Where this stands in the output, the answer has ended (paper, A.2.2): "Q:", "Translate", "Article:".
    pub cut_at: Option<&'static str>,
    pub metric: Metric,
    pub format: Format,
    pub source: Source,
    /// Most tokens an answer may take in decoding, the end-of-sequence token included.
    pub max_new_tokens: usize,
}

/// The shape of a task's answers, for the target-format rate (paper, Figure 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The first word is one of the task's choices.
    Choice,
    /// Text in the named language.
    Language(Language),
    /// Anything else: no rate is defined for a fine-tuned task of this kind.
    Free,
}

/// Where rows come from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// The mini world's generator, under this name.
    World,
    /// Files below the data folder.
    Files { train: &'static [File], validation: &'static [File], test: &'static [File] },
    /// Only what the user names with `--data`.
    User,
}

/// One file (or one pair of aligned files) of a data set, in its original format.
#[derive(Clone, Copy, Debug)]
pub struct File {
    pub path: &'static str,
    pub format: FileFormat,
    /// Where the task's fields stand in a row; empty where the file has them under the same names.
    pub fields: &'static [Field],
    /// Only these rows, from..to: several splits may share a file.
    pub part: Option<(usize, usize)>,
}

/// How bytes become rows; `data` has one parser for each.
#[derive(Clone, Copy, Debug)]
pub enum FileFormat {
    /// One JSON object a line.
    JsonLines,
    /// A JSON array of objects.
    JsonArray,
    /// Tab-separated, the first line names the columns.
    Tsv,
    /// Two files with the same number of lines; `path` is the source side and `target` the other.
    Aligned { target: &'static str },
}

/// Percentage of raw outputs, of whatever task, that have the format of one of these tasks' answers; nothing where none
/// of them has a format.
pub fn format_rate(tasks: &[&Task], outputs: &[String]) -> Option<f64> {
    if tasks.iter().all(|task| task.format == Format::Free) {
        return None;
    }
    let hits = outputs.iter().filter(|output| tasks.iter().any(|task| task.in_format(output))).count();
    Some(100.0 * hits as f64 / outputs.len().max(1) as f64)
}

/// A row as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    pub input: String,
    pub target: String,
    /// All accepted answers, the target among them.
    pub references: Vec<String>,
}

impl Task {
    /// # Errors
    /// An unknown name lists the nearest ones.
    pub fn by_name(name: &str) -> Result<&'static Task> {
        TASKS
            .iter()
            .find(|task| task.name == name)
            .ok_or_else(|| Error::unknown("task", name, TASKS.iter().map(|task| task.name)))
    }

    /// Whether answers of at least `least` tokens and their end fit into the longest ones; `what` names the setting.
    ///
    /// # Errors
    /// Says how many tokens would fit.
    pub fn check_least(&self, what: &str, least: usize) -> Result<()> {
        let longest = self.max_new_tokens;
        if least < longest {
            return Ok(());
        }
        let expected = format!("below {longest}, the longest answer of {} with its end", self.name);
        Err(Error::mismatch(what, expected, least))
    }

    /// Fills the template with a row.
    pub fn render(&self, example: &Example) -> Result<Rendered> {
        let input = template::fill(self.template, example)?;
        let target = self.word(&template::fill(self.target, example)?)?;
        let mut references = match self.references {
            Some(field) => example.list(field)?,
            None => Vec::new(),
        };
        if !references.contains(&target) {
            references.insert(0, target.clone());
        }
        Ok(Rendered { input, target, references })
    }

    /// The input with `shots` answered examples before it: "input answer input answer ... input".
    pub fn render_with_shots(&self, shots: &[&Example], example: &Example) -> Result<Rendered> {
        let mut rendered = self.render(example)?;
        let mut parts = Vec::with_capacity(shots.len() + 1);
        for shot in shots {
            let shot = self.render(shot)?;
            parts.push(format!("{} {}", shot.input, shot.target));
        }
        parts.push(rendered.input);
        rendered.input = parts.join(" ");
        Ok(rendered)
    }

    /// What counts as the answer in an output: the first word for a choice among words, else the text up to
    /// the model's next question.
    pub fn answer(&self, output: &str) -> String {
        match self.format {
            Format::Choice => postprocess::first_word(output).to_owned(),
            _ => postprocess::free_text(output, self.cut_at).to_owned(),
        }
    }

    /// The score of raw outputs, `references` being those of `render`.
    ///
    /// # Panics
    /// The two lists differ in length.
    pub fn score(&self, outputs: &[String], references: &[Vec<String>]) -> Score {
        let answers: Vec<String> = outputs.iter().map(|output| self.answer(output)).collect();
        self.metric.score(&answers, references)
    }

    /// Whether a raw output, of whatever task, has the format of this task's answers; never where these have none.
    pub fn in_format(&self, output: &str) -> bool {
        match self.format {
            Format::Choice => is_choice(output, self.choices.iter().map(|(_, word)| *word)),
            Format::Language(language) => is_language(output, language),
            Format::Free => false,
        }
    }

    /// Whether right answers of `other` have the format of this task's answers, so that this format is not out of place
    /// there.
    pub fn shares_format(&self, other: &Task) -> bool {
        match self.format {
            Format::Choice => other.choices.iter().any(|(_, word)| self.in_format(word)),
            Format::Language(_) => other.format == self.format,
            Format::Free => false,
        }
    }

    fn word(&self, label: &str) -> Result<String> {
        if self.choices.is_empty() {
            return Ok(label.to_owned());
        }
        self.choices.iter().find(|(raw, _)| *raw == label).map(|(_, word)| (*word).to_owned()).ok_or_else(
            || {
                let known = self.choices.iter().map(|(raw, _)| *raw).collect::<Vec<_>>().join(", ");
                Error::mismatch(
                    format!("label of task {}", self.name),
                    format!("one of {known}"),
                    format!("`{label}`"),
                )
            },
        )
    }

    /// The rows of the mini world, or an error for a task whose rows come from files.
    pub fn world_rows(&self, split: Split, limit: usize) -> Result<Vec<Example>> {
        match self.source {
            Source::World => crate::world::rows(self.name, split, limit),
            _ => Err(Error::mismatch(format!("task {}", self.name), "a folder of data (--data)", "none")),
        }
    }
}

#[cfg(test)]
mod tests;
