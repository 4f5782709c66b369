//! The core in a real browser: a tiny model on WebGPU, tuned kernels and all, beside the CPU. Native builds hold
//! nothing of it. `cargo xtask test` runs it, with wasm-bindgen-test-runner and in the profile of the page.

#![cfg(target_family = "wasm")]

mod agree;
mod autotune_cache;
mod tiny;
