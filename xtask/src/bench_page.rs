//! `cargo xtask bench-page`: how fast the page trains, beside TensorFlow.js in the same Chromium (tests/bench/page).

use crate::page_tests::{missing, npm};
use crate::shell::{self, Outcome};

pub fn run() -> Outcome {
    if let Some(reason) = missing() {
        return Err(reason);
    }
    let folder = shell::root().join("tests").join("bench").join("page");
    shell::part("TensorFlow.js (npm ci)", || npm(&folder, &["ci", "--no-audit", "--no-fund"]))?;
    shell::part("the page beside TensorFlow.js", || npm(&folder, &["run", "--silent", "bench"]))
}
