//! The rules themselves, each a function from sources to breaches, tested on small made-up sources below.

use std::fmt;

use super::scan::{PathUse, Source};

/// One place where a rule is broken.
#[derive(Debug, PartialEq)]
pub struct Breach {
    file: String,
    line: usize,
    found: String,
}

impl Breach {
    fn new(source: &Source, line: usize, found: impl Into<String>) -> Self {
        Self { file: source.file.clone(), line, found: found.into() }
    }

    /// Whether this is the import of a module of ours by a file.
    pub fn is_import(&self, file: &str, module: &str) -> bool {
        self.file == file && self.found.split("::").nth(1) == Some(module)
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.found)
    }
}

/// Modules of our crate that other modules of it must not import.
pub struct Rule<'a> {
    pub modules: &'a [&'a str],
    pub forbidden: &'a [&'a str],
}

/// The modules of lib.rs in order.
pub fn module_list(lib: &str) -> Vec<String> {
    let names = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    names.map(|name| name.trim_end().trim_end_matches(';').to_owned()).collect()
}

/// Imports of modules that lib.rs lists below the importing one.
pub fn order(source: &Source, modules: &[String]) -> Vec<Breach> {
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let Some(own) = source.module.first().and_then(|module| rank(module)) else { return Vec::new() };
    own_paths(source)
        .into_iter()
        .filter(|path| rank(&path.segments[1]).is_some_and(|rank| rank > own))
        .map(|path| Breach::new(source, path.line, path.segments.join("::")))
        .collect()
}

pub fn imports(sources: &[Source], rule: &Rule) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| source.is_in(rule.modules)) {
        let forbidden =
            own_paths(source).into_iter().filter(|path| rule.forbidden.contains(&path.segments[1].as_str()));
        breaches.extend(forbidden.map(|path| Breach::new(source, path.line, path.segments.join("::"))));
    }
    breaches
}

/// A file of `method/` other than `mod.rs` that names a sibling file or the training loop.
pub fn method_independence(source: &Source) -> Vec<Breach> {
    let [method, own, ..] = source.module.as_slice() else { return Vec::new() };
    if method != "method" || own == "tests" {
        return Vec::new();
    }
    let is_foreign = |path: &PathUse| match path.segments[1].as_str() {
        "train" => true,
        // What the trait's file offers has a capital letter; a lower-case name is a file or a function of one.
        "method" => {
            path.segments.get(2).is_some_and(|name| name != own && path.segments.len() > 3 && is_lower(name))
        }
        _ => false,
    };
    let found = own_paths(source).into_iter().filter(is_foreign);
    found.map(|path| Breach::new(source, path.line, path.segments.join("::"))).collect()
}

/// Paths that start with one of the given ones, whether imported or written out. `use std::{fs, io}` is found, and
/// so is a name that was imported through its parent (`use std::time;` and then `time::Instant`).
pub fn foreign(source: &Source, prefixes: &[&str]) -> Vec<Breach> {
    let paths = source.paths();
    let parents: Vec<&[String]> = paths.iter().map(|path| path.segments.as_slice()).collect();
    let is_forbidden = |segments: &[String]| {
        prefixes.iter().any(|prefix| {
            let wanted: Vec<&str> = prefix.split("::").collect();
            segments.len() >= wanted.len()
                && segments.iter().zip(&wanted).all(|(found, wanted)| found == wanted)
        })
    };
    let through_parent = |segments: &[String]| {
        let known = parents.iter().filter(|parent| parent.len() > 1 && parent.last() == segments.first());
        known.map(|parent| [&parent[..parent.len() - 1], segments].concat()).any(|full| is_forbidden(&full))
    };
    let found = paths.iter().filter(|path| is_forbidden(&path.segments) || through_parent(&path.segments));
    found.map(|path| Breach::new(source, path.line, path.segments.join("::"))).collect()
}

pub fn macros(source: &Source, names: &[&str]) -> Vec<Breach> {
    let found = source.macros().into_iter().filter(|(_, name)| names.contains(&name.as_str()));
    found.map(|(line, name)| Breach::new(source, line, format!("{name}!"))).collect()
}

/// Calls of functions or methods with these names.
pub fn calls(source: &Source, names: &[&str]) -> Vec<Breach> {
    let found = source.calls().into_iter().filter(|(_, name)| names.contains(&name.as_str()));
    found.map(|(line, name)| Breach::new(source, line, format!("{name}()"))).collect()
}

/// Paths into our own crate, at least `crate::module`.
fn own_paths(source: &Source) -> Vec<PathUse> {
    let is_own = |path: &PathUse| path.segments[0] == "crate" && path.segments.len() > 1;
    source.paths().into_iter().filter(is_own).collect()
}

fn is_lower(name: &str) -> bool {
    name.starts_with(char::is_lowercase)
}

mod tests {
    use super::super::scan::split;
    use super::*;

    /// The breaches of one made-up file, as text.
    fn check(file: &str, text: &str, rule: impl Fn(&Source) -> Vec<Breach>) -> Vec<String> {
        split(file, text).iter().flat_map(rule).map(|breach| breach.to_string()).collect()
    }

    fn modules() -> Vec<String> {
        module_list(
            "//! x\npub mod error;\n\npub mod task;\npub mod model;\nmod train;\npub use error::Error;\n",
        )
    }

    #[test]
    fn the_order_is_read_from_lib_rs() {
        assert_eq!(modules(), ["error", "task", "model", "train"]);
    }

    #[test]
    fn imports_from_below_are_found_however_they_are_written() {
        let broken = [
            "use crate::train::Stage;",
            "use crate::{error::Error, train};",
            "use crate::{\n    error::{Error, Result},\n    train::{self as loops, *},\n};",
            "fn f() { crate::train::run() }",
            "use super::train;",
            "pub(crate) use crate::train::Stage as Part;",
            "#[cfg(test)]\nmod tests { use crate::train::Stage; }",
            "fn f<'a>() -> impl Iterator + use<'a> { g(); }\nuse crate::train::Stage;",
        ];
        for text in broken {
            let found = check("model.rs", text, |source| order(source, &modules()));
            assert!(
                !found.is_empty() && found.iter().all(|line| line.contains("crate::train")),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn imports_from_above_comments_and_text_are_no_breach() {
        let fine = [
            "use crate::error::Error;\nuse super::task::Task;",
            "// use crate::train::Stage;\n/* use crate::train; */",
            "const A: &str = \"use crate::train;\";\nconst B: &str = r#\"crate::train::x \" y\"#;",
            "const Q: char = '\"'; // crate::train\nfn f<'a>(x: &'a str) {}",
            "use self::train::X;",
            "fn f<'a>() -> impl Iterator<Item = &'a str> + use<'a> { g(); }",
            "#[cfg(test)]\nmod tests { use super::train; }",
        ];
        for text in fine {
            let found = check("model/mod.rs", text, |source| order(source, &modules()));
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }

    #[test]
    fn breaches_are_named_by_file_and_line() {
        let found = check("task/list.rs", "//! Tasks.\n\nuse crate::model::Model;\n", |source| {
            order(source, &modules())
        });
        assert_eq!(found, ["task/list.rs:3: crate::model::Model"]);
        let sources = split("model/t5/load.rs", "use crate::task::Task;");
        assert_eq!(imports(&sources, &Rule { modules: &["model"], forbidden: &["task"] }).len(), 1);
        assert_eq!(imports(&sources, &Rule { modules: &["decode"], forbidden: &["task"] }).len(), 0);
    }

    #[test]
    fn the_outside_world_is_found_however_it_is_written() {
        let forbidden = ["std::fs", "std::time::Instant"];
        let rule = |source: &Source| foreign(source, &forbidden);
        let broken = [
            "use std::{fmt, fs};",
            "fn f() { std::fs::read(\"x\"); }",
            "use std::time::{Duration, Instant};",
            "use std::time;\nfn f() { time::Instant::now(); }",
        ];
        for text in broken {
            assert_eq!(check("model.rs", text, rule).len(), 1, "{text}");
        }
        for text in ["use std::time::Duration;", "use std::fmt;", "mod fs {}", "use crate::model::fs;"] {
            assert!(check("model.rs", text, rule).is_empty(), "{text}");
        }
        assert_eq!(
            check("a.rs", "fn f() { println!(\"x\") }", |source| macros(source, &["println"])),
            ["a.rs:1: println!"]
        );
        assert!(
            check("a.rs", "// println!()\nfn println() {}", |source| macros(source, &["println"])).is_empty()
        );
    }

    #[test]
    fn calls_are_found_by_their_whole_name() {
        let rule = |source: &Source| calls(source, &["into_data"]);
        for text in ["let x = y.into_data();", "let x = Tensor::into_data(y);", "y.into_data::<f32>()"] {
            assert_eq!(check("loss.rs", text, rule), ["loss.rs:1: into_data()"], "{text}");
        }
        for text in ["y.into_data_async().await", "// y.into_data()", "let into_data = 1;"] {
            assert!(check("loss.rs", text, rule).is_empty(), "{text}");
        }
    }

    #[test]
    fn test_code_is_told_apart() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { std::fs::read(\"x\") }\n}\nfn c() { std::net::x() }\n";
        let parts = split("model.rs", text);
        assert!(!parts[0].is_test && parts[1].is_test);
        assert_eq!(foreign(&parts[0], &["std::fs", "std::net"]).len(), 1);
        assert_eq!(foreign(&parts[1], &["std::fs"])[0].to_string(), "model.rs:4: std::fs::read");
        assert!(split("model/tests.rs", "")[0].is_test);
    }

    #[test]
    fn methods_that_lean_on_each_other_are_found() {
        let broken = [
            "use super::lora::Lora;",
            "use crate::method::lora::Lora;",
            "use crate::train::stage::Stage;",
            "fn f() { super::lora::attach() }",
        ];
        for text in broken {
            assert_eq!(check("method/prompt_tuning.rs", text, method_independence).len(), 1, "{text}");
        }
        for text in
            ["use super::{Method, Trainable};", "use crate::method::Method;", "use crate::model::Model;"]
        {
            assert!(check("method/prompt_tuning.rs", text, method_independence).is_empty(), "{text}");
        }
        assert!(check("method/mod.rs", "use self::lora::Lora;", method_independence).is_empty());
    }
}
