//! `cargo xtask fuzz [RUNS [SEED]]`: every reader of files on so many damaged files (tests/it/fuzz.rs), alone in its process, so
//! that memory is counted, too.

use anyhow::{Context as _, Result, ensure};

use crate::shell::{self, shell};

const RUNS: u64 = 100_000;

pub fn run(args: &[String]) -> Result<()> {
    let number = |at: usize, default: u64| match args.get(at) {
        None => Ok(default),
        Some(text) => text.parse().with_context(|| format!("expected a number, found `{text}`")),
    };
    ensure!(args.len() <= 2, "expected RUNS and SEED at most, found {} arguments", args.len());
    let (runs, seed) = (number(0, RUNS)?, number(1, 1)?);
    // Xorshift stays at zero.
    ensure!(seed > 0, "SEED: expected a number from 1, found 0");
    let sh = shell()?;
    let test = ["test", "--release", "--locked", "--workspace", "--test", "it", "fuzz", "--", "--nocapture"];
    let cargo = shell::cargo(&sh).args(test);
    Ok(cargo.env("PROMOT_FUZZ_RUNS", runs.to_string()).env("PROMOT_FUZZ_SEED", seed.to_string()).run()?)
}
