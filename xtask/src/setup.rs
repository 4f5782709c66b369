//! `cargo xtask setup`: installs what is missing, the ordinary way first; what it cannot install it names in one
//! line. Quick when all is there, and never an error: nothing here is needed to build and run the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Outcome};
use crate::wasm;

/// Where the Vulkan loader looks for drivers on Linux.
const ICD_FOLDERS: [&str; 3] =
    ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// One thing a machine can have: how to see that it is there, how to get it, and what to tell a person otherwise.
struct Item {
    name: &'static str,
    needed_for: &'static str,
    present: fn() -> bool,
    install: fn() -> Outcome,
    by_hand: &'static str,
}

const ITEMS: &[Item] = &[
    Item {
        name: "rustfmt and clippy",
        needed_for: "cargo xtask check",
        present: || {
            shell::works(shell::cargo().args(["fmt", "--version"]))
                && shell::works(shell::cargo().args(["clippy", "--version"]))
        },
        install: || {
            shell::read(shell::tool("rustup").args(["component", "add", "rustfmt", "clippy"])).map(drop)
        },
        by_hand: "rustup component add rustfmt clippy",
    },
    Item {
        name: "software Vulkan driver (lavapipe)",
        needed_for: "the GPU tests on a machine without a GPU",
        present: || lavapipe().is_some(),
        install: install_lavapipe,
        by_hand: "install your system's package of Mesa's Vulkan drivers (Debian: apt-get install mesa-vulkan-drivers, \
                  from bookworm-backports on Debian 12)",
    },
    Item {
        name: "Rust for wasm32-unknown-unknown",
        needed_for: "the page",
        present: wasm::target,
        install: wasm::install_target,
        by_hand: "rustup target add wasm32-unknown-unknown; where rustup cannot download, Debian has a toolchain that \
                  builds it from source: apt-get install rustc-web cargo-web rust-web-src",
    },
    Item {
        name: "wasm-bindgen",
        needed_for: "the page",
        present: wasm::bindgen,
        install: wasm::install_bindgen,
        by_hand: "cargo install wasm-bindgen-cli, in the version of wasm-bindgen that Cargo.lock names",
    },
    Item {
        name: "trunk",
        needed_for: "the page",
        present: || shell::works(wasm::tool("trunk").arg("--version")),
        install: wasm::install_trunk,
        by_hand: "cargo install trunk --version 0.21.14 --locked",
    },
    Item {
        name: "wasm-opt",
        needed_for: "a small page (cargo xtask dist)",
        present: || shell::works(wasm::tool("wasm-opt").arg("--version")),
        install: wasm::install_wasm_opt,
        by_hand: "install Node.js and run cargo xtask setup again, or put a wasm-opt of binaryen 120 or newer on the PATH",
    },
    Item {
        name: "Chromium and its driver",
        needed_for: "the tests of the page",
        present: || wasm::chromium().is_some() && wasm::chromedriver().is_some(),
        install: || apt_install(&["chromium", "chromium-driver"], &[]),
        by_hand: "install Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)",
    },
    Item {
        name: "Playwright",
        needed_for: "the tests of the page",
        present: || shell::root().join("tests/page/node_modules/playwright-core").is_dir(),
        install: || shell::read(shell::tool("npm").args(["ci", "--prefix", "tests/page"])).map(drop),
        by_hand: "install Node.js 20 or newer, then npm ci --prefix tests/page",
    },
    Item {
        name: "Python 3 with venv",
        needed_for: "cargo xtask golden and cargo xtask bench",
        present: || crate::golden::python().is_some(),
        install: || apt_install(&["python3", "python3-venv"], &[]),
        by_hand: "install Python 3.10 or newer with its venv module (Debian: apt-get install python3-venv)",
    },
];

pub fn run() -> Outcome {
    for item in ITEMS {
        println!("{}", ensure(item));
    }
    Ok(())
}

/// Installs those of the items that are missing, by name; the lines of what is still missing are the error.
pub fn need(names: &[&str]) -> Outcome {
    let needed = ITEMS.iter().filter(|item| names.contains(&item.name) && !(item.present)());
    let lines: Vec<String> = needed.map(ensure).filter(|line| line.starts_with("MISSING")).collect();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}

/// One line on what is there now.
fn ensure(item: &Item) -> String {
    let Item { name, needed_for, by_hand, .. } = item;
    if (item.present)() {
        return format!("ok         {name}");
    }
    println!("installing {name} ...");
    let problem = match (item.install)() {
        Ok(()) if (item.present)() => return format!("installed  {name}"),
        Ok(()) => "the installation ended well, yet it is not there".to_owned(),
        Err(problem) => problem.lines().next_back().unwrap_or_default().trim().to_owned(),
    };
    format!("MISSING    {name}, needed for {needed_for}: {by_hand} ({problem})")
}

/// The manifest of Mesa's software Vulkan driver, if it is installed.
pub fn lavapipe() -> Option<PathBuf> {
    ICD_FOLDERS.iter().find_map(|folder| {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        files.into_iter().find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("lvp_icd") && name.ends_with(".json")
        })
    })
}

/// A private folder that Vulkan drivers ask for on machines without a login session.
pub fn runtime_dir() -> Option<PathBuf> {
    let folder = shell::target_dir().join("xdg-runtime");
    std::fs::create_dir_all(&folder).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).ok()?;
    }
    Some(folder)
}

fn install_lavapipe() -> Outcome {
    let packages = ["mesa-vulkan-drivers", "libvulkan1"];
    if !is_debian_12() {
        return apt_install(&packages, &[]);
    }
    // Debian 12's own Mesa (22.3) is older than what the wgpu back end is tested with; its backports have 25.0.
    // The list of backports is ours alone: the system's sources stay as they are.
    let list = shell::target_dir().join("setup").join("backports.list");
    let written = list
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&list, "deb http://deb.debian.org/debian bookworm-backports main\n"));
    written.map_err(|error| format!("{}: {error}", list.display()))?;
    let source = format!("Dir::Etc::SourceList={}", list.display());
    let options = ["-o", source.as_str(), "-t", "bookworm-backports"];
    apt_install(&packages, &options).or_else(|_| apt_install(&packages, &[]))
}

fn is_debian_12() -> bool {
    std::fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "VERSION_CODENAME=bookworm"))
}

pub fn apt_install(packages: &[&str], options: &[&str]) -> Outcome {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err("there is no apt-get here".into());
    }
    if shell::read(shell::tool("id").arg("-u")).unwrap_or_default().trim() != "0" {
        return Err("installing system packages needs root".into());
    }
    shell::read(apt_get(options).arg("update"))?;
    shell::read(apt_get(options).args(["install", "--yes", "--no-install-recommends"]).args(packages))
        .map(drop)
}

fn apt_get(options: &[&str]) -> Command {
    let mut command = shell::tool("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "Acquire::Retries=2"]).args(options);
    command
}
