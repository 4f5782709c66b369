//! The settings of the Train screen, kept between visits.

use leptos::prelude::window;
use promot_core::spec::RunSpec;

const KEY: &str = "promot.spec";

/// Asking for it is an error where cookies are blocked.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// Storage may be full or forbidden; then the next visit begins with the preset.
pub fn store(spec: &RunSpec) {
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(spec)) {
        let _ = storage.set_item(KEY, &text);
    }
}

pub fn stored() -> Option<RunSpec> {
    serde_json::from_str(&storage()?.get_item(KEY).ok()??).ok()
}
