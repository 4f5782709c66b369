//! The documents hold together: links lead to files, log entries are short and indexed, tables are rectangular.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What is read at the root; everything below `docs/` is read as well.
const PAGES: &[&str] = &["README.md", "ARCHITECTURE.md", "LOG.md", "CHANGELOG.md"];

const README_LINES: usize = 80;
const ENTRY_LINES: usize = 40;
const DECISION_LINES: usize = 25;

/// How the last column of LOG.md begins.
const VERDICTS: &[&str] = &["kept", "negative", "superseded by [", "supersedes "];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below `folder` with this extension, sorted by path.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry of the folder").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a file name in UTF-8")
}

/// Targets of Markdown and HTML links, outside fenced code blocks.
fn links(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"')] {
            let targets = line.split(open).skip(1).filter_map(|rest| rest.split_once(close));
            found.extend(targets.map(|(target, _)| target));
        }
    }
    found
}

/// The relative links of a page in `folder` that lead nowhere.
fn broken<'a>(page: &'a str, folder: &Path) -> Vec<&'a str> {
    let leads_nowhere = |target: &&str| {
        let file = target.split('#').next().unwrap_or(target);
        let elsewhere = target.contains("://") || target.starts_with("mailto:");
        !elsewhere && !file.is_empty() && !folder.join(file).exists()
    };
    links(page).into_iter().filter(leads_nowhere).collect()
}

/// The number of fields in each record. A quoted field may hold commas, line breaks and doubled quotes.
fn csv_widths(text: &str) -> Result<Vec<usize>, &'static str> {
    let (mut widths, mut width, mut quoted) = (Vec::new(), 1, false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => width += 1,
            '\n' if !quoted => widths.push(std::mem::replace(&mut width, 1)),
            _ => {}
        }
    }
    match (quoted, text.ends_with('\n')) {
        (true, _) => Err("a quote is not closed"),
        (false, false) => Err("the last line does not end"),
        (false, true) => Ok(widths),
    }
}

/// A row of the index in LOG.md: `| date | [title](file) | verdict |`.
struct Row<'a> {
    date: &'a str,
    title: &'a str,
    file: &'a str,
    verdict: &'a str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (date, cells) = cells.split_once(" | ")?;
    let (entry, verdict) = cells.split_once(" | ")?;
    let (title, file) = entry.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Some(Row { date, title, file, verdict })
}

fn rows(index: &str) -> Vec<Row<'_>> {
    let lines = index.lines().filter(|line| line.starts_with("| 2"));
    lines.map(|line| row(line).unwrap_or_else(|| panic!("LOG.md: not a row of the index: {line}"))).collect()
}

fn entries() -> Vec<PathBuf> {
    files(&root().join("docs/log"), "md")
}

#[test]
fn links_lead_to_files() {
    let mut pages: Vec<PathBuf> = PAGES.iter().map(|page| root().join(page)).collect();
    pages.extend(files(&root().join("docs"), "md"));
    let mut wrong = Vec::new();
    for path in &pages {
        let page = read(path);
        let folder = path.parent().expect("a page lies in a folder");
        wrong.extend(broken(&page, folder).iter().map(|target| format!("{}: {target}", path.display())));
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn a_log_entry_has_at_most_forty_lines() {
    for path in entries() {
        let n_lines = read(&path).lines().count();
        assert!(n_lines <= ENTRY_LINES, "{}: {n_lines} lines, at most {ENTRY_LINES}", file_name(&path));
    }
}

#[test]
fn log_md_lists_every_entry_once() {
    let index = read(&root().join("LOG.md"));
    let rows = rows(&index);
    let listed: BTreeSet<String> = rows.iter().map(|row| row.file.to_string()).collect();
    assert_eq!(listed.len(), rows.len(), "an entry is listed twice in LOG.md");
    let written = entries().iter().map(|path| format!("docs/log/{}", file_name(path))).collect();
    assert_eq!(listed, written, "left: the rows of LOG.md; right: the files in docs/log");
}

#[test]
fn a_row_of_log_md_agrees_with_its_entry() {
    let index = read(&root().join("LOG.md"));
    for row in rows(&index) {
        let entry = read(&root().join(row.file));
        assert_eq!(entry.lines().next(), Some(format!("# {}", row.title).as_str()), "{}: title", row.file);
        let status = entry.lines().nth(2).unwrap_or_default();
        let (date, verdict) = status.split_once(" · ").unwrap_or_default();
        assert_eq!(date, row.date, "{}: the third line begins with the date", row.file);
        assert!(row.file.starts_with(&format!("docs/log/{date}-")), "{}: the date in the name", row.file);
        let Some(kind) = VERDICTS.iter().find(|kind| row.verdict.starts_with(**kind)) else {
            panic!("{}: the verdict `{}` begins with none of {VERDICTS:?}", row.file, row.verdict)
        };
        assert!(verdict.starts_with(kind), "{}: `{verdict}` there, `{}` in LOG.md", row.file, row.verdict);
    }
}

#[test]
fn log_md_is_sorted_newest_first() {
    let index = read(&root().join("LOG.md"));
    let dates: Vec<&str> = rows(&index).iter().map(|row| row.date).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "not newest first: {dates:?}");
}

#[test]
fn tables_are_rectangular() {
    for path in files(&root().join("docs"), "csv") {
        let widths =
            csv_widths(&read(&path)).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        assert!(widths.len() > 1, "{}: no rows", path.display());
        let differing = widths.iter().position(|width| *width != widths[0]);
        assert_eq!(differing, None, "{}: the record with another number of fields", path.display());
    }
}

#[test]
fn every_table_of_the_log_is_linked() {
    let linked: BTreeSet<String> = entries()
        .iter()
        .flat_map(|path| links(&read(path)).into_iter().map(str::to_string).collect::<Vec<_>>())
        .collect();
    for path in files(&root().join("docs/log"), "csv") {
        assert!(linked.contains(file_name(&path)), "{}: no entry links it", file_name(&path));
    }
}

#[test]
fn decisions_are_short_and_indexed() {
    let folder = root().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    let listed = links(&index);
    for path in files(&folder, "md").iter().filter(|path| file_name(path) != "README.md") {
        let (name, n_lines) = (file_name(path), read(path).lines().count());
        assert!(n_lines <= DECISION_LINES, "{name}: {n_lines} lines, at most {DECISION_LINES}");
        assert!(listed.contains(&name), "docs/decisions/README.md does not list {name}");
    }
}

#[test]
fn readme_fits_on_one_page() {
    let n_lines = read(&root().join("README.md")).lines().count();
    assert!(n_lines <= README_LINES, "README.md: {n_lines} lines, at most {README_LINES}");
}

#[test]
fn these_checks_notice_what_is_wrong() {
    let page = "[a](docs.rs) and\n![b](none.png)\n```\n[c](none.md)\n```\n[d](https://none) [e](#here)\n\
                <img src=\"none.svg\"> [f](docs.rs#part)";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    assert_eq!(broken(page, &folder), ["none.png", "none.svg"]);
    assert_eq!(csv_widths("a,b\n\"1,\"\"2\"\"\n\",3\n4\n"), Ok(vec![2, 2, 1]));
    assert!(csv_widths("a,\"b\n").is_err() && csv_widths("a,b").is_err());
    assert!(row("| 2026-11-21 | no link | kept |").is_none());
    let Row { date, title, file, verdict } = row("| 2026-11-21 | [Title](a.md) | kept |").expect("a row");
    assert_eq!((date, title, file, verdict), ("2026-11-21", "Title", "a.md", "kept"));
}
