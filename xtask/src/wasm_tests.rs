//! The core in a real browser, on WebGPU and on the CPU (tests/wasm). Called by `cargo xtask test`.

use anyhow::Result;

use crate::shell::shell;
use crate::skips::{self, Skip};
use crate::wasm;

/// Runs them, or says why they cannot run here.
pub fn run(skipped: &mut Vec<Skip>) -> Result<()> {
    let Some(reason) = missing() else { return tests() };
    let line = format!("{}wasm: {reason}", skips::MARK);
    println!("{line}");
    skipped.extend(Skip::read(&line, ""));
    Ok(())
}

fn missing() -> Option<&'static str> {
    if !wasm::target() {
        return Some(
            "Rust cannot compile for wasm32-unknown-unknown; `cargo xtask setup` installs what it needs",
        );
    }
    if !wasm::bindgen() {
        return Some("wasm-bindgen is missing; `cargo xtask setup` installs it");
    }
    if wasm::chromedriver().is_none() || wasm::chromium().is_none() {
        return Some("Chromium or chromedriver is missing; `cargo xtask setup` installs them");
    }
    None
}

fn tests() -> Result<()> {
    let sh = shell()?;
    // Like the page is built, so that nothing is compiled twice; wasm-pack would compile all in a profile of its own.
    let mut test = wasm::tool(&sh, "cargo")?
        .args(["test", "--locked", "--profile", "page", "--target", "wasm32-unknown-unknown"])
        .args(["--package", "promot-app", "--test", "wasm"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        // A software GPU tunes its kernels for minutes.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "1800");
    if let Some(driver) = wasm::chromedriver() {
        test = test.env("CHROMEDRIVER", driver);
    }
    Ok(test.run()?)
}
