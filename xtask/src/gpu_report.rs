//! `cargo xtask gpu-check --show FILE`: the lines of a GPU check as tables, in the terminal and in docs/gpu.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};
use xshell::cmd;

use crate::shell::{self, shell};

type Line = Map<String, Value>;

/// The items' titles, in the order in which they are measured.
const TITLES: [(&str, &str); 13] = [
    ("adapter", "Adapter and driver"),
    ("parity", "Beside the CPU, f32"),
    ("parity-f16", "Beside the CPU, f16"),
    ("tour", "The tour on the GPU"),
    ("tour-cpu", "The tour on the CPU of the same machine"),
    ("start", "New processes: the first updates"),
    ("updates", "Updates and decoding, f32"),
    ("updates-f16", "Updates and decoding, f16"),
    ("pytorch", "PyTorch on the same card (ratio: above 1 where promot is faster)"),
    ("fits-stage1", "The largest model whose stage 1 fits"),
    ("fits-stage2", "The largest model whose stage 2 fits"),
    ("vocabulary", "A vocabulary of 250,112"),
    ("stress", "Changing shapes"),
];

/// Prints the tables and writes them to `docs/gpu/<card>-<date>.md`.
pub fn show(files: &[PathBuf]) -> Result<()> {
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        lines.extend(read(&text).with_context(|| file.display().to_string())?);
    }
    let sh = shell()?;
    let moment = shell::timestamp()?;
    let date = moment.split('T').next().unwrap_or_default().to_owned();
    let commit = shell::read(cmd!(sh, "git rev-parse --short HEAD"))?;
    let card = card(&lines);
    let page = page(&lines, &card, &date, commit.trim());
    print!("{page}");
    let tiny = lines.first().is_some_and(|line| line.get("tiny") == Some(&Value::Bool(true)));
    let path = shell::root().join("docs/gpu").join(format!(
        "{}{}-{date}.md",
        slug(&card),
        if tiny { "-tiny" } else { "" }
    ));
    sh.write_file(&path, page)?;
    println!("written: docs/gpu/{}", path.file_name().unwrap_or_default().to_string_lossy());
    Ok(())
}

fn read(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        // A run that was cut may end within a line.
        match serde_json::from_str::<Line>(line) {
            Ok(line) => lines.push(line),
            Err(error) if index + 1 == text.lines().count() => println!("the last line is cut: {error}"),
            Err(error) => return Err(error).with_context(|| format!("line {}", index + 1)),
        }
    }
    ensure!(!lines.is_empty(), "expected lines of a GPU check, found none");
    Ok(lines)
}

fn text<'a>(line: &'a Line, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The adapter's name.
fn card(lines: &[Line]) -> String {
    let name = lines.iter().find(|line| text(line, "what") == "adapter").map(|line| text(line, "name"));
    name.filter(|name| !name.is_empty()).unwrap_or("unknown card").to_owned()
}

/// A name of a file: lower case, words joined by `-`, what stands in brackets left out.
fn slug(name: &str) -> String {
    let name = name.split('(').next().unwrap_or(name).to_lowercase();
    let words: Vec<&str> =
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn page(lines: &[Line], card: &str, date: &str, commit: &str) -> String {
    let mut page = format!("# GPU check: {card}\n\n{date}, shown at commit {commit}");
    if let Some(line) = lines.first().filter(|line| text(line, "what") == "check") {
        let _ = write!(page, ", promot {}", text(line, "version"));
        let budget = line.get("budget").map(cell).unwrap_or_default();
        let _ = write!(page, ", budget {budget} s");
        if line.get("tiny") == Some(&Value::Bool(true)) {
            page.push_str(", tiny sizes: times say nothing about a real card");
        }
    }
    page.push_str(".\n");
    for (item, title) in TITLES {
        let found: Vec<&Line> = lines.iter().filter(|line| text(line, "item") == item).collect();
        if found.is_empty() {
            continue;
        }
        let (ends, findings): (Vec<&Line>, Vec<&Line>) =
            found.into_iter().partition(|line| line.contains_key("outcome"));
        let _ = write!(page, "\n## {title}\n\n");
        page.push_str(&end(&ends, item));
        if item == "adapter" {
            page.push_str(&list(&findings));
        } else {
            page.push_str(&tables(&findings));
        }
    }
    page
}

/// How an item ended, in a sentence.
fn end(ends: &[&Line], item: &str) -> String {
    let Some(end) = ends.first() else {
        // PyTorch's lines have no ends.
        return if item == "pytorch" { String::new() } else { "Cut off.\n\n".to_owned() };
    };
    let seconds = end.get("seconds").map(cell).unwrap_or_default();
    match end.get("problem").and_then(Value::as_str) {
        None => format!("Done in {seconds} s.\n\n"),
        Some(problem) => format!("**{}** after {seconds} s: {problem}\n\n", capital(text(end, "outcome"))),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// Findings of many kinds, a line each.
fn list(findings: &[&Line]) -> String {
    let mut page = String::new();
    for line in findings {
        let fields = line.iter().filter(|(name, value)| !is_label(name) && !value.is_null());
        let fields: Vec<String> =
            fields.map(|(name, value)| format!("{} {}", name.replace('_', " "), cell(value))).collect();
        let _ = writeln!(page, "- {}: {}", text(line, "what"), fields.join(", "));
    }
    page
}

/// One table for each run of lines with the same fields.
fn tables(findings: &[&Line]) -> String {
    let mut page = String::new();
    let columns =
        |line: &Line| -> Vec<String> { line.keys().filter(|name| *name != "item").cloned().collect() };
    for group in findings.chunk_by(|a, b| columns(a) == columns(b)) {
        // Columns in which nothing stands tell nothing.
        let all = columns(group[0]);
        let kept: Vec<&String> =
            all.iter().filter(|name| group.iter().any(|line| !line[*name].is_null())).collect();
        let heads: Vec<String> = kept.iter().map(|name| name.replace('_', " ")).collect();
        let _ = writeln!(page, "| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
        for line in group {
            let cells: Vec<String> = kept.iter().map(|name| cell(&line[*name])).collect();
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    if !page.is_empty() {
        page.push('\n');
    }
    page
}

fn is_label(name: &str) -> bool {
    name == "item" || name == "what"
}

/// A value as a person reads it: three significant digits, large whole numbers in groups.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let one =
                |(name, value): (&String, &Value)| format!("{}: {}", name.replace('_', " "), cell(value));
            fields.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => grouped(whole),
            (None, Some(number)) => digits(number),
            (None, None) => number.to_string(),
        },
    }
}

fn grouped(whole: u64) -> String {
    let text = whole.to_string();
    let groups: Vec<&str> =
        text.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn digits(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size < 1e-3 {
        format!("{number:.1e}")
    } else if size < 10.0 {
        format!("{number:.3}")
    } else if size < 1000.0 {
        format!("{number:.1}")
    } else {
        grouped(size.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"what": "check", "version": "0.1.0", "tiny": true, "budget": 60}
{"item": "adapter", "what": "adapter", "name": "NVIDIA H200 (x)", "largest_buffer": 2147483648}
{"item": "adapter", "outcome": "done", "problem": null, "seconds": 0.5}
{"item": "updates", "what": "stage 1", "seconds": 0.00012, "share_of_peak": null}
{"item": "updates", "what": "stage 2", "seconds": 12.34, "share_of_peak": null}
{"item": "updates", "outcome": "stopped", "problem": "its time was over", "seconds": 120.04}
{"item": "stress", "what": "chang"#;

    #[test]
    fn a_page_has_the_card_tables_and_how_items_ended() {
        let lines = read(LINES).unwrap();
        assert_eq!((card(&lines).as_str(), slug(&card(&lines)).as_str()), ("NVIDIA H200 (x)", "nvidia-h200"));
        let page = page(&lines, "NVIDIA H200", "2026-01-01", "abc");
        for part in [
            "- adapter: name NVIDIA H200 (x), largest buffer 2,147,483,648",
            "| what | seconds |\n|---|---|\n| stage 1 | 1.2e-4 |\n| stage 2 | 12.3 |",
            "**Stopped** after 120.0 s: its time was over",
            "tiny sizes",
        ] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
        assert!(!page.contains("share of peak") && !page.contains("Changing shapes"), "{page}");
    }

    #[test]
    fn a_broken_line_is_an_error_and_a_cut_one_is_not() {
        assert!(read("{\n{}").is_err());
        assert!(read("").is_err());
    }
}
