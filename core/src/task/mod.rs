//! A task is data: where its rows come from, how a row becomes text, and how an answer is judged. It sees no
//! tensor, and stands in a TOML file (docs/tasks.md). Templates and post-processing of the built-in ones follow the
//! ProMoT paper (Table 4 and A.2.2).

use serde::{Deserialize, Serialize};

use crate::data::Example;
use crate::error::{Error, Result};
use crate::metrics::format::{is_choice, is_language};
use crate::metrics::{Metric, RowScores, Score};
use crate::{postprocess, template};

mod candidates;
mod fields;
mod file;
mod list;
mod rows;
mod source;

pub use crate::metrics::format::Language;
pub use file::TaskRef;
pub use list::{TaskList, built_in};
pub use rows::{DataFolder, FileRows};
pub use source::{DataSource, Field, File, Files, Hub, Part};

/// One task: about fifteen lines of data. `version` changes whenever a score would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub name: String,
    #[serde(default = "one")]
    pub version: u32,
    #[serde(default)]
    pub summary: String,
    /// The group that the task belongs to: a model tuned on it is scored on the group's held-out tasks.
    #[serde(default = "paper")]
    pub suite: String,
    /// Whether it is one of its suite's held-out tasks.
    #[serde(default)]
    pub held_out: bool,
    /// Input text with `{field}` places.
    pub template: String,
    /// Target text with `{field}` places; for classification the raw label, replaced through `choices`.
    pub target: String,
    /// Empty where the answer is free text.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// The field with all accepted answers; the target alone where `None`.
    pub references: Option<String>,
    /// Where this stands in the output, the answer has ended (paper, A.2.2): "Q:", "Translate", "Article:".
    pub cut_at: Option<String>,
    /// What stands between an answered example and the next; a space where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Ask in the model's own chat template: the input is the user's turn, and in-context examples are turns before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chat: bool,
    pub metric: Metric,
    #[serde(default)]
    pub format: Format,
    /// Answers that a model chooses among by their likelihood; it writes its own where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Candidates>,
    /// Most tokens an answer may take in decoding, the end-of-sequence token included.
    pub max_new_tokens: usize,
    #[serde(default)]
    pub source: DataSource,
}

fn one() -> u32 {
    1
}

fn paper() -> String {
    "paper".to_owned()
}

/// A raw label and the word that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub label: String,
    pub word: String,
}

/// Where the answers come from that a model chooses among. So asked, it shows what it knows, whatever form its own answers
/// have taken on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Candidates {
    /// The task's own choices.
    Choices,
    /// A field with the list of them, the right one included.
    Field(String),
    /// The right answer, and those of so many other rows.
    Others(usize),
}

/// The shape of a task's answers: what counts as the answer in an output, and the target-format rate (paper, Figure 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The first word is one of the task's choices.
    Choice,
    /// Text in the named language.
    Language(Language),
    /// Anything else: no rate is defined for a fine-tuned task of this kind.
    #[default]
    Free,
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
    /// The words that answers are chosen from, in the order of the choices.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().map(|choice| choice.word.as_str())
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
        let input = template::fill(&self.template, example)?;
        let target = self.word(&template::fill(&self.target, example)?)?;
        let mut references = match &self.references {
            Some(field) => example.list(field)?,
            None => Vec::new(),
        };
        if !references.contains(&target) {
            references.insert(0, target.clone());
        }
        Ok(Rendered { input, target, references })
    }

    /// The input with `shots` answered examples before it: "input answer input answer ... input", `separator` after each
    /// answer.
    pub fn render_with_shots(&self, shots: &[&Example], example: &Example) -> Result<Rendered> {
        let mut rendered = self.render(example)?;
        let mut text = String::new();
        for shot in shots {
            let Rendered { input, target, .. } = self.render(shot)?;
            text += &input;
            text += template::between(&input);
            text += &target;
            text += self.separator.as_deref().unwrap_or(" ");
        }
        rendered.input.insert_str(0, &text);
        Ok(rendered)
    }

    /// What counts as the answer in an output: the first word for a choice among words, else the text up to
    /// the model's next question.
    pub fn answer(&self, output: &str) -> String {
        match self.format {
            Format::Choice => postprocess::first_word(output).to_owned(),
            _ => postprocess::free_text(output, self.cut_at.as_deref()).to_owned(),
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

    /// What each row adds to `score`.
    ///
    /// # Panics
    /// The two lists differ in length.
    pub fn row_scores(&self, outputs: &[String], references: &[Vec<String>]) -> RowScores {
        let answers: Vec<String> = outputs.iter().map(|output| self.answer(output)).collect();
        self.metric.rows(&answers, references)
    }

    /// Whether a raw output, of whatever task, has the format of this task's answers; never where these have none.
    pub fn in_format(&self, output: &str) -> bool {
        match self.format {
            Format::Choice => is_choice(output, self.words()),
            Format::Language(language) => is_language(output, language),
            Format::Free => false,
        }
    }

    /// Whether correct answers to `other` are also in this task's format.
    pub fn shares_format(&self, other: &Task) -> bool {
        match self.format {
            Format::Choice => other.words().any(|word| self.in_format(word)),
            Format::Language(_) => other.format == self.format,
            Format::Free => false,
        }
    }

    fn word(&self, label: &str) -> Result<String> {
        if self.choices.is_empty() {
            return Ok(label.to_owned());
        }
        let choice = self.choices.iter().find(|choice| choice.label == label);
        choice.map(|choice| choice.word.clone()).ok_or_else(|| {
            let known =
                self.choices.iter().map(|choice| choice.label.as_str()).collect::<Vec<_>>().join(", ");
            let what = format!("label of task {}", self.name);
            Error::mismatch(what, format!("one of {known}"), format!("`{label}`"))
        })
    }
}

#[cfg(test)]
mod tests;
