//! Ctrl-C (and SIGTERM): the first asks the training loop to save and stop, the second ends at once.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Status of a program that Ctrl-C ended, by the shells' convention 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// From now on Ctrl-C only leaves a note; `asked` reads it.
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            // Whoever presses twice does not want to wait for the checkpoint; the last one is whole.
            std::process::exit(INTERRUPTED);
        }
        eprintln!("\nstopping after this step; press Ctrl-C again to stop at once");
    })
    .context("Ctrl-C cannot be watched")
}

pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// For tests: with `PROMOT_STOP_AT=<step>` this step of a stage is what Ctrl-C is otherwise, on a machine of any speed.
pub fn stops_at(step: usize) -> bool {
    static STEP: LazyLock<Option<usize>> =
        LazyLock::new(|| std::env::var("PROMOT_STOP_AT").ok()?.parse().ok());
    *STEP == Some(step)
}
