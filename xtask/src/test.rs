//! `cargo xtask test`: all tests that need no GPU, with what was skipped and why at the end.

use anyhow::Result;

use crate::shell::{self, shell};
use crate::skips::{self, Skip};
use crate::{page_tests, vulkan, wasm_tests};

/// What brings the slow tests along.
const SLOW: &str = "PROMOT_SLOW_TESTS";

pub fn run() -> Result<()> {
    let required = skips::required()?;
    let mut summary = Summary::default();
    // Every part runs whatever the others say.
    let native = shell::part("tests (cargo test --release --workspace)", || native(&mut summary));
    let skipped = &mut summary.skipped;
    let browser =
        shell::part("tests of the core in a browser (wasm-bindgen, Chromium)", || wasm_tests::run(skipped));
    let page = shell::part("tests of the page (Node, Chromium, Firefox)", || page_tests::run(skipped));
    summary.print();
    shell::all([native, browser, page, skips::judge(&summary.skipped, &required)])
}

/// `cargo xtask nightly`: the same and what takes minutes.
pub fn nightly() -> Result<()> {
    let sh = shell()?;
    let xtask = std::env::current_exe()?;
    Ok(sh.cmd(xtask).arg("test").env(SLOW, "1").run()?)
}

fn native(summary: &mut Summary) -> Result<()> {
    let sh = shell()?;
    let test = shell::cargo(&sh).args(["test", "--release", "--locked", "--workspace", "--no-fail-fast"]);
    // `--show-output` is what brings the messages of skipping tests out of passing tests.
    let test = vulkan::prepare(test.args(["--", "--show-output"]))?;
    let mut filter = Filter::default();
    let outcome = shell::follow(test, |line| {
        if filter.shows(line) {
            println!("{line}");
        }
    })?;
    *summary = filter.summary;
    outcome
}

/// What the closing lines tell.
#[derive(Debug, Default)]
struct Summary {
    /// "test result: ..." as cargo printed them, one a test binary.
    results: Vec<String>,
    skipped: Vec<Skip>,
}

/// Follows the output of the test harness line by line: all but what passing tests printed is for people.
#[derive(Default)]
struct Filter {
    /// Inside the section with what passing tests printed.
    in_successes: bool,
    test: String,
    summary: Summary,
}

impl Filter {
    /// Whether a person wants to see this line.
    fn shows(&mut self, line: &str) -> bool {
        if line.starts_with("test result:") {
            self.in_successes = false;
            self.summary.results.push(line.to_owned());
        } else if line == "failures:" {
            self.in_successes = false;
        } else if line == "successes:" {
            self.in_successes = true;
        } else if let Some(name) =
            line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            self.test = name.to_owned();
        } else if self.in_successes {
            self.summary.skipped.extend(Skip::read(line, &self.test));
        }
        !self.in_successes
    }
}

impl Summary {
    fn print(&self) {
        let counts: Vec<(usize, usize)> =
            self.results.iter().map(|line| (count(line, "passed"), count(line, "failed"))).collect();
        let passed: usize = counts.iter().map(|(passed, _)| passed).sum();
        let failed: usize = counts.iter().map(|(_, failed)| failed).sum();
        println!();
        for skip in &self.skipped {
            println!("{skip}");
        }
        for line in self.results.iter().filter(|line| count(line, "passed") + count(line, "failed") > 0) {
            println!("{line}");
        }
        println!(
            "native tests: {passed} passed, {failed} failed; all tests: {}",
            skips::count(&self.skipped)
        );
    }
}

/// The number before `word` in "test result: ok. 12 passed; 0 failed; ...".
fn count(line: &str, word: &str) -> usize {
    let words: Vec<&str> = line.split([' ', ';']).filter(|part| !part.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\ntest a ... ok\ntest b ... ok\ntest c ... FAILED\n\nsuccesses:\n\n\
        ---- a stdout ----\nskipped: data: none here\nnoise\n\nsuccesses:\n    a\n    b\n\nfailures:\n\n---- c stdout ----\n\
        skipped: data: a failing test skips nothing\n\nfailures:\n    c\n\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";

    #[test]
    fn skips_are_collected_and_noise_is_hidden() {
        let mut filter = Filter::default();
        let shown: Vec<&str> = OUTPUT.lines().filter(|line| filter.shows(line)).collect();
        let skipped: Vec<String> = filter.summary.skipped.iter().map(Skip::to_string).collect();
        assert_eq!(skipped, ["skipped: data: none here (a)"]);
        assert_eq!(filter.summary.results.len(), 1);
        assert!(!shown.contains(&"noise") && shown.contains(&"---- c stdout ----"), "{shown:?}");
        assert!(shown.contains(&"test c ... FAILED"));
    }

    #[test]
    fn counts_are_read_from_the_result_line() {
        let line = OUTPUT.lines().last().unwrap();
        assert_eq!((count(line, "passed"), count(line, "failed"), count(line, "nothing")), (2, 1, 0));
    }
}
