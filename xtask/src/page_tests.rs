//! The page's end-to-end tests: Node drives a real Chromium, and for a part of them Firefox, over the page that is built.
//! Called by `cargo xtask test`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Cmd, Shell, cmd};

use crate::shell::{self, shell};
use crate::skips::{self, Skip};
use crate::wasm;

/// Runs them, or says why they cannot run here.
pub fn run(skipped: &mut Vec<Skip>) -> Result<()> {
    let mut told = |line: &str| {
        println!("{line}");
        skipped.extend(Skip::read(line, ""));
    };
    if let Some(reason) = missing() {
        told(&format!("{}page: {reason}", skips::MARK));
        return Ok(());
    }
    let sh = shell()?;
    // One file after the other: browsers that share their cores make each other slow.
    let chromium = shell::follow(npm(&sh, &folder(), &["test", "--silent"]), &mut told)?;
    let firefox = match firefox() {
        Some(firefox) => {
            let npm = npm(&sh, &folder(), &["run", "--silent", "firefox"]).env("PROMOT_BROWSER", "firefox");
            shell::follow(npm.env("PROMOT_FIREFOX", firefox), &mut told)?
        }
        None => {
            let reason = "no Firefox; `cargo xtask setup` installs one, PROMOT_FIREFOX names one";
            told(&format!("{}firefox: {reason}", skips::MARK));
            Ok(())
        }
    };
    chromium.and(firefox)
}

/// Runs a script of a package of ours that drives the built page.
pub fn script(folder: &Path, args: &[&str]) -> Result<()> {
    if let Some(reason) = missing() {
        bail!("{reason}");
    }
    let sh = shell()?;
    Ok(npm(&sh, folder, args).run()?)
}

/// The first thing that whoever drives the page needs and that is not here.
fn missing() -> Option<String> {
    if !shell().is_ok_and(|sh| shell::works(cmd!(sh, "node --version"))) {
        return Some("Node is not installed (20 or newer)".to_owned());
    }
    if chromium().is_none() {
        return Some("no Chromium; `cargo xtask setup` installs one, PROMOT_CHROMIUM names one".to_owned());
    }
    if !playwright() {
        return Some("`npm ci` has not run in tests/page; `cargo xtask setup` does it".to_owned());
    }
    if !shell::root().join("dist/index.html").is_file() {
        return Some("the page is not built; `cargo xtask dist` builds it".to_owned());
    }
    None
}

/// npm in a package of ours, whose scripts find the browser.
fn npm<'a>(sh: &'a Shell, folder: &Path, args: &[&str]) -> Cmd<'a> {
    let npm = sh.cmd("npm").arg("--prefix").arg(folder).args(args);
    match chromium() {
        Some(chromium) => npm.env("PROMOT_CHROMIUM", chromium),
        None => npm,
    }
}

/// Whether `npm ci` has run.
pub fn playwright() -> bool {
    folder().join("node_modules/playwright-core").is_dir()
}

fn folder() -> PathBuf {
    shell::root().join("tests").join("page")
}

/// `PROMOT_CHROMIUM` names another one than the installed.
fn chromium() -> Option<PathBuf> {
    std::env::var_os("PROMOT_CHROMIUM").map(PathBuf::from).or_else(wasm::chromium)
}

/// `PROMOT_FIREFOX` names another one than the installed.
pub fn firefox() -> Option<PathBuf> {
    std::env::var_os("PROMOT_FIREFOX").map(PathBuf::from).or_else(wasm::firefox)
}
