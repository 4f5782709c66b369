//! `cargo xtask serve`: builds the page and serves it to this machine.

use anyhow::Result;

use crate::shell::shell;
use crate::{setup, wasm};

pub fn run() -> Result<()> {
    setup::need(&[setup::TARGET, setup::BINDGEN, setup::TRUNK])?;
    println!("the first build compiles a whole tensor library: a quarter of an hour, or half of one");
    let sh = shell()?;
    Ok(wasm::tool(&sh, "trunk")?.arg("serve").run()?)
}
