//! The core in a real browser, on WebGPU and on the CPU (tests/wasm). Called by `cargo xtask test`.

use crate::shell::{self, Outcome};
use crate::wasm;

/// Runs them, or says in a line that begins with `skipped` why they cannot run here.
pub fn run() -> Outcome {
    match missing() {
        Some(reason) => {
            println!("skipped: tests of the core in a browser: {reason}");
            Ok(())
        }
        None => tests(),
    }
}

fn missing() -> Option<&'static str> {
    if !wasm::target() {
        return Some("Rust cannot compile for wasm32-unknown-unknown; `cargo xtask setup` mends that");
    }
    if !wasm::bindgen() {
        return Some("wasm-bindgen is missing; `cargo xtask setup` installs it");
    }
    if wasm::chromedriver().is_none() || wasm::chromium().is_none() {
        return Some("Chromium or chromedriver is missing; `cargo xtask setup` installs them");
    }
    None
}

fn tests() -> Outcome {
    let mut command = wasm::tool("cargo");
    // Like the page is built, so that nothing is compiled twice; wasm-pack would compile all in a profile of its own.
    command.args(["test", "--locked", "--profile", "page", "--target", "wasm32-unknown-unknown"]);
    command.args(["--package", "promot-app", "--test", "wasm"]);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
    if let Some(driver) = wasm::chromedriver() {
        command.env("CHROMEDRIVER", driver);
    }
    // A software GPU tunes its kernels for minutes.
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "1800");
    shell::run(&mut command)
}
