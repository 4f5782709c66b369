//! The page's end-to-end tests: Node drives a real Chromium over the page that is built. Called by `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Outcome};
use crate::wasm;

/// Runs them, or says in a line that begins with `skipped` why they cannot run here.
pub fn run() -> Outcome {
    match missing() {
        Some(reason) => {
            println!("skipped: tests of the page: {reason}");
            Ok(())
        }
        None => tests(),
    }
}

/// The first thing that whoever drives the page needs and that is not here.
pub fn missing() -> Option<String> {
    if !shell::works(Command::new("node").arg("--version")) {
        return Some("Node is not installed (20 or newer)".to_owned());
    }
    if chromium().is_none() {
        return Some("no Chromium; `cargo xtask setup` installs one, PROMOT_CHROMIUM names one".to_owned());
    }
    if !folder().join("node_modules/playwright-core").is_dir() {
        return Some("`npm ci` has not run in tests/page; `cargo xtask setup` does it".to_owned());
    }
    if !shell::root().join("dist/index.html").is_file() {
        return Some("the page is not built; `cargo xtask dist` builds it".to_owned());
    }
    None
}

fn tests() -> Outcome {
    // One file after the other: a browser that shares its cores with another one fails tests about time.
    npm(&folder(), &["test", "--silent"])
}

/// npm in a package of ours, whose scripts find the browser.
pub fn npm(folder: &Path, args: &[&str]) -> Outcome {
    let mut command = shell::tool("npm");
    command.args(args).current_dir(folder);
    if let Some(chromium) = chromium() {
        command.env("PROMOT_CHROMIUM", chromium);
    }
    shell::run(&mut command)
}

fn folder() -> PathBuf {
    shell::root().join("tests").join("page")
}

/// `PROMOT_CHROMIUM` names another one than the installed.
fn chromium() -> Option<PathBuf> {
    std::env::var_os("PROMOT_CHROMIUM").map(PathBuf::from).or_else(wasm::chromium)
}
