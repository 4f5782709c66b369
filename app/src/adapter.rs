//! What a browser says of its graphics adapter, and whether it is of use.

use crate::protocol::DeviceWish;

#[derive(Clone, Debug, Default)]
pub struct Adapter {
    pub name: String,
    /// A driver that computes on the CPU.
    pub software: bool,
    /// Features that the tensor library cannot do without and the adapter lacks.
    pub lacks: Vec<&'static str>,
}

/// Why WebGPU is not used.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub reason: String,
    /// Whether setting up WebGPU in the browser may help.
    pub browser_can_help: bool,
}

/// What failed on the way to the device.
impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, browser_can_help: true }
    }
}

impl Adapter {
    /// # Errors
    /// A software adapter that was not asked for by name, and one that lacks a feature.
    pub fn check(&self, wish: DeviceWish) -> Result<(), Refusal> {
        let name = &self.name;
        if self.software && wish == DeviceWish::Auto {
            let reason = format!(
                "the only WebGPU adapter here ({name}) is a software one, which is slower than the CPU itself"
            );
            return Err(Refusal { reason, browser_can_help: false });
        }
        if !self.lacks.is_empty() {
            let lacks = self.lacks.join(" and ");
            return Err(format!("the graphics adapter ({name}) lacks {lacks}, which is needed").into());
        }
        Ok(())
    }
}

/// Whether an adapter of this name computes on the CPU: not every browser marks such adapters as fallbacks.
pub fn is_software(name: &str) -> bool {
    let name = name.to_lowercase();
    ["swiftshader", "llvmpipe", "lavapipe", "softpipe", "basic render"]
        .iter()
        .any(|known| name.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_software_adapter_is_used_only_if_asked_for() {
        let adapter = Adapter { name: "google, swiftshader".into(), software: true, lacks: Vec::new() };
        let refusal = adapter.check(DeviceWish::Auto).unwrap_err();
        assert!(!refusal.browser_can_help && refusal.reason.contains("google, swiftshader"));
        assert_eq!(adapter.check(DeviceWish::Webgpu), Ok(()));
    }

    #[test]
    fn an_adapter_that_lacks_a_feature_is_refused_whatever_its_name_says() {
        let lacks = vec!["timestamp-query", "subgroups"];
        let adapter = Adapter { name: "software of yesterday".into(), software: false, lacks };
        let refusal = adapter.check(DeviceWish::Webgpu).unwrap_err();
        assert!(refusal.browser_can_help && refusal.reason.contains("timestamp-query and subgroups"));
    }

    #[test]
    fn software_adapters_are_known_by_name() {
        assert!(is_software("Google, SwiftShader") && is_software("Mesa, llvmpipe (LLVM 15)"));
        assert!(!is_software("nvidia, ampere"));
    }
}
