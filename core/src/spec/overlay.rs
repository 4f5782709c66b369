//! Reading specs: a TOML file over the defaults, `--set path=value` over that, and specs of earlier versions.

use toml::{Table, Value};

use super::tables::{lookup, merge, nested, overlay, paths, table, typed};
use super::{RunSpec, StageRequest};
use crate::error::{Error, Result};

impl RunSpec {
    /// Reads a spec of this or an earlier version; `source` names it in errors.
    ///
    /// # Errors
    /// Text that is no TOML; an unknown field, with the nearest ones; a value of the wrong kind.
    pub fn from_toml(text: &str, source: &str) -> Result<Self> {
        Self::default().overlaid(read(text, source)?, source)
    }

    /// These settings where `given` has no others. A stage is laid over the one of its name; a sweep's axes and an
    /// optimizer of the same name are joined; every other list is replaced.
    pub(super) fn overlaid(&self, mut given: Table, source: &str) -> Result<Self> {
        let mut all = table(self)?;
        if let (Some(Value::Array(stages)), Some(Value::Array(before))) =
            (given.get_mut("stage"), all.get("stage"))
        {
            *stages = joined(before, std::mem::take(stages));
        }
        merge(&mut all, given, "")?;
        Self::from_table(all, source)
    }

    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).map_err(|error| Error::format("spec", error))
    }

    /// Overrides one field by its dotted path, as `--set` does: `stage.fine-tuning.steps=200`, `seeds=0,1,2`,
    /// `sweep.stage.fine-tuning.learning_rate=1e-4,1e-3`.
    ///
    /// # Errors
    /// An unknown path lists the nearest ones; a value of the wrong kind is named.
    pub fn set(&mut self, path: &str, value: &str) -> Result<()> {
        let path = &renamed(path);
        let spec = match path.split_once('.') {
            Some(("stage", rest)) => self.with_stage(rest, path, |old| typed(value, old))?,
            Some(("sweep", "select")) => {
                self.with_field(path, Value::from(value), &format!("{path}={value}"))?
            }
            Some(("sweep", axis)) => {
                let old = self.field(axis)?;
                let values = value.split(',').map(|part| typed(part.trim(), old.as_ref())).collect();
                let mut spec = self.clone();
                spec.sweep.axes.insert(axis.to_owned(), values);
                spec
            }
            _ => {
                let old = self.field(path)?;
                self.with_field(path, typed(value, old.as_ref()), &format!("{path}={value}"))?
            }
        };
        *self = spec;
        Ok(())
    }

    /// A copy with another value of one field.
    pub(super) fn with(&self, path: &str, value: &Value) -> Result<Self> {
        match path.split_once('.') {
            Some(("stage", rest)) => self.with_stage(rest, path, |_| value.clone()),
            _ => {
                self.field(path)?;
                self.with_field(path, value.clone(), &format!("{path}={value}"))
            }
        }
    }

    /// The value that a path has now; nothing for a stage's setting that its method alone knows.
    fn field(&self, path: &str) -> Result<Option<Value>> {
        if let Some(("stage", rest)) = path.split_once('.') {
            let (name, field) = stage_field(rest, path)?;
            let asked = self.request(name)?;
            let known: Vec<String> =
                asked.fields()?.iter().map(|field| format!("stage.{name}.{field}")).collect();
            let first = field.split('.').next().unwrap_or(field);
            if !known.contains(&format!("stage.{name}.{first}")) {
                return Err(Error::unknown("field", path, known.iter().map(String::as_str)));
            }
            return Ok(lookup(&self.unchecked(name)?.table()?, field).cloned());
        }
        let all = table(self)?;
        match lookup(&all, path) {
            Some(value) => Ok(Some(value.clone())),
            None => {
                let known = paths(&all);
                Err(Error::unknown("field", path, known.iter().map(|(path, _)| path.as_str())))
            }
        }
    }

    fn with_field(&self, path: &str, value: Value, source: &str) -> Result<Self> {
        let mut all = table(self)?;
        let Value::Table(given) = nested(path, value) else { unreachable!("a path has at least one part") };
        merge(&mut all, given, "")?;
        Self::from_table(all, source)
    }

    /// Puts a setting into the request of its stage, which is added where the spec has none.
    fn with_stage(&self, rest: &str, path: &str, value: impl Fn(Option<&Value>) -> Value) -> Result<Self> {
        let (name, field) = stage_field(rest, path)?;
        let old = self.field(path)?;
        let mut spec = self.clone();
        let index = match spec.stages.iter().position(|stage| stage.name() == name) {
            Some(index) => index,
            None => {
                spec.stages.push(self.request(name)?);
                spec.stages.len() - 1
            }
        };
        let value = value(old.as_ref());
        let shown = value.to_string();
        let stage = &mut spec.stages[index];
        let named =
            || value.as_str().map(str::to_owned).ok_or_else(|| Error::mismatch(path, "a name", &shown));
        match field {
            // A stage that was called by its method keeps that name, which recipes know it by.
            "method" => (stage.name, stage.method) = (Some(name.to_owned()), named()?),
            "like" => stage.like = Some(named()?),
            "name" => {
                return Err(Error::mismatch(path, "another field: a stage is named by its path", shown));
            }
            _ => {
                // The optimizer's fields are given together: those of another one are not its own.
                if let (Some((table_name, _)), false) = (field.split_once('.'), field.ends_with(".name")) {
                    let whole = lookup(&self.unchecked(name)?.table()?, table_name).cloned();
                    if let Some(whole) = whole {
                        stage.given.entry(table_name).or_insert(whole);
                    }
                }
                let Value::Table(given) = nested(field, value) else {
                    unreachable!("a path has at least one part")
                };
                overlay(&mut stage.given, given);
            }
        }
        spec.unchecked(name).map_err(|error| Error::format(format!("{path}={shown}"), error))?;
        Ok(spec)
    }

    fn from_table(all: Table, source: &str) -> Result<Self> {
        let spec: Self = all.try_into().map_err(|error| Error::toml(source, &error))?;
        spec.stages.iter().try_for_each(StageRequest::check)?;
        Ok(spec)
    }
}

/// A spec's own text as a table of this version.
pub(super) fn read(text: &str, source: &str) -> Result<Table> {
    let mut given: Table = toml::from_str(text).map_err(|error| Error::toml(source, &error))?;
    upgrade(&mut given);
    Ok(given)
}

/// The stages of `before`, with those of `given` laid over the ones of their names or behind them.
fn joined(before: &[Value], given: Vec<Value>) -> Vec<Value> {
    let name = |stage: &Value| -> Option<String> {
        Some(stage.get("name").or_else(|| stage.get("method"))?.as_str()?.to_owned())
    };
    let mut all = before.to_vec();
    for stage in given {
        let known = all.iter().position(|old| name(old).is_some() && name(old) == name(&stage));
        match (known.map(|index| &mut all[index]), stage) {
            (Some(Value::Table(old)), Value::Table(stage)) => overlay(old, stage),
            (_, stage) => all.push(stage),
        }
    }
    all
}

/// Specs of version 1 had two groups of stage settings, by these names.
const FORMER_STAGES: [(&str, &str); 2] = [("prompt_tuning", "prompt-tuning"), ("fine_tuning", "fine-tuning")];

/// Turns the table of a version 1 spec into one of this version; others stay as they are.
pub(super) fn upgrade(given: &mut Table) {
    for (former, method) in FORMER_STAGES {
        let Some(Value::Table(settings)) = given.remove(former) else { continue };
        let stage = Table::from_iter([("method".to_owned(), Value::from(method))]);
        let stage: Table = stage.into_iter().chain(settings).collect();
        if let Value::Array(stages) = given.entry("stage").or_insert_with(|| Value::Array(Vec::new())) {
            stages.push(stage.into());
        }
    }
}

/// Paths of version 1, as `--set` still takes them.
fn renamed(path: &str) -> String {
    for (former, method) in FORMER_STAGES {
        if let Some((_, field)) = path.split_once('.').filter(|(first, _)| *first == former) {
            return format!("stage.{method}.{field}");
        }
    }
    path.to_owned()
}

/// `fine-tuning.optimizer.name` into the stage's name and the field's path.
fn stage_field<'a>(rest: &'a str, path: &str) -> Result<(&'a str, &'a str)> {
    rest.split_once('.').ok_or_else(|| Error::mismatch("a stage's field", "stage.NAME.FIELD", path))
}
