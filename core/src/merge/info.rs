//! What the list of merges says of each, and what a merge does.

use crate::error::{Error, Result};
use crate::method::{Param, Settings};
#[cfg(feature = "models")]
use crate::model::parameters::Weights;

/// One way to merge.
pub struct MergeInfo {
    pub name: &'static str,
    pub paper: &'static str,
    pub summary: &'static str,
    pub params: &'static [Param],
    /// Whether the result is a version of the first model, and has what is attached to that for single tasks; otherwise it
    /// has what is attached to the first that has anything.
    pub of_first: bool,
    #[cfg(feature = "models")]
    pub build: fn(&Settings) -> Box<dyn Merge>,
}

/// Computes weights from those of the pretrained model and of finished ones. Prompts and adapters are no part of it.
#[cfg(feature = "models")]
pub trait Merge: Send + Sync {
    fn merge(&self, pretrained: &Weights, finished: &[Weights]) -> Weights;
}

impl MergeInfo {
    /// The settings with what `given` overrides; `entry` names the entry of `methods` in errors.
    ///
    /// # Errors
    /// An unknown setting, a value of another type, or out of range.
    pub fn settings(&self, given: &toml::Table, entry: &str) -> Result<Settings> {
        let known = || self.params.iter().map(|param| param.name);
        match given.keys().find(|key| !known().any(|name| name == *key)) {
            Some(key) => Err(Error::unknown("setting", key, known())),
            None => Settings::read(self.params, given, entry),
        }
    }
}
