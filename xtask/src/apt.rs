//! Debian's packages.

use std::path::Path;

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell};

use crate::shell::{self, shell};

/// Installs packages where this program may; `options` stand before the command.
pub fn install(packages: &[&str], options: &[&str]) -> Result<()> {
    ensure!(Path::new("/usr/bin/apt-get").exists(), "there is no apt-get here");
    let sh = shell()?;
    ensure!(shell::read(sh.cmd("id").arg("-u"))?.trim() == "0", "installing system packages needs root");
    shell::read(apt_get(&sh, options).arg("update"))?;
    shell::read(apt_get(&sh, options).args(["install", "--yes", "--no-install-recommends"]).args(packages))?;
    Ok(())
}

fn apt_get<'a>(sh: &'a Shell, options: &[&str]) -> Cmd<'a> {
    let apt_get = sh.cmd("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt_get.args(["-q", "-o", "Acquire::Retries=2"]).args(options)
}

pub fn is_debian_12() -> bool {
    std::fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "VERSION_CODENAME=bookworm"))
}
