//! The stages of a spec: what was asked of one, with all that is left out filled in.

use toml::{Table, Value};

use super::tables::{merge, table};
use super::{RunSpec, Stage, StageRequest};
use crate::error::{Error, Result};
use crate::method::{self, METHODS, Training};
use crate::optim::StageSpec;

impl RunSpec {
    /// What was asked of the stage of this name; a method that the spec has no stage for is a stage by itself.
    pub fn request(&self, name: &str) -> Result<StageRequest> {
        if let Some(asked) = self.stages.iter().find(|stage| stage.name() == name) {
            return Ok(asked.clone());
        }
        if METHODS.iter().any(|info| info.name == name) {
            return Ok(StageRequest::of(name));
        }
        let asked = self.stages.iter().map(StageRequest::name);
        Err(Error::unknown("stage", name, asked.chain(METHODS.iter().map(|info| info.name))))
    }

    /// The stage of this name, complete.
    ///
    /// # Errors
    /// An unknown stage, method or field, and a value that makes no sense, each by its path.
    pub fn stage(&self, name: &str) -> Result<Stage> {
        let stage = self.unchecked(name)?;
        stage.training.check(&format!("stage.{name}"))?;
        Ok(stage)
    }

    /// The same without the check of single values against each other, which `--set` changes one after the other.
    pub(super) fn unchecked(&self, name: &str) -> Result<Stage> {
        let asked = self.request(name)?;
        asked.check()?;
        let info = method::by_name(&asked.method)?;
        let training = self.training_of(&asked, &mut vec![name.to_owned()])?;
        let settings = info.settings(&asked.given, name)?;
        Ok(Stage { name: name.to_owned(), method: info, settings, training, prompt: self.prompt.clone() })
    }

    /// Sets fields of a stage, which need no check: `set_stage("fine-tuning", &[("steps", 100.into())])`.
    pub fn set_stage(&mut self, name: &str, fields: &[(&str, Value)]) {
        let index = self.stages.iter().position(|stage| stage.name() == name).unwrap_or_else(|| {
            self.stages.push(StageRequest::of(name));
            self.stages.len() - 1
        });
        for (field, value) in fields {
            self.stages[index].given.insert((*field).to_owned(), value.clone());
        }
    }

    /// The training settings of the stage of this name.
    pub fn training(&self, name: &str) -> Result<StageSpec> {
        Ok(self.stage(name)?.training)
    }

    /// `visited` are the stages that refer to one another, so that a circle is found.
    fn training_of(&self, asked: &StageRequest, visited: &mut Vec<String>) -> Result<StageSpec> {
        let info = method::by_name(&asked.method)?;
        let like = match (&asked.like, &info.training) {
            (Some(name), _) => Some(name.as_str()),
            (None, Training::Like(name)) if *name != asked.name() => Some(*name),
            _ => None,
        };
        let base = match (like, &info.training) {
            (Some(name), _) if visited.iter().any(|other| other == name) => {
                let expected = "a stage that does not refer back to it";
                return Err(Error::mismatch(format!("stage.{}.like", asked.name()), expected, name));
            }
            (Some(name), _) => {
                visited.push(name.to_owned());
                self.training_of(&self.request(name)?, visited)?
            }
            (None, Training::Own(defaults)) => defaults(),
            (None, Training::Like(_)) => StageSpec::default(),
        };
        let mut base = table(&base)?;
        let known: Vec<String> = base.keys().cloned().collect();
        let given: Table = asked
            .given
            .iter()
            .filter(|(key, _)| known.contains(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        merge(&mut base, given, &format!("stage.{}", asked.name()))?;
        base.try_into().map_err(|error: toml::de::Error| {
            Error::toml(format!("stage.{} of the spec", asked.name()), &error)
        })
    }
}
