//! The stages of a spec: as asked for, where what is left out is filled in, and as they run.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::tables::table;
use crate::error::{Error, Result};
use crate::method::{self, MethodInfo, PromptSpec, PromptUse, Settings};
use crate::optim::StageSpec;

/// A stage as asked for: `[[stage]] method = "..."` and whatever settings differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRequest {
    /// As recipes write it; the method's name where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub method: String,
    /// The stage whose training settings fill in what is left out here; the method's own rule where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// Training settings (`StageSpec`) and the method's own, as far as they are given.
    #[serde(flatten)]
    pub given: Table,
}

/// A stage as it runs: complete and checked.
#[derive(Clone)]
pub struct Stage {
    pub name: String,
    pub method: &'static MethodInfo,
    pub settings: Settings,
    pub training: StageSpec,
    /// What a new prompt begins with, if the method makes one.
    pub prompt: PromptSpec,
}

impl StageRequest {
    pub fn of(method: &str) -> Self {
        Self { method: method.to_owned(), ..Self::default() }
    }

    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.method)
    }

    /// Every field that this stage can have.
    pub fn fields(&self) -> Result<Vec<String>> {
        let training = table(&StageSpec::default())?;
        let own = method::by_name(&self.method)?.params.iter().map(|param| param.name.to_owned());
        let identity = ["name", "method", "like"].map(str::to_owned);
        Ok(identity.into_iter().chain(training.keys().cloned()).chain(own).collect())
    }

    /// Refuses a method or a field that does not exist.
    pub fn check(&self) -> Result<()> {
        let fields = self.fields()?;
        match self.given.keys().find(|key| !fields.contains(key)) {
            Some(key) => {
                let path = |field: &str| format!("stage.{}.{field}", self.name());
                let known: Vec<String> = fields.iter().map(|field| path(field)).collect();
                Err(Error::unknown("field", &path(key), known.iter().map(String::as_str)))
            }
            None => Ok(()),
        }
    }
}

impl Stage {
    /// Every setting as a table: the method's own beside those of training.
    pub fn table(&self) -> Result<Table> {
        let mut all = table(&self.training)?;
        all.extend(self.settings.iter().map(|(name, value)| (name.to_owned(), Value::from(value))));
        Ok(all)
    }

    /// What decides the stage's course, for fingerprints and for telling equal stages.
    pub fn identity(&self) -> Result<serde_json::Value> {
        let failed = |error| Error::format("a stage's settings", error);
        let mut training = serde_json::to_value(&self.training).map_err(failed)?;
        // A stage that leaves a later setting at 0 is the one that it was before there was that setting, to the order of
        // its fields.
        if let Some(training) = training.as_object_mut() {
            if self.training.replay == 0.0 {
                training.shift_remove("replay");
                training.shift_remove("replay_answers");
            }
            if self.training.keep_earliest_within == 0.0 {
                training.shift_remove("keep_earliest_within");
            }
        }
        let settings = serde_json::to_value(&self.settings).map_err(failed)?;
        let prompt = match self.method.prompt {
            PromptUse::Keep => ().into(),
            PromptUse::New | PromptUse::NewUniform => serde_json::to_value(&self.prompt).map_err(failed)?,
        };
        Ok(
            serde_json::json!({ "method": self.method.name, "settings": settings, "training": training, "prompt": prompt }),
        )
    }
}
