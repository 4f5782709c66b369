//! Parameters of the page's address: a device, a model, and a spec to train.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use promot_core::spec::RunSpec;

use crate::catalog::MODELS;
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

/// `?model=`, or the model of the settings in the address, which count more: the two cannot both be open.
///
/// # Errors
/// A model that does not come with the page.
pub fn model(value: Option<&str>, spec: Option<&RunSpec>) -> Result<&'static str, String> {
    let [first, ..] = MODELS;
    let asked = spec.map(|spec| spec.model.as_str()).or(value).filter(|name| !name.is_empty());
    let known = |asked: &str| MODELS.iter().find(|model| model.name == asked).map(|model| model.name);
    asked.map_or(Some(first.name), known).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
        let (asked, names) = (asked.unwrap_or_default(), names.join(" or "));
        format!("The address asks for the model `{asked}`; this page has {names}.")
    })
}

/// The parameters of an address, `?` before them, for the same page with another model: settings of the last one go.
pub fn with_model(query: &str, model: &str) -> String {
    let kept = form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    let kept = kept.filter(|(name, _)| !["model", "spec"].contains(&&**name));
    let mut query = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
    query.extend_pairs(kept).append_pair("model", model).finish()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_names_a_model_that_comes_with_the_page() {
        let spec = |model: &str| RunSpec { model: model.into(), ..RunSpec::default() };
        assert_eq!(model(None, None), Ok("mini"));
        assert_eq!(model(Some(""), None), Ok("mini"));
        assert_eq!(model(Some("mini-llama"), None), Ok("mini-llama"));
        assert_eq!(model(Some("mini"), Some(&spec("mini-llama"))), Ok("mini-llama"));
        for problem in [model(Some("gpt5"), None), model(None, Some(&spec("gpt5")))] {
            let expected = "The address asks for the model `gpt5`; this page has mini or mini-llama.";
            assert_eq!(problem.unwrap_err(), expected);
        }
    }

    #[test]
    fn another_model_keeps_the_other_parameters() {
        assert_eq!(with_model("", "mini-llama"), "?model=mini-llama");
        assert_eq!(
            with_model("?device=cpu&spec=e30&model=mini", "mini-llama"),
            "?device=cpu&model=mini-llama"
        );
    }
}
