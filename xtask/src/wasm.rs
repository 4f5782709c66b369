//! The tools that build and test the page, where they are and how to get them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

use crate::apt;
use crate::shell::{self, shell};

const TARGET: &str = "wasm32-unknown-unknown";

/// The newest trunk that the present Rust builds.
const TRUNK: &str = "0.21.14";

/// Current when it was pinned; Debian's own package is years older and does not know what rustc emits.
const BINARYEN: &str = "binaryen@132.0.0";

/// A tool of the page's build, with the PATH and the settings that it and the cargo it starts need.
pub fn tool<'a>(sh: &'a Shell, program: &str) -> Result<Cmd<'a>> {
    // NO_COLOR=1, as some environments have it, is a value that trunk refuses.
    let command = sh.cmd(program).env("PATH", path()?).env_remove("NO_COLOR");
    if !rustup_target() && debian_toolchain() {
        return Ok(command.envs(debian_settings()));
    }
    Ok(command)
}

/// Whether one of these tools answers.
pub fn works(program: &str) -> bool {
    let answers = |sh: Shell| Ok(shell::works(tool(&sh, program)?.arg("--version")));
    shell().and_then(answers).unwrap_or(false)
}

/// Our own folder of tools first, then cargo's, then what is there.
fn path() -> Result<std::ffi::OsString> {
    let mut folders = vec![tools()?.join("node_modules/.bin")];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    folders.extend(home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).map(|home| home.join("bin")));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    Ok(std::env::join_paths(folders)?)
}

/// What is installed for this repository alone.
fn tools() -> Result<PathBuf> {
    Ok(shell::target_dir()?.join("tools"))
}

/// Whether the page can be compiled.
pub fn target() -> bool {
    rustup_target() || debian_toolchain()
}

/// Whether the toolchain in use compiles for the browser by itself; only then is its clippy able to, too.
pub fn rustup_target() -> bool {
    let folder = shell().and_then(|sh| {
        let target = TARGET;
        shell::read(cmd!(sh, "rustc --print target-libdir --target {target}"))
    });
    let files = folder.ok().and_then(|folder| std::fs::read_dir(folder.trim()).ok());
    files.is_some_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

/// Debian's Rust with the sources of the standard library, known to rustup as `deb`.
fn debian_toolchain() -> bool {
    let list = shell().and_then(|sh| shell::read(cmd!(sh, "rustup toolchain list"))).unwrap_or_default();
    list.lines().any(|line| line.split_whitespace().next() == Some("deb"))
}

/// Lets every cargo below build the standard library, too, and find the linker, which Debian's packages lack.
fn debian_settings() -> Vec<(&'static str, std::ffi::OsString)> {
    let mut settings: Vec<(&str, std::ffi::OsString)> = vec![
        ("RUSTUP_TOOLCHAIN", "deb".into()),
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".into()),
    ];
    let sysroot =
        shell().and_then(|sh| shell::read(cmd!(sh, "rustc +stable --print sysroot"))).unwrap_or_default();
    let linker = Path::new(sysroot.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    if linker.exists() {
        settings.push(("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()));
    }
    settings
}

pub fn install_target() -> Result<()> {
    let (sh, target) = (shell()?, TARGET);
    if shell::works(cmd!(sh, "rustup target add {target}")) {
        return Ok(());
    }
    apt::install(&["rustc-web", "cargo-web", "rust-web-src"], &[])?;
    shell::read(cmd!(sh, "rustup toolchain link deb /usr")).map(drop)
}

/// Whether the program fits the library to the digit, as it must.
pub fn bindgen() -> bool {
    let fits = |sh: Shell| {
        let wanted = locked_version("wasm-bindgen")?;
        let found = shell::read(tool(&sh, "wasm-bindgen")?.arg("--version"))?;
        Ok(found.split_whitespace().last() == Some(wanted.as_str()))
    };
    shell().and_then(fits).unwrap_or(false)
}

pub fn install_bindgen() -> Result<()> {
    let version = locked_version("wasm-bindgen")?;
    // Not `--locked`: its lock file names versions that not every registry has.
    shell::install(&["wasm-bindgen-cli", "--version", &version])
}

/// The version of a package in Cargo.lock, as cargo names it: `registry+https://...#name@1.2.3`.
fn locked_version(package: &str) -> Result<String> {
    let sh = shell()?;
    let id = shell::read(shell::cargo(&sh).args(["pkgid", "--offline", package]))?;
    let version = id.trim().rsplit(['@', '#']).next();
    version.map(str::to_owned).with_context(|| format!("Cargo.lock does not name {package}"))
}

pub fn install_trunk() -> Result<()> {
    shell::install(&["trunk", "--version", TRUNK, "--locked"])
}

pub fn install_wasm_opt() -> Result<()> {
    let (sh, package) = (shell()?, BINARYEN);
    let folder = sh.create_dir(tools()?)?;
    shell::read(cmd!(sh, "npm install --no-audit --no-fund --prefix {folder} {package}")).map(drop)
}

/// The browsers of the tests.
pub fn chromium() -> Option<PathBuf> {
    first(&["chromium", "chromium-browser", "google-chrome"])
}

pub fn firefox() -> Option<PathBuf> {
    first(&["firefox-esr", "firefox"])
}

pub fn chromedriver() -> Option<PathBuf> {
    first(&["chromedriver"])
}

fn first(names: &[&str]) -> Option<PathBuf> {
    let path = path().ok()?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_the_version_of_the_very_package() {
        let version = locked_version("wasm-bindgen").unwrap();
        assert!(version.split('.').count() == 3 && version.starts_with("0.2."), "{version}");
        assert!(locked_version("no-such-package").is_err());
    }
}
