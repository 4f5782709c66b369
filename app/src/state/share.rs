//! The settings of a run for someone else: as a command for the native program, and as an address of this page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use promot_core::error::Result;
use promot_core::spec::RunSpec;
use serde_json::{Map, Value};

/// What a shell is given to run the same natively.
///
/// # Errors
/// A spec that cannot be written.
pub fn command(spec: &RunSpec) -> Result<String> {
    Ok(format!("promot run --spec - <<'END'\n{}\nEND", spec.to_toml()?.trim()))
}

/// What follows the page's own address to open it with these settings; `address::spec` reads it. It has only what differs
/// from the defaults, and starts nothing by itself.
///
/// # Errors
/// A spec that cannot be written.
pub fn query(spec: &RunSpec) -> Result<String, serde_json::Error> {
    Ok(format!("?spec={}#train", encoded(spec)?))
}

/// What differs from the defaults, as `address::spec` reads it.
///
/// # Errors
/// A spec that cannot be written.
pub fn encoded(spec: &RunSpec) -> Result<String, serde_json::Error> {
    let fields = |spec: &RunSpec| serde_json::to_value(spec);
    let different = without(fields(spec)?, &fields(&RunSpec::default())?);
    let text = serde_json::to_vec(&different.unwrap_or(Value::Object(Map::new())))?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

/// The fields that differ, tables within tables. A null, which TOML has not, is as good as nothing.
fn without(value: Value, default: &Value) -> Option<Value> {
    match (value, default) {
        (Value::Null, _) => None,
        (value, default) if value == *default => None,
        (Value::Array(items), _) => {
            Some(Value::Array(items.into_iter().filter_map(|item| without(item, &Value::Null)).collect()))
        }
        (Value::Object(fields), defaults) => {
            let different = fields.into_iter().filter_map(|(name, value)| {
                let value = without(value, defaults.get(&name).unwrap_or(&Value::Null))?;
                Some((name, value))
            });
            Some(Value::Object(different.collect()))
        }
        (value, _) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::presets;
    use crate::state::address;

    #[test]
    fn a_link_opens_the_same_settings_and_is_short() {
        for preset in presets().iter() {
            let spec = presets().by_name(preset.name).unwrap();
            let query = query(&spec).unwrap();
            let value = query.strip_prefix("?spec=").unwrap().strip_suffix("#train").unwrap();
            assert_eq!(address::spec(value).unwrap(), spec, "{}", preset.name);
            assert!(value.len() < 6000, "{}: {} characters", preset.name, value.len());
        }
        assert_eq!(query(&RunSpec::default()).unwrap(), "?spec=e30#train");
    }

    #[test]
    fn a_command_holds_the_whole_spec() {
        let spec = presets().by_name("quick").unwrap();
        let command = command(&spec).unwrap();
        let text =
            command.strip_prefix("promot run --spec - <<'END'\n").unwrap().strip_suffix("\nEND").unwrap();
        assert_eq!(RunSpec::from_toml(text, "the command").unwrap(), spec);
        assert!(text.lines().all(|line| line != "END"));
    }
}
