//! Rust sources as the rules need them: comments and text blanked, test code told apart, paths resolved.
//!
//! A small scanner instead of a parser crate: it needs identifiers, `::`, braces and nothing else of the language.

use std::fs;
use std::path::Path;

/// One file, or the test part of one file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the folder that was read, with `/`.
    pub file: String,
    /// Module path: `model/t5/bias.rs` is `[model, t5, bias]`; the crate root is empty.
    pub module: Vec<String>,
    pub is_test: bool,
    /// The code with every comment and text blanked and lines kept.
    pub code: String,
}

/// A path in the code, resolved from the crate's root where it starts with `crate`, `super` or `self`.
#[derive(Debug, PartialEq)]
pub struct PathUse {
    pub line: usize,
    pub segments: Vec<String>,
}

/// All `.rs` files below the folder, in order of their names; each file once for the code and once for its tests.
pub fn read(folder: &Path) -> Vec<Source> {
    files(folder).iter().flat_map(|file| split(file, &read_text(&folder.join(file)))).collect()
}

/// Lines of every `.rs` file below the folder.
pub fn line_counts(folder: &Path) -> Vec<(String, usize)> {
    let count = |file: String| {
        let n_lines = read_text(&folder.join(&file)).lines().count();
        (file, n_lines)
    };
    files(folder).into_iter().map(count).collect()
}

fn read_text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.map(|entry| entry.expect("a folder's entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else if name.ends_with(".rs") {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// The code of a file and, apart from it, what stands under `#[cfg(test)]`.
pub fn split(file: &str, text: &str) -> Vec<Source> {
    let code = blank_comments_and_text(text);
    let module = module_of(file);
    let source = |module: Vec<String>, is_test, code| Source { file: file.to_owned(), module, is_test, code };
    if module.iter().any(|name| name == "tests") {
        return vec![source(module, true, code)];
    }
    let (kept, tests) = separate_tests(&code);
    // Inside `mod tests`, `super` is the file's own module.
    let inner = module.iter().cloned().chain(["tests".to_owned()]).collect();
    let mut parts = vec![source(module, false, kept)];
    if !tests.trim().is_empty() {
        parts.push(source(inner, true, tests));
    }
    parts
}

fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|name| matches!(name.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Blanks line and block comments, text and character literals; keeps lines and columns.
pub fn blank_comments_and_text(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        match end {
            Some(end) => {
                code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                code.push(chars[at]);
                at += 1;
            }
        }
    }
    code
}

/// Where the comment or literal that starts at `at` ends; `None` where none starts.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let starts = |text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let until = |from: usize, stop: &dyn Fn(usize) -> bool| {
        (from..chars.len()).find(|i| stop(*i)).unwrap_or(chars.len())
    };
    let after_name = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if starts("//") {
        return Some(until(at, &|i| chars[i] == '\n'));
    }
    if starts("/*") {
        let end = until(at + 3, &|i| chars[i] == '/' && chars[i - 1] == '*');
        return Some((end + 1).min(chars.len()));
    }
    if !after_name && (starts("r\"") || starts("r#") || starts("br\"") || starts("br#")) {
        let n_hashes =
            chars[at..].iter().skip_while(|c| c.is_alphabetic()).take_while(|c| **c == '#').count();
        let open = (at..chars.len()).find(|i| chars[*i] != '#' && !chars[*i].is_alphabetic())?;
        // `r#name` is a raw identifier, not text.
        if chars[open] != '"' {
            return None;
        }
        let closes = |i: usize| chars[i] == '"' && (1..=n_hashes).all(|k| chars.get(i + k) == Some(&'#'));
        return Some((until(open + 1, &closes) + 1 + n_hashes).min(chars.len()));
    }
    if chars[at] == '"' {
        return Some((quoted_end(chars, at + 1, '"') + 1).min(chars.len()));
    }
    // A character literal closes within a few characters; a lifetime does not close at all.
    if chars[at] == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
        return Some((quoted_end(chars, at + 1, '\'') + 1).min(chars.len()));
    }
    None
}

fn quoted_end(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at
}

/// The code without its `#[cfg(test)]` items, and those items alone; both with all lines kept.
fn separate_tests(code: &str) -> (String, String) {
    let mut is_test = vec![false; code.len()];
    for (start, marker) in code.match_indices("#[cfg(test)]") {
        let end = item_end(code, start + marker.len());
        is_test[start..end].fill(true);
    }
    let pick = |wanted: bool| -> String {
        let keep = |(i, c): (usize, char)| if c == '\n' || is_test[i] == wanted { c } else { ' ' };
        code.char_indices().map(keep).collect()
    };
    (pick(false), pick(true))
}

/// After the first `;` outside of braces or the brace that closes the first one.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (i, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, ';' | '}') {
            return from + i + 1;
        }
    }
    code.len()
}

impl Source {
    pub fn is_in(&self, modules: &[&str]) -> bool {
        self.module.first().is_some_and(|module| modules.contains(&module.as_str()))
    }

    /// What stands between `#[` and `]`.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.code.split("#[").skip(1).map(|rest| rest.split(']').next().unwrap_or("").trim())
    }

    /// Names of the macros that are called, with their lines.
    pub fn macros(&self) -> Vec<(usize, String)> {
        let tokens = self.tokens();
        let calls = tokens.windows(2).filter(|pair| pair[1].1 == "!" && is_name(&pair[0].1));
        calls.map(|pair| pair[0].clone()).collect()
    }

    /// Names of the functions and methods that are called, with their lines.
    pub fn calls(&self) -> Vec<(usize, String)> {
        let tokens = self.tokens();
        let opens = |token: &str| token == "(" || token == "::";
        let is_call =
            |i: &usize| is_name(&tokens[*i].1) && tokens.get(i + 1).is_some_and(|next| opens(&next.1));
        (0..tokens.len()).filter(is_call).map(|i| tokens[i].clone()).collect()
    }

    /// Every path of two or more segments and everything that `use` names, groups taken apart.
    pub fn paths(&self) -> Vec<PathUse> {
        let tokens = self.tokens();
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            // `impl Trait + use<'a>` names what a type borrows.
            let borrows = tokens.get(at + 1).is_some_and(|(_, token)| token == "<");
            if tokens[at].1 == "use" && !borrows {
                at = self.use_tree(&tokens, at + 1, &[], &mut found);
            } else if is_name(&tokens[at].1) {
                let (path, end) = plain_path(&tokens, at);
                if path.len() > 1 {
                    found.push(PathUse { line: tokens[at].0, segments: self.resolve(path) });
                }
                at = end;
            } else {
                at += 1;
            }
        }
        found
    }

    /// Reads one tree of a `use` item and gives where it ends.
    fn use_tree(
        &self,
        tokens: &[(usize, String)],
        from: usize,
        prefix: &[String],
        found: &mut Vec<PathUse>,
    ) -> usize {
        let mut path = prefix.to_vec();
        let mut at = from;
        while let Some((line, token)) = tokens.get(at) {
            match token.as_str() {
                "{" => {
                    at += 1;
                    while tokens.get(at).is_some_and(|(_, token)| token != "}" && token != ";") {
                        at = self.use_tree(tokens, at, &path, found);
                        at += usize::from(tokens.get(at).is_some_and(|(_, token)| token == ","));
                    }
                    return at + 1;
                }
                "::" => {}
                "as" => at += 1,
                "," | "}" | ";" => {
                    found.push(PathUse { line: *line, segments: self.resolve(path) });
                    return at;
                }
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        at
    }

    /// From the crate's root: `crate::x`, `super::x` and `self::x` all become `[crate, .., x]`.
    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let mut base: Vec<String> = match path[0].as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return path,
        };
        let mut rest = path.as_slice();
        while let Some(first) = rest.first() {
            match first.as_str() {
                "super" => drop(base.pop()),
                "crate" | "self" => {}
                _ => break,
            }
            rest = &rest[1..];
        }
        // `use x::{self, y}` names x itself.
        let named = rest.iter().filter(|name| *name != "self").cloned();
        ["crate".to_owned()].into_iter().chain(base).chain(named).collect()
    }

    /// Names, `::` and single punctuation marks, each with its line.
    fn tokens(&self) -> Vec<(usize, String)> {
        let mut tokens: Vec<(usize, String)> = Vec::new();
        for (i, line) in self.code.lines().enumerate() {
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next() {
                let in_name = |c: char| c.is_alphanumeric() || c == '_';
                let len = match first {
                    _ if in_name(first) => rest.find(|c| !in_name(c)).unwrap_or(rest.len()),
                    ':' if rest.starts_with("::") => 2,
                    _ => first.len_utf8(),
                };
                tokens.push((i + 1, rest[..len].to_owned()));
                rest = rest[len..].trim_start();
            }
        }
        tokens
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `a::b::c` from `at` on, and the token after it.
fn plain_path(tokens: &[(usize, String)], at: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[at].1.clone()];
    let mut end = at + 1;
    while tokens.get(end).is_some_and(|(_, token)| token == "::")
        && tokens.get(end + 1).is_some_and(|(_, token)| is_name(token))
    {
        path.push(tokens[end + 1].1.clone());
        end += 2;
    }
    (path, end)
}
