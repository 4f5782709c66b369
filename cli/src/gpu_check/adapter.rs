//! What the adapter, its driver and wgpu say, and what Burn makes of it.

use burn::tensor::wgpu::wgpu::{AdapterInfo, Features, Limits};
use burn::tensor::{Device, FloatDType, MemoryAccess, ThroughputKey, ThroughputMode};
use serde_json::{Value, json};

use super::bench::Bench;
use super::cards;

pub fn run(bench: &Bench) -> anyhow::Result<()> {
    let adapter = &bench.setup.adapter;
    let info = adapter.get_info();
    bench.found(described(&info, bench));
    bench.found(limits(&adapter.limits()));
    bench.found(features(adapter.features(), &info));
    let shapes: Vec<String> = adapter
        .cooperative_matrix_properties()
        .iter()
        .map(|one| {
            format!("{}x{}x{} {:?}->{:?}", one.m_size, one.n_size, one.k_size, one.ab_type, one.cr_type)
        })
        .collect();
    bench.found(json!({ "what": "cooperative matrix", "shapes": shapes }));
    bench.found(burn(&bench.gpu.device));
    if !bench.tiny {
        for finding in rates(&bench.gpu.device) {
            bench.found(finding);
        }
    }
    Ok(())
}

fn described(info: &AdapterInfo, bench: &Bench) -> Value {
    let peaks = cards::peaks(&info.name);
    json!({
        "what": "adapter",
        "name": info.name,
        "kind": format!("{:?}", info.device_type),
        "api": format!("{:?}", info.backend),
        "shaders": if cfg!(feature = "vulkan") { "SPIR-V" } else { "WGSL" },
        "driver": info.driver,
        "driver_info": info.driver_info,
        "vendor": format!("{:#06x}", info.vendor),
        "device": format!("{:#06x}", info.device),
        "stated_tflops_f32": peaks.map(|peaks| peaks.f32),
        "stated_tflops_f16": peaks.map(|peaks| peaks.f16),
        "seconds_to_open": bench.opened,
    })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "what": "limits",
        "largest_buffer": limits.max_buffer_size,
        "largest_binding": limits.max_storage_buffer_binding_size,
        "workgroup_memory": limits.max_compute_workgroup_storage_size,
        "workgroup_invocations": limits.max_compute_invocations_per_workgroup,
    })
}

fn features(features: Features, info: &AdapterInfo) -> Value {
    json!({
        "what": "features",
        "subgroups": features.contains(Features::SUBGROUP),
        "subgroup_sizes": [info.subgroup_min_size, info.subgroup_max_size],
        "f16": features.contains(Features::SHADER_F16),
        "f64": features.contains(Features::SHADER_F64),
        "float_atomics": features.contains(Features::SHADER_FLOAT32_ATOMIC),
        "cooperative_matrix": features.contains(Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
        "pipeline_cache": features.contains(Features::PIPELINE_CACHE),
        "timestamps": features.contains(Features::TIMESTAMP_QUERY),
    })
}

/// Number formats that Burn computes in; bf16 that can only be stored and multiplied counts as none.
fn burn(device: &Device) -> Value {
    json!({
        "what": "Burn",
        "f32": device.supports_dtype(FloatDType::F32),
        "f16": device.supports_dtype(FloatDType::F16),
        "bf16": device.supports_dtype(FloatDType::BF16),
        "keeps_tuned_kernels": false,
    })
}

/// Bytes copied a second, and the time of a launch.
fn rates(device: &Device) -> Vec<Value> {
    let keys = [ThroughputMode::memory(MemoryAccess::Copy), ThroughputMode::Launch]
        .map(|mode| ThroughputKey { mode });
    let stats = device.performance_stats(&keys);
    stats.iter().map(|stat| json!({ "what": "measured by Burn", "rate": stat.to_string() })).collect()
}
