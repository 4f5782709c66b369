//! The rules themselves, each a function from sources to breaches.

use std::fmt;

use super::source::{Found, Kind};
use super::tree::{File, PathUse, Tree};

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub file: String,
    pub line: usize,
    pub found: String,
}

impl Breach {
    pub fn new(file: &File, line: usize, found: impl Into<String>) -> Self {
        Self { file: file.path.clone(), line, found: found.into() }
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

/// Whether code of tests counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Tests {
    Count,
    Free,
}

/// The modules of a crate's root in the order in which it lists them.
pub fn module_list(tree: &Tree, package: &str) -> Vec<String> {
    let root = tree.package(package).find(|file| file.path.ends_with("/src/lib.rs"));
    let declared = root.into_iter().flat_map(|file| &file.facts.declared);
    declared.map(|(name, _)| name.clone()).collect()
}

/// Imports of modules that lib.rs lists below the importing one.
pub fn order(tree: &Tree, package: &str) -> Vec<Breach> {
    let modules = module_list(tree, package);
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let upward = |file: &File| -> Vec<Breach> {
        let Some(own) = file.module.first().and_then(|module| rank(module)) else { return Vec::new() };
        let found = own_paths(tree, file);
        breaches(file, found.filter(|path| rank(&path.segments[1]).is_some_and(|rank| rank > own)))
    };
    tree.package(package).flat_map(upward).collect()
}

/// Imports of `forbidden` modules of the crate by files of `modules`.
pub fn imports(tree: &Tree, package: &str, modules: &[&str], forbidden: &[&str]) -> Vec<Breach> {
    let is_in = |file: &&File| file.module.first().is_some_and(|module| modules.contains(&module.as_str()));
    let found = |file: &File| {
        let paths = own_paths(tree, file);
        breaches(file, paths.filter(|path| forbidden.contains(&path.segments[1].as_str())))
    };
    tree.package(package).filter(is_in).flat_map(found).collect()
}

/// A file of `method/` other than `mod.rs` that names a sibling file or the training loop.
pub fn method_independence(tree: &Tree, package: &str) -> Vec<Breach> {
    let foreign = |file: &File| -> Vec<Breach> {
        let [method, own, ..] = file.module.as_slice() else { return Vec::new() };
        if method != "method" || own == "tests" {
            return Vec::new();
        }
        let is_foreign = |path: &PathUse| match path.segments[1].as_str() {
            "train" => true,
            // What the trait's file offers has a capital letter; a lower-case name is a file or a function of one.
            "method" => path.segments.get(2).is_some_and(|name| {
                name != own && path.segments.len() > 3 && name.starts_with(char::is_lowercase)
            }),
            _ => false,
        };
        breaches(file, own_paths(tree, file).filter(is_foreign))
    };
    tree.package(package).flat_map(foreign).collect()
}

/// Paths that start with one of the given ones, whether imported, written out or reached through an import.
pub fn foreign(tree: &Tree, file: &File, prefixes: &[&str], tests: Tests) -> Vec<Breach> {
    let is_forbidden = |path: &PathUse| {
        prefixes.iter().any(|prefix| {
            let wanted: Vec<&str> = prefix.split("::").collect();
            path.segments.len() >= wanted.len()
                && path.segments.iter().zip(&wanted).all(|(found, wanted)| found == wanted)
        })
    };
    let found = tree.paths(file).into_iter().filter(|path| tests == Tests::Count || !path.is_test);
    breaches(file, found.filter(is_forbidden))
}

pub fn macros(file: &File, names: &[&str]) -> Vec<Breach> {
    named(file, &file.facts.macros, names, "!")
}

/// Calls of functions or methods with these names, and of what belongs to types and modules with them.
pub fn calls(file: &File, names: &[&str]) -> Vec<Breach> {
    named(file, &file.facts.calls, names, "()")
}

pub fn attributes(file: &File, names: &[&str]) -> Vec<Breach> {
    let found = file.facts.attributes.iter().filter(|found| names.contains(&found.name.as_str()));
    found.map(|found| Breach::new(file, found.line, format!("#[{}]", found.name))).collect()
}

/// Outside tests.
fn named(file: &File, found: &[Found], names: &[&str], mark: &str) -> Vec<Breach> {
    let found = found.iter().filter(|found| !found.is_test && !file.is_test);
    let found = found.filter(|found| names.contains(&found.name.as_str()));
    found.map(|found| Breach::new(file, found.line, format!("{}{mark}", found.name))).collect()
}

/// Comparisons of text with a literal, outside tests: what decides by reading text, or reads a format.
pub fn text_tests(tree: &Tree) -> Vec<Breach> {
    let sources = tree.files.iter().filter(|file| file.is_source && !file.is_test);
    let found = |file: &File| -> Vec<Breach> {
        let tests = file.facts.text_tests.iter().filter(|found| !found.is_test);
        tests.map(|found| Breach::new(file, found.line, found.name.clone())).collect()
    };
    sources.flat_map(found).collect()
}

/// Paths into the file's own crate, at least `crate::module`.
fn own_paths(tree: &Tree, file: &File) -> impl Iterator<Item = PathUse> {
    tree.paths(file).into_iter().filter(|path| path.segments[0] == "crate" && path.segments.len() > 1)
}

fn breaches(file: &File, paths: impl Iterator<Item = PathUse>) -> Vec<Breach> {
    paths.map(|path| Breach::new(file, path.line, path.segments.join("::"))).collect()
}

/// Files that need each other, and where.
#[derive(Debug)]
pub struct Circle {
    pub files: Vec<String>,
    pub imports: Vec<Breach>,
}

/// Circles between the files of a package, tests aside. A parent that declares its children and hands their names
/// on (`mod`, `pub use`) does not need them; names that are handed on lead to the file that defines them. What a file
/// of `fronts` calls in its own children does not count.
pub fn circles(tree: &Tree, package: &str, fronts: &[&str]) -> Vec<Circle> {
    let mut graph = petgraph::graphmap::DiGraphMap::<&str, ()>::new();
    let mut imports = Vec::new();
    for file in tree.package(package).filter(|file| !file.is_test) {
        for path in tree.paths(file).into_iter().filter(|path| !path.is_test) {
            let used = path.segments.last().is_some_and(|name| file.facts.mentions.contains_key(name));
            let Some(target) = tree.definition(package, &path.segments) else { continue };
            let is_front = fronts.contains(&file.path.as_str()) && target.module.starts_with(&file.module);
            let is_handed_on = path.kind == Kind::Reexport && !used;
            if target.path == file.path || target.is_test || is_front || is_handed_on {
                continue;
            }
            graph.add_edge(&file.path, &target.path, ());
            let found = format!("{} ({})", path.segments.join("::"), target.path);
            imports.push((target.path.as_str(), Breach::new(file, path.line, found)));
        }
    }
    let groups = petgraph::algo::tarjan_scc(&graph).into_iter().filter(|group| group.len() > 1);
    let circle = |group: Vec<&str>| {
        let mut files: Vec<String> = group.iter().map(|file| (*file).to_owned()).collect();
        files.sort();
        let inside = |(target, breach): &&(&str, Breach)| {
            group.contains(target) && group.contains(&breach.file.as_str())
        };
        let imports = imports.iter().filter(inside).map(|(_, breach)| breach.clone()).collect();
        Circle { files, imports }
    };
    groups.map(circle).collect()
}
