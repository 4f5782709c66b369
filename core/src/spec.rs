//! What was asked for: one serialisable spec for page, program, checkpoint and share link.
//!
//! A preset or a TOML file gives a `RunSpec`; `--set a.b=value` overrides single fields; `check` refuses what
//! makes no sense before any work is done.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::error::{Error, Result};

mod defaults;
mod presets;

pub use presets::{PRESETS, Preset, preset};

/// The whole experiment: one model, one target task, several methods, several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    pub name: String,
    /// `mini` (the bundled model), a folder in Hugging Face layout, or a hub id.
    pub model: String,
    pub target: TargetSpec,
    /// Names from `METHODS`, in the order of the report. `pretrained` trains nothing.
    pub methods: Vec<String>,
    pub seeds: Vec<u64>,
    pub prompt: PromptSpec,
    /// Prompt tuning: ProMoT's stage 1, and the baseline of the same name.
    pub prompt_tuning: StageSpec,
    /// Fine-tuning: ProMoT's stage 2, and the baseline of the same name.
    pub fine_tuning: StageSpec,
    pub eval: EvalSpec,
}

/// The task to tune on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSpec {
    pub task: String,
    /// Tasks tuned together with it, each behind a soft prompt of its own.
    pub also: Vec<String>,
    /// Most training rows; 0 for all.
    pub train_limit: usize,
    /// Most rows that choose the checkpoint; 0 for all.
    pub validation_limit: usize,
    /// Most rows that give the reported score; 0 for all.
    pub test_limit: usize,
    /// Longest input in tokens, prompt not counted; 0 for no limit.
    pub max_input: usize,
}

/// The soft prompt: `length` vectors in front of the embedded encoder input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptSpec {
    pub length: usize,
    pub init: PromptInit,
    /// Bound of the uniform initialisation.
    pub range: f64,
    /// How many of the first vocabulary entries `vocabulary` and `classes` sample from; 0 for all.
    pub vocabulary: usize,
    /// The text of `text`, or the file of `file`.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptInit {
    /// Uniform in +-range.
    Uniform,
    /// Embeddings of vocabulary entries, drawn without replacement.
    Vocabulary,
    /// Each class word's mean embedding first, vocabulary for the rest.
    Classes,
    /// The embeddings of `text`, repeated or cut to length.
    Text,
    /// A prompt folder or `.npy` named by `text`.
    File,
}

/// One training stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSpec {
    pub steps: usize,
    /// Examples an update.
    pub batch: usize,
    /// Parts a batch is split into, gradients summed: same update, less memory.
    pub accumulate: usize,
    pub optimizer: OptimizerSpec,
    pub schedule: Schedule,
    /// Steps of linear warm-up from 0.
    pub warmup: usize,
    pub learning_rate: f64,
    /// Largest global gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    pub dropout: f64,
    pub label_smoothing: f64,
    pub z_loss: f64,
    /// Steps between checkpoints, each scored on the target's validation rows; the best is kept.
    pub checkpoint_every: usize,
    /// Answered examples before each training input (the paper's "+ 1-shot").
    pub shots: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// T5X's Adafactor (Shazeer and Stern, 2018) without momentum.
    Adafactor {
        #[serde(default = "default_decay")]
        decay: f64,
        /// Applied as `param * (1 - weight_decay)`, not times the rate.
        #[serde(default)]
        weight_decay: f64,
        /// Rates relative to the parameter's root mean square.
        #[serde(default)]
        scale_parameter: bool,
    },
    /// Loshchilov and Hutter, 2019.
    AdamW {
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// Applied times the rate, as usual for AdamW.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Jordan et al., 2024, for the matrices of the blocks, with AdamW for the rest.
    Muon {
        #[serde(default = "default_momentum")]
        momentum: f64,
        #[serde(default = "default_beta_1")]
        beta_1: f64,
        #[serde(default = "default_beta_2")]
        beta_2: f64,
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
}

fn default_momentum() -> f64 {
    0.95
}
fn default_decay() -> f64 {
    0.8
}
fn default_beta_1() -> f64 {
    0.9
}
fn default_beta_2() -> f64 {
    0.999
}
fn default_epsilon() -> f64 {
    1e-8
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    Constant,
    /// Linear to 0 at the last step.
    Linear,
    /// `1 / sqrt(max(step, warmup))`, times the rate.
    InverseSqrt,
}

/// How the models are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalSpec {
    /// The unseen tasks, never used for any choice; tuned ones among them are left out.
    pub tasks: Vec<String>,
    /// Numbers of answered examples before the question.
    pub shots: Vec<usize>,
    /// Most rows a task; 0 for all.
    pub limit: usize,
    pub beams: usize,
    pub batch: usize,
    /// Exponent of the length normalisation; see `length_penalty`.
    pub alpha: f64,
    pub length_penalty: LengthPenalty,
    /// Tokens that every answer has before it may end; 0 allows an empty answer.
    pub min_new_tokens: usize,
    /// Score the unseen tasks for the curves before the first step, after 1, 2, 4, 8, ... steps, and after every this
    /// many; 0 for never.
    pub curve_every: usize,
    /// Rows a task in those curves.
    pub curve_limit: usize,
    /// Compare the gradient with its format's before the first step and after every this many; 0 for never.
    pub alignment_every: usize,
    /// Training rows in that comparison.
    pub alignment_rows: usize,
}

/// How beams of different lengths are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LengthPenalty {
    /// T5X: `logp / ((5 + length) / 6) ^ alpha`, the end-of-sequence token counted.
    T5x,
    /// Hugging Face: `logp / length ^ alpha`.
    HuggingFace,
}

/// Longest soft prompt: beyond this attention over it costs more than it can hold.
pub const MAX_PROMPT: usize = 4096;

impl RunSpec {
    /// Fills in what follows from the rest (the unseen tasks) and refuses what makes no sense.
    ///
    /// # Errors
    /// Names the field, what it may be and what it is.
    pub fn resolve(mut self) -> Result<Self> {
        let tuned = self.target.tasks();
        // Without shots no unseen task is scored, and none has to be found.
        if self.eval.tasks.is_empty() && !self.eval.shots.is_empty() {
            self.eval.tasks = crate::task::unseen_for(tuned[0]).into_iter().map(String::from).collect();
        }
        self.eval.tasks.retain(|task| !tuned.contains(&task.as_str()));
        for task in tuned.iter().copied().chain(self.eval.tasks.iter().map(String::as_str)) {
            let task = crate::task::Task::by_name(task)?;
            task.check_least("eval.min_new_tokens of the spec", self.eval.min_new_tokens)?;
        }
        for (place, task) in tuned.iter().enumerate() {
            let once = !tuned[..place].contains(task);
            require("target.also", "each tuned task once", once, format!("{task} again"))?;
        }
        require("methods", "at least one", !self.methods.is_empty(), 0)?;
        require("seeds", "at least one", !self.seeds.is_empty(), 0)?;
        let length = self.prompt.length;
        require("prompt.length", format!("at most {MAX_PROMPT}"), length <= MAX_PROMPT, length)?;
        require("prompt.range", "0 or more", self.prompt.range >= 0.0, self.prompt.range)?;
        self.prompt_tuning.check("prompt_tuning")?;
        self.fine_tuning.check("fine_tuning")?;
        require("eval.beams", "at least 1", self.eval.beams >= 1, self.eval.beams)?;
        require("eval.batch", "at least 1", self.eval.batch >= 1, self.eval.batch)?;
        Ok(self)
    }
}

impl TargetSpec {
    /// The tuned tasks, the first of which gives the run its name.
    pub fn tasks(&self) -> Vec<&str> {
        std::iter::once(&self.task).chain(&self.also).map(String::as_str).collect()
    }
}

impl StageSpec {
    fn check(&self, name: &str) -> Result<()> {
        let field = |field: &str| format!("{name}.{field}");
        let share = |value: f64| (0.0..1.0).contains(&value);
        require(field("batch"), "at least 1", self.batch >= 1, self.batch)?;
        let parts = self.accumulate;
        require(
            field("accumulate"),
            format!("1 to {}", self.batch),
            (1..=self.batch).contains(&parts),
            parts,
        )?;
        let rate = self.learning_rate;
        require(field("learning_rate"), "a positive number", rate > 0.0 && rate.is_finite(), rate)?;
        require(field("dropout"), "0 or more, below 1", share(self.dropout), self.dropout)?;
        require(
            field("label_smoothing"),
            "0 or more, below 1",
            share(self.label_smoothing),
            self.label_smoothing,
        )?;
        require(field("z_loss"), "0 or more", self.z_loss >= 0.0, self.z_loss)?;
        require(field("clip_norm"), "0 or more", self.clip_norm >= 0.0, self.clip_norm)
    }
}

fn require(
    field: impl std::fmt::Display,
    expected: impl std::fmt::Display,
    holds: bool,
    found: impl std::fmt::Display,
) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::mismatch(format!("{field} of the spec"), expected, found)) }
}

impl RunSpec {
    /// Reads a spec; `source` names it in errors. A field left out keeps the default of its own place, not of
    /// its type: `[prompt_tuning] steps = 10` still has prompt tuning's rate of 0.3.
    pub fn from_toml(text: &str, source: &str) -> Result<Self> {
        let given: Table = toml::from_str(text).map_err(|error| Error::format(source, one_line(&error)))?;
        let mut table = Self::default().to_table()?;
        merge(&mut table, given, "")?;
        Self::from_table(table, source)
    }

    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|error| Error::format("spec", error))
    }

    /// Overrides one field by its dotted path, as `--set` does: `fine_tuning.steps=200`, `seeds=0,1,2`.
    ///
    /// # Errors
    /// An unknown path lists the nearest ones; a value of the wrong kind is named.
    pub fn set(&mut self, path: &str, value: &str) -> Result<()> {
        let mut table = self.to_table()?;
        let old = lookup(&table, path);
        if old.is_none() && !path.contains(".optimizer.") {
            let known = self.paths()?;
            return Err(Error::unknown("field", path, known.iter().map(|(path, _)| path.as_str())));
        }
        let mut given = typed(value, old);
        for key in path.rsplit('.') {
            given = Value::Table(Table::from_iter([(key.to_owned(), given)]));
        }
        let Value::Table(given) = given else { unreachable!("a path has at least one part") };
        merge(&mut table, given, "")?;
        *self = Self::from_table(table, &format!("{path}={value}"))?;
        Ok(())
    }

    /// The fields in which `other` differs: path, value here, value there.
    pub fn differences(&self, other: &Self) -> Result<Vec<(String, String, String)>> {
        let (ours, theirs) = (self.paths()?, other.paths()?);
        let find = |list: &[(String, String)], path: &str| {
            list.iter()
                .find(|(other, _)| other == path)
                .map_or("nothing".to_owned(), |(_, value)| value.clone())
        };
        let mut paths: Vec<&String> = ours.iter().chain(&theirs).map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths
            .into_iter()
            .map(|path| (path.clone(), find(&ours, path), find(&theirs, path)))
            .filter(|(_, here, there)| here != there)
            .collect())
    }

    /// Every field as a dotted path with its value in TOML.
    pub fn paths(&self) -> Result<Vec<(String, String)>> {
        fn walk(prefix: &str, table: &Table, paths: &mut Vec<(String, String)>) {
            for (key, value) in table {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                match value {
                    Value::Table(inner) => walk(&path, inner, paths),
                    other => paths.push((path, other.to_string())),
                }
            }
        }
        let mut paths = Vec::new();
        walk("", &self.to_table()?, &mut paths);
        Ok(paths)
    }

    fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| Error::format("spec", error))
    }

    fn from_table(table: Table, source: &str) -> Result<Self> {
        table.try_into().map_err(|error| Error::format(source, one_line(&error)))
    }
}

/// Lays `given` over `base`. A table with another `name` (an optimizer) replaces the old one whole, since its
/// fields are not the old one's.
fn merge(base: &mut Table, given: Table, prefix: &str) -> Result<()> {
    for (key, value) in given {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (base.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new))
                if new.get("name").is_none_or(|name| old.get("name") == Some(name)) =>
            {
                merge(old, new, &path)?;
            }
            (None, _) if !prefix.ends_with(".optimizer") => {
                return Err(Error::unknown("field", &path, base.keys().map(String::as_str)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    Ok(())
}

fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        value = value.as_table()?.get(part)?;
    }
    Some(value)
}

/// A value from the command line in the kind of the one it replaces: text needs no quotes, lists no brackets.
fn typed(text: &str, old: Option<&Value>) -> Value {
    let parse =
        |text: &str| toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
    match (old, parse(text)) {
        (Some(Value::Array(_)), Some(list @ Value::Array(_))) => list,
        (Some(Value::Array(old)), _) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| typed(part, old.first())).collect())
        }
        (Some(Value::String(_)), Some(Value::String(text))) => Value::String(text),
        (Some(Value::String(_)), _) | (_, None) => Value::String(text.to_owned()),
        (_, Some(value)) => value,
    }
}

/// TOML's errors show the line with a marker below it; the first and last lines say what is wrong.
fn one_line(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines[..] {
        [only] => only.to_owned(),
        [first, .., last] => format!("{first}: {last}"),
        [] => text,
    }
}

#[cfg(test)]
mod tests;
