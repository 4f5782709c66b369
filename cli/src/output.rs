//! Where results go: a file, written whole or not at all, or standard output for `-`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use promot_core::content;
use serde::Serialize;

use crate::files::atomic;

/// Writes `value` as indented JSON.
pub fn json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("writing JSON")?;
    text.push('\n');
    text_to(path, &text)
}

pub fn text_to(path: &Path, text: &str) -> anyhow::Result<()> {
    if is_standard(path) {
        io::stdout().lock().write_all(text.as_bytes()).context("writing standard output")
    } else {
        atomic::write(path, text.as_bytes())
    }
}

/// Lines as they come: at once on standard output, in one piece at the end to a file.
pub struct Lines<'a> {
    path: &'a Path,
    held: String,
}

impl<'a> Lines<'a> {
    pub fn new(path: &'a Path) -> Self {
        Self { path, held: String::new() }
    }

    pub fn push(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let line = serde_json::to_string(value).context("writing JSON")? + "\n";
        if is_standard(self.path) {
            return text_to(self.path, &line);
        }
        self.held.push_str(&line);
        Ok(())
    }

    pub fn finish(self) -> anyhow::Result<()> {
        if is_standard(self.path) { Ok(()) } else { text_to(self.path, &self.held) }
    }
}

/// The text of a file, or of standard input for `-`, without a byte-order mark.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = if is_standard(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("reading standard input")?;
        bytes
    } else {
        fs::read(path).with_context(|| format!("reading {}", path.display()))?
    };
    Ok(content::text(&path.display().to_string(), &bytes)?.to_owned())
}

/// The lines of a file; a last line without an end counts.
pub fn read_lines(path: &Path) -> anyhow::Result<Vec<String>> {
    Ok(content::lines(&read_text(path)?).map(str::to_owned).collect())
}

/// The words of a text file, separated by white space.
pub fn read_words(path: &Path) -> anyhow::Result<Vec<String>> {
    Ok(read_text(path)?.split_whitespace().map(str::to_owned).collect())
}

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}
