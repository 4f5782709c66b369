//! `cargo xtask bench-page`: how fast the page trains, beside TensorFlow.js in the same Chromium (tests/bench/page).

use std::path::Path;

use crate::page_tests::{self, chromium};
use crate::shell::{self, Outcome};

pub fn run() -> Outcome {
    if let Some(reason) = page_tests::missing() {
        return Err(reason);
    }
    let folder = shell::root().join("tests").join("bench").join("page");
    shell::part("TensorFlow.js (npm ci)", || npm(&folder, &["ci", "--no-audit", "--no-fund"]))?;
    shell::part("the page beside TensorFlow.js", || npm(&folder, &["run", "--silent", "bench"]))
}

fn npm(folder: &Path, args: &[&str]) -> Outcome {
    let mut command = shell::tool("npm");
    command.args(args).current_dir(folder);
    if let Some(chromium) = chromium() {
        command.env("PROMOT_CHROMIUM", chromium);
    }
    shell::run(&mut command)
}
