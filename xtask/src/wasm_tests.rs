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
    if !shell::works(wasm::tool("wasm-pack").arg("--version")) || !wasm::bindgen() {
        return Some("wasm-pack or wasm-bindgen is missing; `cargo xtask setup` installs them");
    }
    if wasm::chromedriver().is_none() || wasm::chromium().is_none() {
        return Some("Chromium or chromedriver is missing; `cargo xtask setup` installs them");
    }
    None
}

fn tests() -> Outcome {
    let mut command = wasm::tool("wasm-pack");
    command.args(["test", "--headless", "--chrome"]);
    if let Some(driver) = wasm::chromedriver() {
        command.arg("--chromedriver").arg(driver);
    }
    // Like the page is built, so that nothing is compiled twice.
    command.args(["app", "--", "--profile", "page", "--test", "wasm"]);
    // A software GPU tunes its kernels for minutes.
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "1800");
    shell::run(&mut command)
}
