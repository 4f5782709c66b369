//! The software Vulkan driver of the GPU tests: the same driver everywhere is the same test everywhere.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::Cmd;

use crate::{apt, shell};

/// Where the Vulkan loader looks for drivers on Linux.
const ICD_FOLDERS: [&str; 3] =
    ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// The manifest of Mesa's driver (lavapipe), if it is installed.
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

pub fn install() -> Result<()> {
    let packages = ["mesa-vulkan-drivers", "libvulkan1"];
    if !apt::is_debian_12() {
        return apt::install(&packages, &[]);
    }
    // Debian 12's own Mesa (22.3) is older than what the wgpu back end is tested with; its backports have 25.0.
    // The list of backports is ours alone: the system's sources stay as they are.
    let list = shell::target_dir()?.join("setup").join("backports.list");
    let sh = shell::shell()?;
    sh.write_file(&list, "deb http://deb.debian.org/debian bookworm-backports main\n")?;
    let source = format!("Dir::Etc::SourceList={}", list.display());
    let options = ["-o", source.as_str(), "-t", "bookworm-backports"];
    apt::install(&packages, &options).or_else(|_| apt::install(&packages, &[]))
}

/// Points the GPU tests at the software driver where there is one, real GPU or not. A driver that the caller has
/// chosen stays.
pub fn prepare(mut command: Cmd) -> Result<Cmd> {
    // Tuning every kernel by trying them all takes half a minute on a software GPU and changes no result.
    if std::env::var_os("CUBECL_AUTOTUNE_LEVEL").is_none() {
        command = command.env("CUBECL_AUTOTUNE_LEVEL", "minimal");
    }
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command = command.env("XDG_RUNTIME_DIR", runtime_dir()?);
    }
    if let Some(chosen) = std::env::var_os("VK_DRIVER_FILES").or_else(|| std::env::var_os("VK_ICD_FILENAMES"))
    {
        println!("Vulkan driver as the environment says: {}", chosen.to_string_lossy());
        return Ok(command);
    }
    let Some(driver) = lavapipe() else {
        println!(
            "no software Vulkan driver: the GPU tests run where a GPU is, or skip (`cargo xtask setup` installs one)"
        );
        return Ok(command);
    };
    println!("software Vulkan driver for the GPU tests: {}", driver.display());
    Ok(command.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver))
}

/// A private folder that Vulkan drivers ask for on machines without a login session.
fn runtime_dir() -> Result<PathBuf> {
    let folder = shell::target_dir()?.join("xdg-runtime");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(folder)
}
