//! `promot gpu-check`: what a GPU computes, how fast, and how much fits, beside the CPU (docs/gpu/README.md).

use crate::args::GpuCheckArgs;
use crate::gpu_check::{supervisor, worker};

pub fn run(args: &GpuCheckArgs) -> anyhow::Result<()> {
    match args.worker {
        Some(numbers) => worker::run(numbers, args.tiny),
        None => supervisor::run(args),
    }
}
