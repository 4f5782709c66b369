//! `cargo xtask golden`: runs the Python scripts that made the reference files, with pinned packages, and says
//! whether the files came out the same. Needs the package index; the tests themselves need no Python.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::cmd;

use crate::shell::{self, shell};

pub fn run() -> Result<()> {
    let sh = shell()?;
    let scripts = scripts(&shell::root().join("tests").join("golden"))?;
    let python = shell::part("Python packages", environment)?;
    for script in &scripts {
        let name = script.strip_prefix(shell::root()).unwrap_or(script).display().to_string();
        // One thread: sums in another order would differ in the last bits.
        shell::part(&name, || Ok(cmd!(sh, "{python} {script}").env("OMP_NUM_THREADS", "1").run()?))?;
    }
    let changed = shell::read(cmd!(sh, "git status --short --untracked-files=all -- tests/golden"))?;
    if changed.is_empty() {
        println!("{} scripts made exactly the committed files", scripts.len());
        return Ok(());
    }
    cmd!(sh, "git --no-pager diff --stat -- tests/golden").run()?;
    bail!("these files differ from the committed ones:\n{}", changed.trim_end())
}

/// All `make_*.py` one folder below `golden`, sorted.
fn scripts(golden: &Path) -> Result<Vec<PathBuf>> {
    let sh = shell()?;
    let mut found = Vec::new();
    for folder in sh.read_dir(golden)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(sh.read_dir(&folder)?.into_iter().filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("make_") && name.ends_with(".py")
        }));
    }
    found.sort();
    ensure!(!found.is_empty(), "{}: expected make_*.py scripts, found none", golden.display());
    Ok(found)
}

/// The Python of a virtual environment with the packages of `tests/golden/requirements.txt`; made once and kept
/// until that file changes. `PROMOT_PYTHON` names a Python that has them already: they are gigabytes.
pub fn environment() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("PROMOT_PYTHON") {
        println!("as PROMOT_PYTHON says: {}", python.to_string_lossy());
        return Ok(python.into());
    }
    let sh = shell()?;
    let requirements = shell::root().join("tests").join("golden").join("requirements.txt");
    let wanted = sh.read_file(&requirements)?;
    let folder = shell::target_dir()?.join("golden-venv");
    let python = if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    let installed = folder.join("installed-requirements.txt");
    if sh.read_file(&installed).is_ok_and(|text| text == wanted) {
        println!("as tests/golden/requirements.txt says, from an earlier run");
        return Ok(python);
    }
    let system =
        self::python().context("expected Python 3.10 or newer with venv as `python3`, found none")?;
    cmd!(sh, "{system} -m venv --clear {folder}").run()?;
    cmd!(sh, "{python} -m pip install --quiet -r {requirements}").run()?;
    sh.write_file(&installed, wanted)?;
    Ok(python)
}

/// The system's Python, if it is new enough and can make virtual environments.
pub fn python() -> Option<&'static str> {
    let sh = shell().ok()?;
    let probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    ["python3", "python"].into_iter().find(|name| shell::works(cmd!(sh, "{name} -c {probe}")))
}
