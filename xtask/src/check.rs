//! `cargo xtask check`: what a change must pass besides the tests.

use std::path::PathBuf;

use crate::licenses;
use crate::shell::{self, Outcome};
use crate::wasm;

pub fn run() -> Outcome {
    // Every part runs even when one fails, so that one round shows all there is to mend.
    let parts = [
        shell::part("formatting (cargo fmt)", || {
            shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
        }),
        shell::part("clippy, warnings are errors", clippy),
        shell::part("clippy of the page, as it is compiled for the browser", page),
        shell::part("licences and sources of dependencies", dependencies),
    ];
    let failed: Vec<String> = parts.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// In the release profile like everything else, so that build scripts and macros are shared with the program.
fn clippy() -> Outcome {
    shell::run(shell::cargo().args([
        "clippy",
        "--release",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// What only the browser's build compiles, which the part above does not see.
fn page() -> Outcome {
    if !wasm::rustup_target() {
        println!(
            "skipped: rustup has no wasm32-unknown-unknown; `cargo xtask setup` installs it where it can"
        );
        return Ok(());
    }
    let mut command = wasm::tool("cargo");
    command.args(["clippy", "--locked", "--profile", "page", "--target", "wasm32-unknown-unknown"]);
    command.args(["--package", "promot-app", "--all-targets", "--", "-D", "warnings"]);
    shell::run(&mut command)
}

fn dependencies() -> Outcome {
    if !shell::works(shell::cargo().args(["deny", "--version"])) {
        println!(
            "cargo-deny is not installed (cargo install cargo-deny --locked): own check of deny.toml's licences; \
             advisories are not checked"
        );
        return licenses::check();
    }
    let mut deny = shell::cargo();
    // Offline: the same commit must give the same answer everywhere.
    deny.args(["deny", "--offline", "--all-features", "check", "licenses", "bans", "sources"]);
    if advisory_database().is_some_and(|folder| folder.exists()) {
        deny.arg("advisories");
    } else {
        println!("advisories are not checked: `cargo deny fetch` downloads their database");
    }
    shell::run(&mut deny)
}

/// Where `cargo deny fetch` keeps what it downloads.
fn advisory_database() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    Some(home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?.join("advisory-dbs"))
}
