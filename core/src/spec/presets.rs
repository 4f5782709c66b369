//! Specs that ship with the program, as TOML files.

use toml::Value;

use super::{RunSpec, overlay, tasks};
use crate::error::{Error, Result};
use crate::task::TaskList;

/// A spec that ships with the program; `list presets` and the page's picker show these.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub name: &'static str,
    pub summary: &'static str,
    pub toml: &'static str,
}

/// A file in `core/presets`.
macro_rules! preset {
    ($name:literal, $summary:literal) => {
        Preset {
            name: $name,
            summary: $summary,
            toml: include_str!(concat!("../../presets/", $name, ".toml")),
        }
    };
}

/// The library's own presets, all of them at full size; a program adds those of its own model and data.
#[rustfmt::skip]
pub const PRESETS: &[Preset] = &[
    preset!("paper", "the paper's numbers on RTE; name a model and a data folder of your own, for the next ones, too"),
    preset!("table-2", "Table 2: RTE and English-French together"),
    preset!("table-3", "Table 3: joint training, a random prompt, fine-tuning with an example"),
    preset!("table-6", "Table 6: prompt tuning and ProMoT with an example in training"),
    preset!("table-7", "Table 7, first half: SNLI"),
    preset!("table-7-choice", "Table 7, second half: OpenBookQA"),
    preset!("paper-enfr", "the paper's numbers on English-French"),
    preset!("table-11", "Table 11: LoRA instead of a prompt in stage 1"),
    preset!("figures", "Figures 1, 2, 3 and 7: forgetting, format and gradients along fine-tuning, step by step"),
    preset!("palm", "the paper's numbers for a decoder-only model, on English-French (Table 10)"),
];

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
            Some(preset) => self.read(preset.toml, preset.name, &TaskList::default()),
            None => Err(Error::unknown("preset", name, self.iter().map(|preset| preset.name))),
        }
    }

    /// Reads a spec, which may begin with a preset: `base = "rte-mini"` stands for all of that preset's fields, and
    /// the spec's own are laid over them, a stage over the one of its name. A task in it may be `like` one of `tasks`, or
    /// like one before it. `source` names the spec in errors.
    ///
    /// # Errors
    /// As `RunSpec::from_toml`, an unknown base, and those of `Task::from_toml`.
    pub fn read(&self, text: &str, source: &str, tasks: &TaskList) -> Result<RunSpec> {
        let mut given = overlay::read(text, source)?;
        tasks::fill_in(&mut given, source, tasks)?;
        let base = match given.remove("base") {
            Some(Value::String(base)) if base != source => self.by_name(&base)?,
            Some(other) => {
                return Err(Error::mismatch(format!("base of {source}"), "the name of a preset", other));
            }
            None => RunSpec::default(),
        };
        base.overlaid(given, source)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Preset> {
        self.0.iter()
    }
}
