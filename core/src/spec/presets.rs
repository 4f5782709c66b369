//! Specs that ship with the program, as TOML files.

use super::RunSpec;
use crate::error::{Error, Result};

/// A spec that ships with the program; `list presets` and the page's picker show these.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub name: &'static str,
    pub summary: &'static str,
    pub toml: &'static str,
}

/// The library's own presets; a program adds those of its own model and data.
pub const PRESETS: &[Preset] = &[Preset {
    name: "paper",
    summary: "the paper's numbers on RTE; name a model and a data folder of your own",
    toml: include_str!("../../presets/paper.toml"),
}];

/// The presets that a program knows.
#[derive(Clone, Debug, Default)]
pub struct PresetList(Vec<Preset>);

impl PresetList {
    pub fn new(presets: impl IntoIterator<Item = Preset>) -> Self {
        Self(presets.into_iter().collect())
    }

    /// # Errors
    /// An unknown name lists the nearest ones.
    pub fn by_name(&self, name: &str) -> Result<RunSpec> {
        match self.iter().find(|preset| preset.name == name) {
            Some(preset) => RunSpec::from_toml(preset.toml, preset.name),
            None => Err(Error::unknown("preset", name, self.iter().map(|preset| preset.name))),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Preset> {
        self.0.iter()
    }
}
