//! What the page knows: tasks and presets.

use promot_core::spec::PresetList;
use promot_core::task::TaskList;

/// The page's one model, as specs name it.
pub const MODEL: &str = "mini";

pub fn tasks() -> &'static TaskList {
    &promot_world::catalog().tasks
}

pub fn presets() -> &'static PresetList {
    &promot_world::catalog().presets
}
