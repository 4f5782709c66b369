//! Specs that ship with the library, as TOML files.

use super::RunSpec;
use crate::error::{Error, Result};

/// A spec that ships with the library; `list presets` and the page's picker show this list.
pub struct Preset {
    pub name: &'static str,
    pub summary: &'static str,
    pub toml: &'static str,
}

pub const PRESETS: &[Preset] = &[
    Preset {
        name: "tour",
        summary: "the bundled model on entailment: pretrained, fine-tuned and ProMoT, in minutes on two cores",
        toml: include_str!("../../presets/tour.toml"),
    },
    Preset {
        name: "quick",
        summary: "the same in under a minute, for trying things out; its scores say nothing",
        toml: include_str!("../../presets/quick.toml"),
    },
    Preset {
        name: "paper-mini",
        summary: "the paper's comparison with the bundled model: five seeds, prompt tuning and ProMoT + 1-shot, too; an hour on one core",
        toml: include_str!("../../presets/paper-mini.toml"),
    },
    Preset {
        name: "paper",
        summary: "the paper's numbers on RTE; name a model and a data folder of your own",
        toml: include_str!("../../presets/paper.toml"),
    },
];

/// # Errors
/// An unknown name lists the nearest ones.
pub fn preset(name: &str) -> Result<RunSpec> {
    match PRESETS.iter().find(|preset| preset.name == name) {
        Some(preset) => RunSpec::from_toml(preset.toml, preset.name),
        None => Err(Error::unknown("preset", name, PRESETS.iter().map(|preset| preset.name))),
    }
}
