//! The device that the arguments ask for.

use std::panic;

use anyhow::Context as _;
use promot_core::device::{DeviceChoice, OpenDevice, open as open_device};

use crate::args::{DeviceArgs, DeviceName, Dtype};
use crate::fail::usage;

pub fn open(args: &DeviceArgs) -> anyhow::Result<OpenDevice> {
    if args.dtype != Dtype::F32 {
        return Err(usage("--dtype: expected f32, found f16 or bf16, which come in a later version"));
    }
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        pool.build_global().with_context(|| format!("--threads {threads}"))?;
    }
    probe(args.device)
}

/// Opens a device. A GPU driver that fails panics inside wgpu; the library turns that into an error, and the
/// panic's own message and backtrace would only hide it.
pub fn probe(name: DeviceName) -> anyhow::Result<OpenDevice> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let opened = pollster::block_on(open_device(choice(name)));
    panic::set_hook(hook);
    Ok(opened?)
}

fn choice(name: DeviceName) -> DeviceChoice {
    match name {
        DeviceName::Auto => DeviceChoice::Auto,
        DeviceName::Vulkan => DeviceChoice::Vulkan,
        DeviceName::Wgpu => DeviceChoice::Wgpu,
        DeviceName::Cpu => DeviceChoice::Cpu,
    }
}
