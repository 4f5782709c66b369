//! The licence and source check for machines without cargo-deny: every dependency's licence expression must be
//! satisfied by the allow list of `deny.toml`, and every dependency must come from crates.io.
//!
//! It exists because cargo-deny takes minutes to build and its advisory check downloads a database, while the
//! check of a commit must work offline on a bare machine. Where cargo-deny is installed, it is used instead.

use std::collections::BTreeSet;

use crate::shell::{self, Outcome};
use crate::spdx;

/// One line of `cargo tree`: a package and what it says about itself.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    /// Name, version, and the source in parentheses unless it is the default registry.
    id: String,
    license: String,
}

pub fn check() -> Outcome {
    let config =
        std::fs::read_to_string(shell::root().join("deny.toml")).map_err(|e| format!("deny.toml: {e}"))?;
    let allowed = allow_list(&config)?;
    let packages = dependencies()?;
    let problems = problems(&packages, &allowed, &shell::root().to_string_lossy());
    if problems.is_empty() {
        println!("{} packages, each under an allowed licence and from crates.io", packages.len());
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    Err(format!("{} of {} packages are not allowed by deny.toml", problems.len(), packages.len()))
}

/// All packages that any platform, feature of ours or test can pull in.
fn dependencies() -> Outcome<BTreeSet<Package>> {
    let tree = |target: &[&str]| {
        let mut command = shell::cargo();
        command.args(["tree", "--locked", "--workspace"]);
        command.args(["--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}|{l}"]);
        shell::read(command.args(target))
    };
    // Other platforms' packages may never have been downloaded; without a network only ours can be judged.
    let text = tree(&["--all-features", "--target", "all"]).or_else(|_| {
        println!("some packages of other platforms are not downloaded: checking those of this build");
        tree(&["--offline"])
    })?;
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// `name v1.2.3 (proc-macro)|MIT (*)`, where `(*)` marks a subtree that was shown before.
fn parse(line: &str) -> Outcome<Package> {
    let (id, license) = line.split_once('|').ok_or_else(|| format!("`cargo tree` printed `{line}`"))?;
    let id = id.trim().trim_end_matches("(proc-macro)").trim();
    Ok(Package { id: id.to_owned(), license: license.trim().trim_end_matches("(*)").trim().to_owned() })
}

fn problems(packages: &BTreeSet<Package>, allowed: &[String], root: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for Package { id, license } in packages {
        if let Some((_, source)) = id.split_once(" (")
            && !source.starts_with(root)
        {
            problems.push(format!("{id}: expected crates.io as its source"));
        }
        if !spdx::allows(license, allowed) {
            let found = if license.is_empty() { "no licence expression" } else { license };
            problems.push(format!("{id}: expected a licence that deny.toml allows, found {found}"));
        }
    }
    problems
}

/// The strings of `allow = [ ... ]` in the section `[licenses]`. Not a TOML parser: it reads this repository's own
/// file, and an empty list is an error.
fn allow_list(config: &str) -> Outcome<Vec<String>> {
    let code: String =
        config.lines().map(|line| line.split('#').next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let list = code
        .split("[licenses]")
        .nth(1)
        .and_then(|section| section.split("allow").nth(1))
        .and_then(|rest| rest.split('[').nth(1))
        .and_then(|rest| rest.split(']').next())
        .ok_or("deny.toml: expected `allow = [...]` in the section [licenses], found none")?;
    let names: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    if names.is_empty() { Err("deny.toml: the list of allowed licences is empty".into()) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allow_list_is_read_from_its_section() {
        let config = "[bans]\nallow = [\"no\"]\n[licenses]\n# allow = [\"never\"]\nallow = [\n \"MIT\", # why\n \"ISC\",\n]\n";
        assert_eq!(allow_list(config).unwrap(), ["MIT", "ISC"]);
        assert!(allow_list("[licenses]\nallow = []\n").is_err());
        assert!(allow_list("").is_err());
    }

    #[test]
    fn lines_of_the_tree_are_read() {
        let package = parse("syn v3.0.9 (proc-macro)|MIT OR Apache-2.0 (*)").unwrap();
        assert_eq!(package, Package { id: "syn v3.0.9".into(), license: "MIT OR Apache-2.0".into() });
        assert!(parse("no licence column").is_err());
    }

    #[test]
    fn foreign_sources_and_licences_are_named() {
        let lines = [
            "a v1.0.0|MIT",
            "b v1.0.0|",
            "c v1.0.0 (https://example.org/c#1234)|MIT",
            "d v0.1.0 (/home/d/core)|MIT",
        ];
        let packages = lines.iter().map(|line| parse(line).unwrap()).collect();
        let found = problems(&packages, &["MIT".to_owned()], "/home/d");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("b v1.0.0: expected a licence")
                && found[0].ends_with("no licence expression")
        );
        assert!(found[1].starts_with("c v1.0.0") && found[1].contains("crates.io"));
    }
}
