//! Parameters of the page's address: a device, and a spec to train.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use promot_core::spec::RunSpec;

use crate::protocol::DeviceWish;

/// `?device=cpu|webgpu`.
///
/// # Errors
/// Another value.
pub fn device(value: Option<&str>) -> Result<DeviceWish, String> {
    match value {
        None | Some("" | "auto") => Ok(DeviceWish::Auto),
        Some("webgpu") => Ok(DeviceWish::Webgpu),
        Some("cpu") => Ok(DeviceWish::Cpu),
        Some(other) => {
            Err(format!("The address asks for the device `{other}`; it may be cpu, webgpu or auto."))
        }
    }
}

/// `?spec=`: the spec as JSON in the address-safe base64. Fields left out have the same defaults as in TOML.
///
/// # Errors
/// What cannot be read.
pub fn spec(value: &str) -> Result<RunSpec, String> {
    let problem = |what: &dyn std::fmt::Display| format!("The spec in the address cannot be read: {what}");
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).map_err(|error| problem(&error))?;
    let table: toml::Table = serde_json::from_slice(&bytes).map_err(|error| problem(&error))?;
    let text = toml::to_string(&table).map_err(|error| problem(&error))?;
    RunSpec::from_toml(&text, "the spec in the address").map_err(|error| error.to_string())
}
