//! Which device computes, and why: `auto` takes a GPU that passes a probe, else the CPU.

#[cfg(not(target_family = "wasm"))]
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::wgpu::{WgpuBackend, WgpuSetup, wgpu};
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::batch::BatchLayout;
use crate::error::{Error, Result};
use crate::model::folder::LoadedModel;
use crate::model::tensors::to_vec;
use crate::record::DeviceInfo;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    Auto,
    /// SPIR-V on Vulkan where the build has the feature `vulkan`, WGSL on Vulkan otherwise.
    Vulkan,
    /// Any adapter that wgpu finds.
    Wgpu,
    Cpu,
}

pub const CHOICES: [(&str, DeviceChoice); 4] = [
    ("auto", DeviceChoice::Auto),
    ("vulkan", DeviceChoice::Vulkan),
    ("wgpu", DeviceChoice::Wgpu),
    ("cpu", DeviceChoice::Cpu),
];

impl std::str::FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = CHOICES.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| Error::unknown("device", name, CHOICES.map(|(known, _)| known)))
    }
}

/// An opened device. `device` has no autodiff; training switches it on for its model.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    pub device: Device,
    pub info: DeviceInfo,
    /// Lengths are padded to a multiple of this: a GPU tunes its kernels by shape.
    pub length_multiple: usize,
    /// Whether it computes on this process's threads, most operations on one of them: then independent work is done
    /// side by side.
    pub threads: bool,
}

/// Parts of a batch on the CPU, with small models and with large ones: every part reads all weights and makes gradients
/// as large as they are. Fixed, not the number of threads, so that every machine sums in the same order.
const CPU_PARTS: [usize; 2] = [4, 2];

/// Parameters of a large model.
const LARGE: usize = 20_000_000;

/// How many parts of a batch the CPU computes side by side with a model of so many parameters.
pub fn parts_on_cpu(parameters: usize) -> usize {
    CPU_PARTS[usize::from(parameters >= LARGE)]
}

impl OpenDevice {
    /// How many parts of a batch are computed side by side with a model of so many parameters.
    pub fn at_once(&self, parameters: usize) -> usize {
        if self.threads { parts_on_cpu(parameters) } else { 1 }
    }

    /// How batches of a model of so many parameters are laid out here.
    pub fn layout(&self, pad_id: u32, decoder_start_id: u32, parameters: usize) -> BatchLayout {
        BatchLayout {
            pad_id,
            decoder_start_id,
            pad_to_multiple_of: self.length_multiple,
            num_workers: self.at_once(parameters),
        }
    }

    pub fn layout_for(&self, model: &LoadedModel) -> BatchLayout {
        self.layout(model.tokenizer.pad, model.config.start(), model.info.parameters)
    }
}

/// Opens the device asked for. `Auto` never fails: it falls back to the CPU and says why.
pub async fn open(choice: DeviceChoice) -> Result<OpenDevice> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu("asked for".into())),
        DeviceChoice::Wgpu | DeviceChoice::Vulkan => gpu(choice, "asked for").await,
        DeviceChoice::Auto => match gpu(choice, "passed the probe").await {
            Ok(device) => Ok(device),
            Err(error) => Ok(cpu(format!("no GPU passed the probe: {error}"))),
        },
    }
}

fn cpu(reason: String) -> OpenDevice {
    let info = DeviceInfo { name: "flex (CPU)".into(), reason, software: false };
    OpenDevice { device: Device::flex(), info, length_multiple: 1, threads: true }
}

async fn gpu(choice: DeviceChoice, reason: &str) -> Result<OpenDevice> {
    let (opened, _) = open_unproven(choice, reason).await?;
    if choice == DeviceChoice::Auto && opened.info.software {
        let problem = format!("{} is a software driver, slower than the CPU device", opened.info.name);
        return Err(failed(problem));
    }
    probe(&opened.device).await?;
    Ok(opened)
}

fn failed(problem: String) -> Error {
    Error::Device { device: "wgpu".into(), problem }
}

/// Opens a GPU without the probe, with wgpu's own handles: for checks that look deeper than the probe does.
pub async fn open_unproven(choice: DeviceChoice, reason: &str) -> Result<(OpenDevice, WgpuSetup)> {
    let (device, setup) = start(choice).await.map_err(failed)?;
    let adapter = setup.adapter.get_info();
    let info = DeviceInfo {
        name: format!("wgpu ({:?}, {})", adapter.backend, adapter.name),
        reason: reason.into(),
        software: matches!(adapter.device_type, wgpu::DeviceType::Cpu),
    };
    Ok((OpenDevice { device, info, length_multiple: 16, threads: false }, setup))
}

/// wgpu panics instead of returning an error on some broken drivers, so panics count as failures.
async fn start(choice: DeviceChoice) -> std::result::Result<(Device, WgpuSetup), String> {
    let options = Device::wgpu_options();
    let options =
        if choice == DeviceChoice::Vulkan { options.graphics_api(WgpuBackend::Vulkan) } else { options };
    #[cfg(not(target_family = "wasm"))]
    let opened = catch_unwind(AssertUnwindSafe(|| options.init_with_setup()))
        .map_err(|panic| panic_text(panic.as_ref()))?;
    #[cfg(target_family = "wasm")]
    let opened = options.init_with_setup_async().await;
    opened.map_err(|error| error.to_string())
}

#[cfg(not(target_family = "wasm"))]
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("the driver failed: {}", text.unwrap_or("no message"))
}

/// A small training step, its loss and gradient compared with the CPU's. On some drivers a refused shader leaves
/// zeros and no error, so numbers are the only proof that the device computes.
async fn probe(device: &Device) -> Result<()> {
    let expected = known_computation(&Device::flex()).await?;
    let found = known_computation(device).await?;
    let worst =
        expected.iter().zip(&found).map(|(a, b)| (a - b).abs() / a.abs().max(1e-2)).fold(0.0, f32::max);
    if worst.is_finite() && worst < 1e-2 && expected.len() == found.len() {
        return Ok(());
    }
    Err(Error::Device {
        device: "wgpu".into(),
        problem: format!("the probe's numbers differ from the CPU's by {:.0} %", 100.0 * worst),
    })
}

async fn known_computation(device: &Device) -> Result<Vec<f32>> {
    const SIDE: usize = 48;
    let device = device.clone().autodiff();
    let wave = |phase: f32| {
        let values: Vec<f32> = (0..SIDE * SIDE).map(|i| (i as f32 * 0.37 + phase).sin()).collect();
        Tensor::<2>::from_data(TensorData::new(values, [SIDE, SIDE]), &device)
    };
    let weight = wave(0.5).require_grad();
    let hidden = activation::softmax(wave(0.0).matmul(weight.clone()), 1);
    let loss = hidden.matmul(wave(1.0)).square().mean();
    let gradients = loss.backward();
    let grad = weight
        .grad(&gradients)
        .ok_or_else(|| Error::Device { device: "probe".into(), problem: "no gradient".into() })?;
    let mut numbers = to_vec(grad.sum_dim(0)).await?;
    numbers.extend(to_vec(loss.detach()).await?);
    Ok(numbers)
}
