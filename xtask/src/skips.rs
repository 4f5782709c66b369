//! What was not tested, and why. A test, or a part of one of our commands, that cannot run here prints one line
//!
//! ```text
//! skipped: KIND: reason
//! ```
//!
//! and passes; `cargo xtask test` and `.ci/run` collect and count these lines. The environment's `PROMOT_REQUIRE`
//! (`page,wasm,gpu`) names kinds of which nothing may be skipped.

use anyhow::{Result, bail, ensure};

/// What every such line begins with, in every language that tests are written in.
pub const MARK: &str = "skipped: ";

/// What can be lacking: the built page and its browser, a second browser, the browser's build of the library, a GPU (a
/// software one will do), data from outside the clone, time, and tools of `cargo xtask check`.
const KINDS: [&str; 7] = ["page", "firefox", "wasm", "gpu", "data", "slow", "lint"];

const REQUIRE: &str = "PROMOT_REQUIRE";

/// One skipped test. `kind` is empty where the line names none that we know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    pub kind: String,
    pub reason: String,
    /// The test, where the line alone does not tell.
    pub test: String,
}

impl Skip {
    /// Reads a line of a test's output.
    pub fn read(line: &str, test: &str) -> Option<Self> {
        let text = line.trim_start().strip_prefix(MARK)?;
        let (kind, reason) = match text.split_once(": ") {
            Some((kind, reason)) if KINDS.contains(&kind) => (kind, reason),
            _ => ("", text),
        };
        Some(Self { kind: kind.to_owned(), reason: reason.to_owned(), test: test.to_owned() })
    }
}

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, reason, test } = self;
        let kind = if kind.is_empty() { String::new() } else { format!("{kind}: ") };
        let test = if test.is_empty() { String::new() } else { format!(" ({test})") };
        write!(f, "{MARK}{kind}{reason}{test}")
    }
}

/// Says that something is left out; an error where it is required.
pub fn skip(kind: &str, reason: &str) -> Result<()> {
    println!("{MARK}{kind}: {reason}");
    judge(&[Skip { kind: kind.into(), reason: reason.into(), test: String::new() }], &required()?)
}

/// The kinds that `PROMOT_REQUIRE` names.
pub fn required() -> Result<Vec<String>> {
    kinds(&std::env::var(REQUIRE).unwrap_or_default())
}

fn kinds(text: &str) -> Result<Vec<String>> {
    let names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    for name in &names {
        ensure!(KINDS.contains(&name.as_str()), "{REQUIRE}: expected {}, found {name}", KINDS.join(", "));
    }
    Ok(names)
}

/// An error for skips of required kinds, and, where anything is required, for those that name no kind.
pub fn judge(skips: &[Skip], required: &[String]) -> Result<()> {
    let refused =
        |skip: &&Skip| required.contains(&skip.kind) || (skip.kind.is_empty() && !required.is_empty());
    let lines: Vec<String> = skips.iter().filter(refused).map(Skip::to_string).collect();
    if lines.is_empty() {
        return Ok(());
    }
    bail!("{REQUIRE}={} lets none of these be skipped:\n{}", required.join(","), lines.join("\n"))
}

/// "5 skipped (3 data, 2 slow)".
pub fn count(skips: &[Skip]) -> String {
    let n_of = |kind: &str| skips.iter().filter(|skip| skip.kind == kind).count();
    let of_kind = KINDS.iter().map(|kind| (n_of(kind), *kind)).chain([(n_of(""), "of no kind")]);
    let parts: Vec<String> = of_kind.filter(|(n, _)| *n > 0).map(|(n, kind)| format!("{n} {kind}")).collect();
    if parts.is_empty() {
        "none skipped".to_owned()
    } else {
        format!("{} skipped ({})", skips.len(), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Skip {
        Skip::read(line, "").unwrap()
    }

    #[test]
    fn kind_and_reason_are_read() {
        let skip = Skip::read("  skipped: data: no data sets in ../shared", "tasks::rows").unwrap();
        assert_eq!((skip.kind.as_str(), skip.reason.as_str()), ("data", "no data sets in ../shared"));
        assert_eq!(skip.to_string(), "skipped: data: no data sets in ../shared (tasks::rows)");
        assert_eq!(read("skipped: the page: is not built").kind, "");
        assert_eq!(Skip::read("test skipped: data: x", ""), None);
    }

    /// A machine without a browser was green: nothing made a skip of the page's tests a failure.
    #[test]
    fn a_required_skip_is_a_failure() {
        let skips = [read("skipped: data: none"), read("skipped: page: no Chromium")];
        assert!(judge(&skips, &[]).is_ok());
        assert!(judge(&skips, &kinds("wasm,gpu").unwrap()).is_ok());
        let error = judge(&skips, &kinds("page,wasm,gpu").unwrap()).unwrap_err().to_string();
        assert!(error.contains("skipped: page: no Chromium") && !error.contains("data"), "{error}");
        // Nobody knows what is missing.
        assert!(judge(&[read("skipped: for some reason")], &kinds("gpu").unwrap()).is_err());
    }

    #[test]
    fn unknown_kinds_are_refused() {
        assert_eq!(kinds(" page, gpu,").unwrap(), ["page", "gpu"]);
        assert!(kinds("pages").unwrap_err().to_string().contains("found pages"));
    }

    #[test]
    fn skips_are_counted_by_kind() {
        assert_eq!(count(&[]), "none skipped");
        let skips = [
            read("skipped: data: a"),
            read("skipped: slow: b"),
            read("skipped: data: c"),
            read("skipped: d"),
        ];
        assert_eq!(count(&skips), "4 skipped (2 data, 1 slow, 1 of no kind)");
    }

    /// Its last lines looked for another word than the tests of the page print.
    #[test]
    fn continuous_integration_collects_the_same_lines() {
        let script = std::fs::read_to_string(crate::shell::root().join(".ci/run")).unwrap();
        assert!(script.contains(&format!("'^{MARK}'")), "the last lines repeat what was skipped");
        let line = script.lines().find(|line| line.contains(REQUIRE)).unwrap();
        let value = line.split_once('=').unwrap().1;
        assert_eq!(kinds(value).unwrap(), ["page", "wasm", "gpu"]);
    }
}
