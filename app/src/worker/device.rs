//! Which device computes in this browser, and why.

use std::rc::Rc;

use cubecl::config::autotune::AutotuneLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use promot_core::device::{DeviceChoice, OpenDevice, open as open_device};
use promot_core::report::DeviceInfo;
use wasm_bindgen::JsCast;

use super::autotune_cache::AutotuneCache;
use super::gpu;
use super::messages::fail;
use super::storage::Storage;
use crate::adapter::Refusal;
use crate::advice;
use crate::failure::Failure;
use crate::protocol::DeviceWish;

pub struct Opened {
    pub device: OpenDevice,
    /// Of WebGPU alone.
    pub autotune: Option<AutotuneCache>,
    pub advice: Option<String>,
}

impl Opened {
    pub fn webgpu(&self) -> bool {
        self.autotune.is_some()
    }
}

/// Opens the device that was asked for, or the CPU where that is not possible, with the reason.
pub async fn open(wish: DeviceWish, storage: &Storage) -> Result<Opened, String> {
    if wish == DeviceWish::Cpu {
        let reason = "asked for by ?device=cpu in the address";
        return Ok(Opened { device: cpu(reason.into()).await?, autotune: None, advice: None });
    }
    match webgpu(wish, storage).await {
        Ok((device, autotune)) => Ok(Opened { device, autotune: Some(autotune), advice: None }),
        Err(Refusal { reason, browser_can_help }) => {
            let advice = if browser_can_help { advice::webgpu(&user_agent()) } else { None };
            Ok(Opened { device: cpu(reason).await?, autotune: None, advice })
        }
    }
}

async fn cpu(reason: String) -> Result<OpenDevice, String> {
    let mut device = open_device(DeviceChoice::Cpu).await.map_err(|error| error.to_string())?;
    device.info = DeviceInfo { name: "CPU (WebAssembly)".into(), reason, software: false };
    Ok(device)
}

async fn webgpu(wish: DeviceWish, storage: &Storage) -> Result<(OpenDevice, AutotuneCache), Refusal> {
    let adapter = gpu::adapter().await?;
    adapter.check(wish)?;
    gpu::prepare(Rc::new(|failure: Failure| fail(failure.fatal())))?;
    configure(adapter.software);
    let autotune = AutotuneCache::load(storage, &adapter.name).await;
    let mut device = open_device(DeviceChoice::Wgpu).await.map_err(|error| error.to_string())?;
    let reason = match wish {
        DeviceWish::Auto => "WebGPU is there and computed a training step like the CPU's",
        _ => "asked for by ?device=webgpu in the address; a training step came out like the CPU's",
    };
    let known = match autotune.stored() {
        0 => String::new(),
        count => format!("; {count} kernels were chosen on an earlier visit"),
    };
    let (name, reason) = (format!("WebGPU ({})", adapter.name), format!("{reason}{known}"));
    device.info = DeviceInfo { name, reason, software: adapter.software };
    Ok((device, autotune))
}

/// Limits autotuning: a few tries tell a naive kernel from a good one, and a first step of a minute helps nobody.
pub fn configure(software: bool) {
    let mut config = CubeClRuntimeConfig::default();
    config.autotune.level = AutotuneLevel::Minimal;
    // A software adapter takes minutes for what a real one does in a second.
    config.autotune.bench.max_samples = if software { 1 } else { 3 };
    CubeClRuntimeConfig::set(config);
}

fn user_agent() -> String {
    let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.navigator().user_agent().unwrap_or_default()
}
