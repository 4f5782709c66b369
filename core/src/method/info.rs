//! What the list of methods says of each: name, paper, settings. Compiled without the tensor library, so that the
//! spec, `promot list methods`, the page's form and the docs all read the same list.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::optim::StageSpec;

/// One method.
pub struct MethodInfo {
    /// As specs and reports write it.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Its own settings, beside those that every stage has.
    pub params: &'static [Param],
    /// The settings at which it is fine-tuning to the bit, where there are such; the contract test holds it to that.
    pub neutral: Option<&'static [(&'static str, f64)]>,
    pub training: Training,
    /// Which soft prompt is prepended during the stage.
    pub prompt: PromptUse,
    /// Whether it moves something of one task and the weights together, so that it cannot tune several tasks at once.
    pub one_task: bool,
    #[cfg(feature = "models")]
    pub build: fn(&Settings) -> Box<dyn super::Method>,
}

/// Where a stage's training settings (steps, optimizer, rate, ...) come from when the spec leaves them out.
pub enum Training {
    /// The settings of this stage of the spec, so that methods are compared at the same optimizer and budget.
    Like(&'static str),
    /// Defaults of the method's own.
    Own(fn() -> StageSpec),
}

/// Which soft prompt is prepended during a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptUse {
    /// The one that an earlier stage left, if there is one.
    Keep,
    /// A new one, initialised as the spec says.
    New,
    /// A new one, uniform whatever the spec says.
    NewUniform,
}

/// One setting of a method.
pub struct Param {
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    pub kind: Kind,
}

/// Type, default and range of a setting.
pub enum Kind {
    Float {
        default: f64,
        least: f64,
        most: f64,
    },
    Integer {
        default: usize,
        least: usize,
        most: usize,
    },
    Flag {
        default: bool,
    },
    /// Any of a fixed set of words.
    Words {
        default: &'static [&'static str],
        of: &'static [&'static str],
    },
}

pub const fn float(name: &'static str, default: f64, least: f64, most: f64, help: &'static str) -> Param {
    Param { name, help, kind: Kind::Float { default, least, most } }
}

pub const fn integer(
    name: &'static str,
    default: usize,
    least: usize,
    most: usize,
    help: &'static str,
) -> Param {
    Param { name, help, kind: Kind::Integer { default, least, most } }
}

pub const fn flag(name: &'static str, default: bool, help: &'static str) -> Param {
    Param { name, help, kind: Kind::Flag { default } }
}

pub const fn words(
    name: &'static str,
    default: &'static [&'static str],
    of: &'static [&'static str],
    help: &'static str,
) -> Param {
    Param { name, help, kind: Kind::Words { default, of } }
}

/// A method's settings, complete and within their ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Settings(BTreeMap<&'static str, Setting>);

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    Float(f64),
    Integer(usize),
    Flag(bool),
    Words(Vec<&'static str>),
}

/// # Panics
/// The readers panic for a name that is not in the method's list, or has another type there.
impl Settings {
    pub fn float(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Setting::Float(value)) => *value,
            other => panic!("setting {name}: expected a float, found {other:?}"),
        }
    }

    pub fn integer(&self, name: &str) -> usize {
        match self.0.get(name) {
            Some(Setting::Integer(value)) => *value,
            other => panic!("setting {name}: expected an integer, found {other:?}"),
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Setting::Flag(value)) => *value,
            other => panic!("setting {name}: expected true or false, found {other:?}"),
        }
    }

    pub fn words(&self, name: &str) -> &[&'static str] {
        match self.0.get(name) {
            Some(Setting::Words(value)) => value,
            other => panic!("setting {name}: expected words, found {other:?}"),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

impl MethodInfo {
    /// The settings with what `given` overrides; `stage` names the stage in errors.
    ///
    /// # Errors
    /// A value of another type, or out of range.
    pub fn settings(&self, given: &Table, stage: &str) -> Result<Settings> {
        Settings::read(self.params, given, &format!("stage.{stage}"))
    }
}

impl Settings {
    /// `params` with what `given` overrides; `path` is where they stand in the spec.
    ///
    /// # Errors
    /// A value of another type, or out of range.
    pub fn read(params: &[Param], given: &Table, path: &str) -> Result<Self> {
        let read = |param: &Param| {
            Ok((param.name, param.read(given.get(param.name), &format!("{path}.{}", param.name))?))
        };
        Ok(Self(params.iter().map(read).collect::<Result<_>>()?))
    }
}

impl MethodInfo {
    /// The settings that stand when nothing is given.
    pub fn defaults(&self) -> Settings {
        Settings(self.params.iter().map(|param| (param.name, param.default())).collect())
    }
}

impl Param {
    pub fn default(&self) -> Setting {
        match self.kind {
            Kind::Float { default, .. } => Setting::Float(default),
            Kind::Integer { default, .. } => Setting::Integer(default),
            Kind::Flag { default } => Setting::Flag(default),
            Kind::Words { default, .. } => Setting::Words(default.to_vec()),
        }
    }

    /// What values it takes, for help texts and errors.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Float { least, most, .. } => interval(least, most),
            Kind::Integer { least, most, .. } if most == usize::MAX => format!("a whole number from {least}"),
            Kind::Integer { least, most, .. } => format!("a whole number from {least} to {most}"),
            Kind::Flag { .. } => "true or false".to_owned(),
            Kind::Words { of, .. } => format!("a list of {}", of.join(", ")),
        }
    }

    fn read(&self, given: Option<&Value>, what: &str) -> Result<Setting> {
        let Some(given) = given else { return Ok(self.default()) };
        let setting = match (&self.kind, given) {
            (Kind::Float { least, most, .. }, value) => {
                number(value).filter(|value| (least..=most).contains(&value)).map(Setting::Float)
            }
            (Kind::Integer { least, most, .. }, Value::Integer(value)) => usize::try_from(*value)
                .ok()
                .filter(|value| (least..=most).contains(&value))
                .map(Setting::Integer),
            (Kind::Flag { .. }, Value::Boolean(value)) => Some(Setting::Flag(*value)),
            (Kind::Words { of, .. }, Value::Array(list)) => list
                .iter()
                .map(|word| of.iter().find(|known| Some(**known) == word.as_str()).copied())
                .collect::<Option<Vec<_>>>()
                .map(Setting::Words),
            _ => None,
        };
        setting.ok_or_else(|| Error::mismatch(what, self.range(), given))
    }
}

fn interval(least: f64, most: f64) -> String {
    if most == f64::INFINITY {
        format!("a number from {least}")
    } else {
        format!("a number from {least} to {most}")
    }
}

/// TOML writes 1 for 1.0.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Integer(value) => Some(*value as f64),
        _ => None,
    }
}

/// A setting as text, as a spec would write it.
impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Float(value) => write!(f, "{value}"),
            Setting::Integer(value) => write!(f, "{value}"),
            Setting::Flag(value) => write!(f, "{value}"),
            Setting::Words(value) => f.write_str(&value.join(",")),
        }
    }
}

impl From<&Setting> for Value {
    fn from(setting: &Setting) -> Self {
        match setting {
            Setting::Float(value) => Value::Float(*value),
            Setting::Integer(value) => Value::Integer(*value as i64),
            Setting::Flag(value) => Value::Boolean(*value),
            Setting::Words(value) => Value::Array(value.iter().map(|word| Value::from(*word)).collect()),
        }
    }
}
