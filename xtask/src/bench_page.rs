//! `cargo xtask bench-page`: how soon the page is there and answers, how busy it keeps its main thread, and how fast it
//! trains beside TensorFlow.js in the same Chromium (tests/bench/page). Numbers to compare, no verdict.

use anyhow::Result;
use xshell::cmd;

use crate::page_tests;
use crate::shell::{self, shell};

pub fn run() -> Result<()> {
    let sh = shell()?;
    let folder = shell::root().join("tests").join("bench").join("page");
    shell::part("TensorFlow.js (npm ci)", || {
        Ok(cmd!(sh, "npm --prefix {folder} ci --no-audit --no-fund").run()?)
    })?;
    shell::part("loading and answering", || page_tests::script(&folder, &["run", "--silent", "open"]))?;
    shell::part("training beside TensorFlow.js", || {
        page_tests::script(&folder, &["run", "--silent", "bench"])
    })
}
