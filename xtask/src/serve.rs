//! `cargo xtask serve`: builds the page and serves it to this machine.

use crate::shell::{self, Outcome};
use crate::{setup, wasm};

pub fn run() -> Outcome {
    setup::need(&["Rust for wasm32-unknown-unknown", "wasm-bindgen", "trunk"])?;
    println!("the first build compiles a whole tensor library: a quarter of an hour, or half of one");
    shell::run(wasm::tool("trunk").arg("serve"))
}
