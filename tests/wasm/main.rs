//! The core in a real browser: a tiny model on WebGPU, tuned kernels and all, beside the CPU. Native builds hold
//! nothing of it. `cargo xtask test` runs it; by hand:
//!
//! `wasm-pack test --headless --chrome app -- --profile page --test wasm`

#![cfg(target_family = "wasm")]

mod agree;
