//! The tools that build and test the page, where they are and how to get them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::setup;
use crate::shell::{self, Outcome};

const TARGET: &str = "wasm32-unknown-unknown";

/// The newest trunk that the present Rust builds.
const TRUNK: &str = "0.21.14";

/// Current when it was pinned; Debian's own package is years older and does not know what rustc emits.
const BINARYEN: &str = "binaryen@132.0.0";

/// A tool of the page's build, with the PATH and the settings that it and the cargo it starts need.
pub fn tool(program: &str) -> Command {
    let mut command = shell::tool(program);
    // NO_COLOR=1, as some environments have it, is a value that trunk refuses.
    command.env("PATH", path()).env_remove("NO_COLOR");
    if !rustup_target() && debian_toolchain() {
        for (key, value) in debian_settings() {
            command.env(key, value);
        }
    }
    command
}

/// Our own folder of tools first, then cargo's, then what is there.
fn path() -> std::ffi::OsString {
    let mut folders = vec![tools().join("node_modules/.bin")];
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    folders.extend(home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).map(|home| home.join("bin")));
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).unwrap_or_default()
}

/// What is installed for this repository alone.
fn tools() -> PathBuf {
    shell::target_dir().join("tools")
}

/// Whether the page can be compiled.
pub fn target() -> bool {
    rustup_target() || debian_toolchain()
}

/// Whether the toolchain in use compiles for the browser by itself; only then is its clippy able to, too.
pub fn rustup_target() -> bool {
    let query = ["--print", "target-libdir", "--target", TARGET];
    let folder = shell::read(shell::tool("rustc").args(query)).unwrap_or_default();
    std::fs::read_dir(folder.trim()).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

/// Debian's Rust with the sources of the standard library, known to rustup as `deb`.
fn debian_toolchain() -> bool {
    shell::read(shell::tool("rustup").args(["toolchain", "list"]))
        .is_ok_and(|list| list.lines().any(|line| line.split_whitespace().next() == Some("deb")))
}

/// Lets every cargo below build the standard library, too, and find the linker, which Debian's packages lack.
fn debian_settings() -> Vec<(&'static str, std::ffi::OsString)> {
    let mut settings: Vec<(&str, std::ffi::OsString)> = vec![
        ("RUSTUP_TOOLCHAIN", "deb".into()),
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort".into()),
    ];
    let sysroot =
        shell::read(shell::tool("rustc").args(["+stable", "--print", "sysroot"])).unwrap_or_default();
    let linker = Path::new(sysroot.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    if linker.exists() {
        settings.push(("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()));
    }
    settings
}

pub fn install_target() -> Outcome {
    if shell::read(shell::tool("rustup").args(["target", "add", TARGET])).is_ok() {
        return Ok(());
    }
    setup::apt_install(&["rustc-web", "cargo-web", "rust-web-src"], &[])?;
    shell::read(shell::tool("rustup").args(["toolchain", "link", "deb", "/usr"])).map(drop)
}

/// Whether the program fits the library to the digit, as it must.
pub fn bindgen() -> bool {
    let Ok(wanted) = locked_version("wasm-bindgen") else { return false };
    shell::read(tool("wasm-bindgen").arg("--version"))
        .is_ok_and(|text| text.trim().ends_with(&format!(" {wanted}")))
}

pub fn install_bindgen() -> Outcome {
    let version = locked_version("wasm-bindgen")?;
    // Not `--locked`: its lock file names versions that not every registry has.
    install(&["wasm-bindgen-cli", "--version", &version])
}

fn locked_version(package: &str) -> Outcome<String> {
    let path = shell::root().join("Cargo.lock");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    version_in(&text, package).ok_or_else(|| format!("{} does not name {package}", path.display()))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

pub fn install_trunk() -> Outcome {
    install(&["trunk", "--version", TRUNK, "--locked"])
}

/// Tools that work for seconds need not be made fast for minutes.
const SOON: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

fn install(what: &[&str]) -> Outcome {
    shell::read(shell::cargo().arg("install").args(what).envs(SOON)).map(drop)
}

pub fn install_wasm_opt() -> Outcome {
    let folder = tools();
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut npm = shell::tool("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(BINARYEN);
    shell::read(&mut npm).map(drop)
}

/// The browser of the tests.
pub fn chromium() -> Option<PathBuf> {
    first(&["chromium", "chromium-browser", "google-chrome"])
}

pub fn chromedriver() -> Option<PathBuf> {
    first(&["chromedriver"])
}

fn first(names: &[&str]) -> Option<PathBuf> {
    let path = path();
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
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n[[package]]\n\
                    name = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "trunk"), None);
    }
}
