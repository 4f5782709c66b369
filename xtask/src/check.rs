//! `cargo xtask check`: what a change must pass besides the tests.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::shell::{self, shell};
use crate::{skips, wasm};

/// Current when it was pinned.
const DENY: &str = "0.20.2";

/// Set to leave the check of licences and sources out where cargo-deny cannot be installed.
const WITHOUT_DENY: &str = "PROMOT_WITHOUT_DENY";

pub fn run() -> Result<()> {
    // Every part runs even when one fails, so that one round shows all there is to fix.
    shell::all([
        shell::part("formatting (cargo fmt)", formatting),
        shell::part("clippy, warnings are errors", clippy),
        shell::part("clippy of the page, as it is compiled for the browser", page),
        shell::part("licences and sources of dependencies (cargo deny)", dependencies),
    ])
}

fn formatting() -> Result<()> {
    let sh = shell()?;
    Ok(shell::cargo(&sh).args(["fmt", "--all", "--check"]).run()?)
}

/// In the release profile like everything else, so that build scripts and macros are shared with the program.
fn clippy() -> Result<()> {
    let sh = shell()?;
    let clippy = shell::cargo(&sh).args(["clippy", "--release", "--locked", "--workspace", "--all-targets"]);
    Ok(clippy.args(["--", "-D", "warnings"]).run()?)
}

/// What only the browser's build compiles, which the part above does not see.
fn page() -> Result<()> {
    if !wasm::rustup_target() {
        let reason = "rustup has no wasm32-unknown-unknown; `cargo xtask setup` installs it where it can";
        return skips::skip("lint", &format!("clippy of the page: {reason}"));
    }
    let sh = shell()?;
    // The worker with its models, then the window without them, as index.html builds it.
    for features in [&["--all-targets"][..], &["--lib", "--no-default-features"]] {
        let clippy = wasm::tool(&sh, "cargo")?.args(["clippy", "--locked", "--profile", "page"]);
        let clippy = clippy.args(["--target", "wasm32-unknown-unknown", "--package", "promot-app"]);
        clippy.args(features).args(["--", "-D", "warnings"]).run()?;
    }
    Ok(())
}

/// Whether cargo-deny is installed.
pub fn deny() -> bool {
    shell().is_ok_and(|sh| shell::works(shell::cargo(&sh).args(["deny", "--version"])))
}

pub fn install_deny() -> Result<()> {
    shell::install(&["cargo-deny", "--version", DENY, "--locked"])
}

fn dependencies() -> Result<()> {
    if !deny() {
        let reason = "cargo-deny is not installed; `cargo xtask setup` installs it";
        if std::env::var_os(WITHOUT_DENY).is_some() {
            return skips::skip("lint", reason);
        }
        bail!("{reason}, and {WITHOUT_DENY}=1 leaves this check out");
    }
    let sh = shell()?;
    // It looks at all platforms' packages; nothing is downloaded where they are there.
    shell::cargo(&sh).args(["fetch", "--locked"]).run()?;
    // Offline: the same commit must give the same answer everywhere.
    let mut deny = cmd!(sh, "cargo deny --offline --locked --all-features check licenses bans sources");
    if advisory_database().is_some_and(|folder| folder.exists()) {
        deny = deny.arg("advisories");
    } else {
        println!("advisories are not checked: `cargo deny fetch` downloads their database");
    }
    Ok(deny.run()?)
}

/// Where `cargo deny fetch` keeps what it downloads.
fn advisory_database() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    Some(home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?.join("advisory-dbs"))
}
