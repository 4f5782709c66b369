//! `promot doctor`: what this machine offers, and what the program makes of it.

use std::env;
use std::process::Command;
use std::thread;

use clap::ValueEnum as _;
use serde::Serialize;

use crate::args::{DeviceName, DoctorArgs};
use crate::files::hub;
use crate::memory::{Memory, gib};
use crate::{bundled, device, output, table};

#[derive(Serialize)]
struct Findings {
    version: &'static str,
    /// What `--device auto` takes, and why.
    auto: String,
    wgpu: String,
    vulkan: String,
    threads: usize,
    memory: String,
    bundled_models: String,
    hub_cache: String,
}

pub fn run(args: &DoctorArgs) -> anyhow::Result<()> {
    if let Some(device) = args.probe {
        let info = device::probe(device)?.info;
        return output::text_to("-".as_ref(), &format!("{}: {}\n", info.name, info.reason));
    }
    let models: Vec<String> =
        bundled::models().map(|model| format!("{}, {}", model.name, model.size())).collect();
    let findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        auto: probed(DeviceName::Auto),
        wgpu: probed(DeviceName::Wgpu),
        vulkan: probed(DeviceName::Vulkan),
        threads: thread::available_parallelism().map_or(1, usize::from),
        memory: memory().unwrap_or_else(|| "unknown".to_owned()),
        bundled_models: models.join("; "),
        hub_cache: hub::cache_folder().map_or("none without HOME".to_owned(), |path| {
            format!("{}{}", path.display(), if path.is_dir() { "" } else { " (not there yet)" })
        }),
    };
    match &args.json {
        Some(path) => output::json(path, &findings),
        None => output::text_to("-".as_ref(), &(shown(&findings) + "\n")),
    }
}

/// Name and reason of the device, or why there is none. Each device is opened in a process of its own: a GPU
/// runtime can be set up once a process, and some drivers end the process that opens them.
pub fn probed(device: DeviceName) -> String {
    let name = device.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    // The full search for the fastest kernels takes minutes on a software driver, and what is asked here is only
    // whether the numbers are right.
    let run = |program| {
        Command::new(program)
            .args(["doctor", "--probe", &name])
            .env("CUBECL_AUTOTUNE_LEVEL", "minimal")
            .output()
    };
    if device == DeviceName::Vulkan && !cfg!(feature = "vulkan") {
        return "as wgpu, on Vulkan drivers only; build with --features vulkan for SPIR-V".to_owned();
    }
    let output = env::current_exe().and_then(run);
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr);
            let error = error.trim().trim_start_matches("promot: ");
            if error.is_empty() {
                format!("none: the driver ended with {}", output.status)
            } else {
                format!("none: {error}")
            }
        }
        Err(error) => format!("none: {error}"),
    }
}

fn shown(findings: &Findings) -> String {
    let rows = [
        ("promot", findings.version.to_owned()),
        ("--device auto", findings.auto.clone()),
        ("--device wgpu", findings.wgpu.clone()),
        ("--device vulkan", findings.vulkan.clone()),
        ("threads", findings.threads.to_string()),
        ("memory", findings.memory.clone()),
        ("bundled models", findings.bundled_models.clone()),
        ("hub cache", findings.hub_cache.clone()),
    ];
    table::plain(&["what", "found"], rows.map(|(name, value)| vec![name.to_owned(), value]))
}

fn memory() -> Option<String> {
    let Memory { total, free } = Memory::here()?;
    Some(format!("{}, {} free to use", gib(total), gib(free)))
}
