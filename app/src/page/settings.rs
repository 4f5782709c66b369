//! The settings of the Train screen, kept between visits.

use gloo::storage::{LocalStorage, Storage as _};
use promot_core::spec::RunSpec;

const KEY: &str = "promot.spec";

/// Storage may be full or forbidden; then the next visit begins with the preset.
pub fn store(spec: &RunSpec) {
    let _ = LocalStorage::set(KEY, spec);
}

pub fn stored() -> Option<RunSpec> {
    LocalStorage::get(KEY).ok()
}
