//! `cargo xtask golden`: runs the Python scripts that made the reference files, with pinned packages, and says
//! whether the files came out the same. Needs the package index; the tests themselves need no Python.

use std::path::{Path, PathBuf};

use crate::shell::{self, Outcome};

pub fn run() -> Outcome {
    let scripts = scripts(&shell::root().join("tests").join("golden"))?;
    let python = shell::part("Python packages", environment)?;
    for script in &scripts {
        let name = script.strip_prefix(shell::root()).unwrap_or(script).display().to_string();
        // One thread: sums in another order would differ in the last bits.
        shell::part(&name, || shell::run(shell::tool(&python).arg(script).env("OMP_NUM_THREADS", "1")))?;
    }
    let status = ["status", "--short", "--untracked-files=all", "--", "tests/golden"];
    let changed = shell::read(shell::tool("git").args(status))?;
    if changed.is_empty() {
        println!("{} scripts made exactly the committed files", scripts.len());
        return Ok(());
    }
    shell::run(shell::tool("git").args(["--no-pager", "diff", "--stat", "--", "tests/golden"]))?;
    Err(format!("these files differ from the committed ones:\n{}", changed.trim_end()))
}

/// All `make_*.py` one folder below `golden`, sorted.
fn scripts(golden: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = |folder: &Path| {
        std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>())
            .map_err(|error| format!("{}: {error}", folder.display()))
    };
    let mut found = Vec::new();
    for folder in entries(golden)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(entries(&folder)?.into_iter().filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("make_") && name.ends_with(".py")
        }));
    }
    found.sort();
    if found.is_empty() {
        Err(format!("{}: expected make_*.py scripts, found none", golden.display()))
    } else {
        Ok(found)
    }
}

/// The Python of a virtual environment with the packages of `tests/golden/requirements.txt`; made once and kept
/// until that file changes. `PROMOT_PYTHON` names a Python that has them already: they are gigabytes.
pub fn environment() -> Outcome<PathBuf> {
    if let Some(python) = std::env::var_os("PROMOT_PYTHON") {
        println!("as PROMOT_PYTHON says: {}", python.to_string_lossy());
        return Ok(python.into());
    }
    let requirements = shell::root().join("tests").join("golden").join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|error| format!("{}: {error}", requirements.display()))?;
    let folder = shell::target_dir().join("golden-venv");
    let python = if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    let installed = folder.join("installed-requirements.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        println!("as tests/golden/requirements.txt says, from an earlier run");
        return Ok(python);
    }
    let system = self::python().ok_or("expected Python 3.10 or newer with venv as `python3`, found none")?;
    shell::run(shell::tool(system).args(["-m", "venv", "--clear"]).arg(&folder))?;
    shell::run(shell::tool(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    std::fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(python)
}

/// The system's Python, if it is new enough and can make virtual environments.
pub fn python() -> Option<&'static str> {
    let probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    ["python3", "python"].into_iter().find(|name| shell::works(shell::tool(name).args(["-c", probe])))
}
