//! Which device computes in this browser, and why.

use std::rc::Rc;

use cubecl::config::autotune::AutotuneLevel;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use promot_core::device::{DeviceChoice, OpenDevice, open as open_device};
use promot_core::report::DeviceInfo;
use wasm_bindgen::JsCast;

use super::gpu;
use super::messages::fail;
use super::storage::Storage;
use super::tuned::Kept;
use crate::advice;
use crate::protocol::DeviceWish;

pub struct Opened {
    pub device: OpenDevice,
    /// Of WebGPU: its tuned kernels.
    pub tuned: Option<Kept>,
    pub advice: Option<String>,
}

impl Opened {
    pub fn webgpu(&self) -> bool {
        self.tuned.is_some()
    }
}

/// The device that was wished for. What cannot be had becomes the CPU, with the reason: the page works all the same.
pub async fn open(wish: DeviceWish, disk: &Storage) -> Result<Opened, String> {
    if wish == DeviceWish::Cpu {
        let reason = "asked for by ?device=cpu in the address";
        return Ok(Opened { device: cpu(reason.into()).await?, tuned: None, advice: None });
    }
    match webgpu(wish, disk).await {
        Ok((device, tuned)) => Ok(Opened { device, tuned: Some(tuned), advice: None }),
        Err(reason) => {
            let software = reason.contains("software");
            let advice = if software { None } else { advice::webgpu(&user_agent()) };
            Ok(Opened { device: cpu(reason).await?, tuned: None, advice })
        }
    }
}

async fn cpu(reason: String) -> Result<OpenDevice, String> {
    let mut device = open_device(DeviceChoice::Cpu).await.map_err(|error| error.to_string())?;
    device.info = DeviceInfo { name: "CPU (WebAssembly)".into(), reason };
    Ok(device)
}

async fn webgpu(wish: DeviceWish, disk: &Storage) -> Result<(OpenDevice, Kept), String> {
    let adapter = gpu::adapter().await?;
    if adapter.software && wish == DeviceWish::Auto {
        return Err(format!(
            "the only WebGPU adapter here ({}) is a software one, which is slower than the CPU itself",
            adapter.name
        ));
    }
    if !adapter.lacks.is_empty() {
        let lacks = adapter.lacks.join(" and ");
        return Err(format!("the graphics adapter ({}) lacks {lacks}, which is needed", adapter.name));
    }
    gpu::prepare(Rc::new(|message, advice| fail(message, advice, true)))?;
    configure(adapter.software);
    let tuned = Kept::bring(disk, &adapter.name).await;
    let mut device = open_device(DeviceChoice::Wgpu).await.map_err(|error| error.to_string())?;
    let reason = match wish {
        DeviceWish::Auto => "WebGPU is there and computed a training step like the CPU's",
        _ => "asked for by ?device=webgpu in the address; a training step came out like the CPU's",
    };
    let known = match tuned.count() {
        0 => String::new(),
        count => format!("; {count} kernels were chosen on an earlier visit"),
    };
    device.info =
        DeviceInfo { name: format!("WebGPU ({})", adapter.name), reason: format!("{reason}{known}") };
    Ok((device, tuned))
}

/// Kernels are tuned by trying them; few tries are enough to tell a naive one from a good one, and a first step of a
/// minute helps nobody.
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
