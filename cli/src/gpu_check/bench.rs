//! What every measurement has: the opened GPU, its memory, and where findings go.

use std::io::{self, Write as _};
use std::time::Instant;

use anyhow::anyhow;
use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{FloatDType, IntDType};
use promot_core::batch::BatchLayout;
use promot_core::device::{self, DeviceChoice, OpenDevice};
use serde_json::Value;

use crate::args::Numbers;

/// The GPU of this process and how large the measurements are.
pub struct Bench {
    pub gpu: OpenDevice,
    pub setup: WgpuSetup,
    pub numbers: Numbers,
    pub tiny: bool,
    /// Seconds from the start of the process until the device was open.
    pub opened: f64,
}

impl Bench {
    pub fn open(numbers: Numbers, tiny: bool) -> anyhow::Result<Self> {
        let start = Instant::now();
        // With the feature `vulkan` this is SPIR-V, without it WGSL on whatever adapter there is.
        let choice = if cfg!(feature = "vulkan") { DeviceChoice::Vulkan } else { DeviceChoice::Wgpu };
        let (mut gpu, setup) = pollster::block_on(device::open_unproven(choice, "checked"))?;
        if numbers == Numbers::F16 {
            gpu.device
                .configure((FloatDType::F16, IntDType::I32))
                .map_err(|error| anyhow!("f16 as the number format: {error:?}"))?;
        }
        Ok(Self { gpu, setup, numbers, tiny, opened: start.elapsed().as_secs_f64() })
    }

    /// How batches of made-up ids are laid out.
    pub fn layout(&self) -> BatchLayout {
        let pad_to_multiple_of = self.gpu.length_multiple;
        BatchLayout { pad_id: 0, decoder_start_id: 0, pad_to_multiple_of, num_workers: 1 }
    }

    /// One finding: a line that the supervisor puts the item's name on.
    pub fn found(&self, finding: Value) {
        say(&finding);
    }

    /// Gigabytes (10^9 bytes) that the device's pools hold: in tensors, and from the driver.
    pub fn memory(&self) -> Option<(f64, f64)> {
        let usage = self.gpu.device.memory_pool_usage()?;
        Some((usage.bytes_in_use as f64 / 1e9, usage.bytes_reserved as f64 / 1e9))
    }

    /// Waits until the device has done what it was given.
    pub fn wait(&self) -> anyhow::Result<()> {
        self.gpu.device.sync().map_err(|error| anyhow!("waiting for the device: {error:?}"))
    }

    pub fn numbers_name(&self) -> &'static str {
        match self.numbers {
            Numbers::F32 => "f32",
            Numbers::F16 => "f16",
        }
    }
}

/// Prints a line for the supervisor.
pub fn say(line: &Value) {
    let mut out = io::stdout().lock();
    // A supervisor that is gone ends the process with its next line.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
