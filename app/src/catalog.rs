//! What the page knows: models, tasks and presets.

use promot_core::spec::{PresetList, RunSpec};
use promot_core::task::TaskList;

/// A model that comes with the page.
pub struct Bundled {
    /// As specs name it, and its folder below `models/`.
    pub name: &'static str,
    /// What its architecture is like.
    pub kind: &'static str,
}

/// The first one is open unless the address asks for another.
pub const MODELS: [Bundled; 2] =
    [Bundled { name: "mini", kind: "like T5" }, Bundled { name: "mini-llama", kind: "like Llama" }];

pub fn tasks() -> &'static TaskList {
    &promot_world::catalog().tasks
}

pub fn presets() -> &'static PresetList {
    &promot_world::catalog().presets
}

/// A preset for a bundled model; nothing where there is no such preset.
pub fn preset(name: &str, model: &str) -> Option<RunSpec> {
    Some(RunSpec { model: model.to_owned(), ..presets().by_name(name).ok()? })
}
