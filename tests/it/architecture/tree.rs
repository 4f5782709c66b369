//! A tree of sources and what its paths lead to: modules, re-exports and the file that defines a name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::source::{self, Facts, Kind, RawPath};

/// One source file.
#[derive(Debug)]
pub struct File {
    /// From the repository's root, with `/`.
    pub path: String,
    /// The folder of its crate.
    pub package: String,
    /// `core/src/model/t5/bias.rs` is `[model, t5, bias]`; the crate's root is empty.
    pub module: Vec<String>,
    /// Below `src`: part of the crate, not of its tests.
    pub is_source: bool,
    /// The whole file is test code.
    pub is_test: bool,
    pub n_lines: usize,
    pub facts: Facts,
}

/// A path of a file, from the root of its crate (`crate`) or from another crate's name.
#[derive(Clone, Debug)]
pub struct PathUse {
    pub line: usize,
    pub is_test: bool,
    pub kind: Kind,
    pub segments: Vec<String>,
}

/// All sources of the workspace, or a made-up few.
pub struct Tree {
    pub files: Vec<File>,
    /// Package folder and module to the file that holds it.
    modules: BTreeMap<(String, Vec<String>), usize>,
}

impl Tree {
    /// All `.rs` files below the packages' folders.
    pub fn read(root: &Path, packages: &[String]) -> Self {
        let mut texts = BTreeMap::new();
        for package in packages {
            collect(root, &root.join(package), &mut texts);
        }
        Self::parse(packages, &texts)
    }

    /// A tree from texts; its packages are the folders above `src`.
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let texts: BTreeMap<String, String> =
            texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let packages: BTreeSet<String> =
            texts.keys().filter_map(|path| Some(path.split_once("/src/")?.0.to_owned())).collect();
        Self::parse(&packages.into_iter().collect::<Vec<_>>(), &texts)
    }

    fn parse(packages: &[String], texts: &BTreeMap<String, String>) -> Self {
        let files: Vec<File> = texts.iter().map(|(path, text)| file(packages, path, text)).collect();
        let mut tree = Self { files, modules: BTreeMap::new() };
        tree.mark_tests();
        for (index, file) in tree.files.iter().enumerate().filter(|(_, file)| file.is_source) {
            let inline = file.facts.inline.iter().map(|scope| [&file.module[..], scope].concat());
            for module in [file.module.clone()].into_iter().chain(inline) {
                tree.modules.insert((file.package.clone(), module), index);
            }
        }
        tree
    }

    /// What stands below a module that only tests see is test code, too.
    fn mark_tests(&mut self) {
        let mut tests = Vec::new();
        for file in &self.files {
            let declared = file.facts.declared.iter().filter(|(_, is_test)| *is_test);
            tests.extend(declared.map(|(name, _)| {
                (file.package.clone(), [&file.module[..], std::slice::from_ref(name)].concat())
            }));
        }
        for file in &mut self.files {
            let below = |(package, module): &(String, Vec<String>)| {
                file.package == *package && file.module.starts_with(module)
            };
            file.is_test =
                !file.is_source || file.module.iter().any(|name| name == "tests") || tests.iter().any(below);
        }
    }

    /// The sources of one package.
    pub fn package<'a>(&'a self, package: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.package == package && file.is_source)
    }

    /// All paths of a file, resolved.
    pub fn paths(&self, file: &File) -> Vec<PathUse> {
        let resolved = |raw: &RawPath| PathUse {
            line: raw.line,
            is_test: raw.is_test || file.is_test,
            kind: raw.kind,
            segments: self.resolve(file, &raw.scope, &raw.segments, raw.kind != Kind::Mention, 0),
        };
        file.facts.paths.iter().map(resolved).collect()
    }

    /// From the crate's root: `crate::x`, `super::x`, `self::x`, a child module and an imported name all become
    /// `[crate, .., x]`; a path into another crate starts with that one's name. `of_import`: it stands in a `use`,
    /// whose own name must not lead back to it.
    fn resolve(
        &self,
        file: &File,
        scope: &[String],
        path: &[String],
        of_import: bool,
        depth: usize,
    ) -> Vec<String> {
        let mut base = [&file.module[..], scope].concat();
        let mut rest = path;
        let is_relative = matches!(path[0].as_str(), "self" | "super");
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "super" => drop(base.pop()),
                "self" => {}
                "crate" => base.clear(),
                _ => break,
            }
            rest = others;
        }
        let rooted = |base: &[String], rest: &[String]| [&["crate".to_owned()], base, rest].concat();
        if is_relative || path[0] == "crate" {
            return rooted(&base, rest);
        }
        let is_alias = |raw: &&RawPath| {
            raw.kind != Kind::Mention
                && raw.local == path[0]
                && raw.scope == scope
                && raw.segments[..] != path[..1]
        };
        if !of_import
            && depth < 8
            && let Some(alias) = file.facts.paths.iter().find(is_alias)
        {
            let start = self.resolve(file, scope, &alias.segments, true, depth + 1);
            return [&start[..], &path[1..]].concat();
        }
        let child = [&base[..], &path[..1]].concat();
        let is_declared = file.facts.declared.iter().any(|(name, _)| *name == path[0] && scope.is_empty());
        let is_item = file.facts.items.contains(&(scope.to_vec(), path[0].clone()));
        if is_declared || is_item || self.modules.contains_key(&(file.package.clone(), child)) {
            return rooted(&base, path);
        }
        path.to_vec()
    }

    /// The file that defines what a path (`[crate, ..]`) of a package names, through re-exports.
    pub fn definition(&self, package: &str, path: &[String]) -> Option<&File> {
        let mut path = path.to_vec();
        for _ in 0..16 {
            if path.first().is_none_or(|first| first != "crate") {
                return None;
            }
            let (file, n) = self.module_of(package, &path[1..])?;
            let (module, rest) = path[1..].split_at(n);
            let Some(name) = rest.first() else { return Some(file) };
            let scope = module[file.module.len()..].to_vec();
            if file.facts.items.contains(&(scope.clone(), name.clone())) {
                return Some(file);
            }
            match self.imported(file, &scope, name) {
                Some(target) if target[0] == "crate" => path = [&target[..], &rest[1..]].concat(),
                _ => return Some(file),
            }
        }
        None
    }

    /// The file with the longest part of this path that is a module, and how long that part is.
    fn module_of(&self, package: &str, path: &[String]) -> Option<(&File, usize)> {
        let index = |n: usize| self.modules.get(&(package.to_owned(), path[..n].to_vec()));
        (0..=path.len()).rev().find_map(|n| Some((&self.files[*index(n)?], n)))
    }

    /// What `name` was imported as into a module, by itself or with all else of another module.
    fn imported(&self, file: &File, scope: &[String], name: &str) -> Option<Vec<String>> {
        let imports = |local: &str| -> Vec<Vec<String>> {
            let raws = file.facts.paths.iter().filter(|raw| raw.local == local && raw.scope == scope);
            raws.map(|raw| self.resolve(file, scope, &raw.segments, true, 0)).collect()
        };
        if let Some(target) = imports(name).into_iter().next() {
            return Some(target);
        }
        imports("*").into_iter().filter(|target| target[0] == "crate").find_map(|target| {
            let (other, n) = self.module_of(&file.package, &target[1..])?;
            let inside = target[1..][other.module.len()..n].to_vec();
            let defines = other.facts.items.contains(&(inside.clone(), name.to_owned()));
            let reexports = other
                .facts
                .paths
                .iter()
                .any(|raw| raw.kind == Kind::Reexport && raw.local == name && raw.scope == inside);
            (other.path != file.path && (defines || reexports))
                .then(|| [&target[..], &[name.to_owned()]].concat())
        })
    }
}

fn file(packages: &[String], path: &str, text: &str) -> File {
    let facts = source::facts(text).unwrap_or_else(|error| panic!("{path}:{error}"));
    let package = packages
        .iter()
        .filter(|package| path.starts_with(&format!("{package}/")))
        .max_by_key(|package| package.len())
        .unwrap_or_else(|| panic!("{path} belongs to no package of {packages:?}"));
    let inside = &path[package.len() + 1..];
    let source = inside.strip_prefix("src/");
    File {
        path: path.to_owned(),
        package: package.clone(),
        module: module_of(source.unwrap_or(inside)),
        is_source: source.is_some(),
        is_test: false,
        n_lines: text.lines().count(),
        facts,
    }
}

fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|name| matches!(name.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn collect(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder's entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "node_modules" && name != "target" {
                collect(root, &path, texts);
            }
        } else if name.ends_with(".rs") {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            texts.insert(shown, text);
        }
    }
}
