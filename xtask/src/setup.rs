//! `cargo xtask setup`: installs what is missing, the ordinary way first; what it cannot install it names in one
//! line. Quick when all is there, and never an error: nothing here is needed to build and run the program.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::shell::{self, shell};
use crate::{apt, check, golden, page_tests, vulkan, wasm};

/// One thing a machine can have: how to see that it is there, how to get it, and what to tell a person otherwise.
struct Item {
    name: &'static str,
    needed_for: &'static str,
    present: fn() -> bool,
    install: fn() -> Result<()>,
    by_hand: &'static str,
}

pub const TARGET: &str = "Rust for wasm32-unknown-unknown";
pub const BINDGEN: &str = "wasm-bindgen";
pub const TRUNK: &str = "trunk";
pub const WASM_OPT: &str = "wasm-opt";

const ITEMS: &[Item] = &[
    Item {
        name: "rustfmt and clippy",
        needed_for: "cargo xtask check",
        present: || cargo_works(&["fmt", "--version"]) && cargo_works(&["clippy", "--version"]),
        install: || {
            let sh = shell()?;
            shell::read(cmd!(sh, "rustup component add rustfmt clippy")).map(drop)
        },
        by_hand: "rustup component add rustfmt clippy",
    },
    Item {
        name: "cargo-deny",
        needed_for: "cargo xtask check",
        present: check::deny,
        install: check::install_deny,
        by_hand: "cargo install cargo-deny --locked",
    },
    Item {
        name: "the sources of all dependencies, other platforms' included",
        needed_for: "cargo xtask check without a network",
        present: || cargo_works(&["fetch", "--locked", "--offline"]),
        install: || {
            let sh = shell()?;
            shell::read(shell::cargo(&sh).args(["fetch", "--locked"])).map(drop)
        },
        by_hand: "cargo fetch --locked",
    },
    Item {
        name: "software Vulkan driver (lavapipe)",
        needed_for: "the GPU tests on a machine without a GPU",
        present: || vulkan::lavapipe().is_some(),
        install: vulkan::install,
        by_hand: "install your system's package of Mesa's Vulkan drivers (Debian: apt-get install mesa-vulkan-drivers, \
                  from bookworm-backports on Debian 12)",
    },
    Item {
        name: TARGET,
        needed_for: "the page",
        present: wasm::target,
        install: wasm::install_target,
        by_hand: "rustup target add wasm32-unknown-unknown; where rustup cannot download, Debian has a toolchain that \
                  builds it from source: apt-get install rustc-web cargo-web rust-web-src",
    },
    Item {
        name: BINDGEN,
        needed_for: "the page",
        present: wasm::bindgen,
        install: wasm::install_bindgen,
        by_hand: "cargo install wasm-bindgen-cli, in the version of wasm-bindgen that Cargo.lock names",
    },
    Item {
        name: TRUNK,
        needed_for: "the page",
        present: || wasm::works("trunk"),
        install: wasm::install_trunk,
        by_hand: "cargo install trunk --version 0.21.14 --locked",
    },
    Item {
        name: WASM_OPT,
        needed_for: "a small page (cargo xtask dist)",
        present: || wasm::works("wasm-opt"),
        install: wasm::install_wasm_opt,
        by_hand: "install Node.js and run cargo xtask setup again, or put a wasm-opt of binaryen 120 or newer on the PATH",
    },
    Item {
        name: "Chromium and its driver",
        needed_for: "the tests of the page",
        present: || wasm::chromium().is_some() && wasm::chromedriver().is_some(),
        install: || apt::install(&["chromium", "chromium-driver"], &[]),
        by_hand: "install Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)",
    },
    Item {
        name: "Firefox",
        needed_for: "the tests of the page in a second browser",
        present: || page_tests::firefox().is_some(),
        install: || apt::install(&["firefox-esr"], &[]),
        by_hand: "install Firefox (Debian: apt-get install firefox-esr)",
    },
    Item {
        name: "Playwright",
        needed_for: "the tests of the page",
        present: page_tests::playwright,
        install: || {
            let sh = shell()?;
            shell::read(cmd!(sh, "npm ci --prefix tests/page")).map(drop)
        },
        by_hand: "install Node.js 20 or newer, then npm ci --prefix tests/page",
    },
    Item {
        name: "Python 3 with venv",
        needed_for: "cargo xtask golden and cargo xtask bench",
        present: || golden::python().is_some(),
        install: || apt::install(&["python3", "python3-venv"], &[]),
        by_hand: "install Python 3.10 or newer with its venv module (Debian: apt-get install python3-venv)",
    },
];

fn cargo_works(args: &[&str]) -> bool {
    shell().is_ok_and(|sh| shell::works(shell::cargo(&sh).args(args)))
}

/// What is there now; `Missing` says what a person can do.
enum State {
    Present,
    Installed,
    Missing(String),
}

pub fn run() -> Result<()> {
    for item in ITEMS {
        let name = item.name;
        match ensure(item) {
            State::Present => println!("ok         {name}"),
            State::Installed => println!("installed  {name}"),
            State::Missing(line) => println!("{line}"),
        }
    }
    Ok(())
}

/// Installs those of the items that are missing, by name; the lines of what is still missing are the error.
pub fn need(names: &[&str]) -> Result<()> {
    let needed = ITEMS.iter().filter(|item| names.contains(&item.name));
    let missing = needed.filter_map(|item| match ensure(item) {
        State::Missing(line) => Some(line),
        State::Present | State::Installed => None,
    });
    let lines: Vec<String> = missing.collect();
    if lines.is_empty() { Ok(()) } else { bail!("{}", lines.join("\n")) }
}

fn ensure(item: &Item) -> State {
    let Item { name, needed_for, by_hand, .. } = item;
    if (item.present)() {
        return State::Present;
    }
    println!("installing {name} ...");
    let problem = match (item.install)() {
        Ok(()) if (item.present)() => return State::Installed,
        Ok(()) => "the installation ended well, yet it is not there".to_owned(),
        Err(problem) => problem.to_string().lines().next_back().unwrap_or_default().trim().to_owned(),
    };
    State::Missing(format!("MISSING    {name}, needed for {needed_for}: {by_hand} ({problem})"))
}
