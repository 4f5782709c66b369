//! `cargo xtask test`: all tests that need no GPU, with what was skipped and why at the end.

use std::process::Command;

use crate::shell::{self, Outcome};
use crate::{page_tests, setup, wasm_tests};

pub fn run() -> Outcome {
    let mut command = shell::cargo();
    // `--show-output` is what brings the messages of skipping tests out of passing tests.
    command.args(["test", "--release", "--locked", "--workspace", "--no-fail-fast", "--", "--show-output"]);
    software_vulkan(&mut command);
    let (outcome, summary) = shell::part("tests (cargo test --release --workspace)", || watch(&mut command))?;
    // Every part runs whatever the others say.
    let browser = shell::part("tests of the core in a browser (wasm-bindgen, Chromium)", wasm_tests::run);
    let page = shell::part("tests of the page (Node, Chromium)", page_tests::run);
    print_summary(&summary);
    outcome.and(browser).and(page)
}

/// Points the GPU tests at the software Vulkan driver where there is one, real GPU or not: the same driver
/// everywhere gives the same test everywhere. A driver that the caller has chosen stays.
fn software_vulkan(command: &mut Command) {
    // Tuning every kernel by trying them all takes half a minute on a software GPU and changes no result.
    if std::env::var_os("CUBECL_AUTOTUNE_LEVEL").is_none() {
        command.env("CUBECL_AUTOTUNE_LEVEL", "minimal");
    }
    if std::env::var_os("XDG_RUNTIME_DIR").is_none()
        && let Some(folder) = setup::runtime_dir()
    {
        command.env("XDG_RUNTIME_DIR", folder);
    }
    if let Some(chosen) = std::env::var_os("VK_DRIVER_FILES").or_else(|| std::env::var_os("VK_ICD_FILENAMES"))
    {
        println!("Vulkan driver as the environment says: {}", chosen.to_string_lossy());
        return;
    }
    match setup::lavapipe() {
        Some(driver) => {
            println!("software Vulkan driver for the GPU tests: {}", driver.display());
            command.env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver);
        }
        None => println!(
            "no software Vulkan driver: the GPU tests run where a GPU is, or skip (`cargo xtask setup` installs one)"
        ),
    }
}

/// What the closing lines tell.
#[derive(Debug, Default)]
struct Summary {
    /// "test result: ..." as cargo printed them, one a test binary.
    results: Vec<String>,
    /// Test and reason.
    skipped: Vec<String>,
}

/// Runs the tests and shows their output as it comes, all but what passing tests printed.
fn watch(command: &mut Command) -> Outcome<(Outcome, Summary)> {
    let mut filter = Filter::default();
    let outcome = shell::follow(command, |line| {
        if filter.shows(line) {
            println!("{line}");
        }
    })?;
    Ok((outcome, filter.summary))
}

/// Follows the output of the test harness line by line.
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
        } else if self.in_successes && line.to_lowercase().starts_with("skip") {
            self.summary.skipped.push(format!("{}: {line}", self.test));
        }
        !self.in_successes
    }
}

fn print_summary(summary: &Summary) {
    let counts: Vec<(usize, usize)> =
        summary.results.iter().map(|line| (count(line, "passed"), count(line, "failed"))).collect();
    let passed: usize = counts.iter().map(|(passed, _)| passed).sum();
    let failed: usize = counts.iter().map(|(_, failed)| failed).sum();
    println!();
    for line in &summary.skipped {
        println!("skipped  {line}");
    }
    for line in summary.results.iter().filter(|line| count(line, "passed") + count(line, "failed") > 0) {
        println!("{line}");
    }
    println!("{passed} tests passed ({} of them skipped themselves), {failed} failed", summary.skipped.len());
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
        ---- a stdout ----\nSkipped: no data\nnoise\n\nsuccesses:\n    a\n    b\n\nfailures:\n\n---- c stdout ----\n\
        skipped lines of failing tests are not skips\n\nfailures:\n    c\n\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";

    #[test]
    fn skips_are_collected_and_noise_is_hidden() {
        let mut filter = Filter::default();
        let shown: Vec<&str> = OUTPUT.lines().filter(|line| filter.shows(line)).collect();
        assert_eq!(filter.summary.skipped, ["a: Skipped: no data"]);
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
