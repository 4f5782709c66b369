//! Bytes of a file as the text or JSON that they should be. What often stands in a file's place is known by its first
//! bytes, so that an error says what to do and not what a parser made of it.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use crate::error::{At, Error, Result};

/// So many of a file's first bytes tell what it is.
pub const ENOUGH: usize = 1024;

const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// First bytes of files that are something else, and what they are.
const OTHERS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive (torch.save writes these, too)"),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"PAR1", "a Parquet file, whose name should end in .parquet"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\xff\xfe", "text in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16; save it as UTF-8"),
    (b"Entry not found", "the answer of a hub that has no such file, not the file"),
    (b"Repository not found", "the answer of a hub that has no such repository, not the file"),
    (b"Invalid username or password", "a hub's refusal, not the file; log in and download it again"),
];

/// Beginnings of a page, in lower case.
const PAGES: &[&[u8]] = &[b"<!doctype html", b"<html", b"<?xml"];

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether the first bytes are those of what the file should be; `start` need not be longer than `ENOUGH`.
///
/// # Errors
/// A Git LFS pointer, a web page, an archive, text in UTF-16, a hub's refusal.
pub fn check(file: impl Display, start: &[u8]) -> Result<()> {
    let text = start.strip_prefix(MARK).unwrap_or(start).trim_ascii_start();
    let is_page = |page: &&[u8]| text.get(..page.len()).is_some_and(|start| start.eq_ignore_ascii_case(page));
    if PAGES.iter().any(is_page) {
        let problem = "it is a web page, not the file; look at the address that it was downloaded from";
        return Err(Error::format(file, problem));
    }
    check_lines(file, start)
}

/// As `check` for text of any kind, which may be a web page.
///
/// # Errors
/// A Git LFS pointer, an archive, text in UTF-16, a hub's refusal.
pub fn check_lines(file: impl Display, start: &[u8]) -> Result<()> {
    if start.starts_with(LFS) {
        let size = String::from_utf8_lossy(start);
        let size = size.lines().find_map(|line| line.strip_prefix("size ")).unwrap_or("unknown").to_owned();
        let problem = format!(
            "it is a Git LFS pointer to a file of {size} bytes, not the file; `git lfs pull` fetches the file"
        );
        return Err(Error::format(file, problem));
    }
    match OTHERS.iter().find(|(first, _)| start.starts_with(first)) {
        Some((_, what)) => Err(Error::format(file, format!("it is {what}"))),
        None => Ok(()),
    }
}

/// The text, without a byte-order mark.
///
/// # Errors
/// What `check_lines` refuses, and bytes that are no UTF-8, with their line.
pub fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    check_lines(file, bytes)?;
    let problem = |error: std::str::Utf8Error| Error::Row {
        file: file.to_owned(),
        at: At::Line(1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count()),
        problem: "expected UTF-8 text, found other bytes".into(),
    };
    let text = std::str::from_utf8(bytes).map_err(problem)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The JSON value, whatever byte-order mark stands before it.
///
/// # Errors
/// What `check` refuses, and what is no such value.
pub fn json<T: DeserializeOwned>(file: impl Display, bytes: &[u8]) -> Result<T> {
    check(&file, bytes)?;
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| Error::format(file, error))
}

/// The lines of a text, without what ends them: `\n`, `\r\n`, or `\r` where the text has no `\n`.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let end = line_end(text);
    let whole = text.strip_suffix(end).unwrap_or(text);
    let lines = whole.split(end).map(move |line| line.strip_suffix('\r').unwrap_or(line));
    lines.take(if text.is_empty() { 0 } else { usize::MAX })
}

/// The line of a byte position, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    let end = line_end(text);
    1 + text[..at].chars().filter(|letter| *letter == end).count()
}

/// What ends every line: a lone carriage return does in files of old Macs and of some spreadsheets.
fn line_end(text: &str) -> char {
    if text.contains('\r') && !text.contains('\n') { '\r' } else { '\n' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_files_place_is_named() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:5f\nsize 307867048\n";
        let problem = |bytes: &[u8]| check("f", bytes).unwrap_err().to_string();
        assert_eq!(
            problem(pointer),
            "f cannot be read: it is a Git LFS pointer to a file of 307867048 bytes, not the file; \
             `git lfs pull` fetches the file"
        );
        assert!(problem(b"\xef\xbb\xbf\n <!DOCTYPE HTML>").contains("a web page"));
        assert!(problem(b"<?xml version='1.0'?><Error/>").contains("a web page"));
        assert!(check_lines("f", b"<html>").is_ok());
        assert!(problem(b"PK\x03\x04...").contains("a zip archive"));
        assert!(
            problem(
                "é".encode_utf16()
                    .flat_map(u16::to_be_bytes)
                    .fold(vec![0xfe, 0xff], |mut all, byte| {
                        all.push(byte);
                        all
                    })
                    .as_slice()
            )
            .contains("UTF-16")
        );
        assert!(check("f", b"version 2").is_ok() && check("f", b"").is_ok());
    }

    #[test]
    fn lines_end_by_one_kind_of_end() {
        let all = |text| lines(text).collect::<Vec<_>>();
        assert_eq!(all("a\nb\n"), ["a", "b"]);
        assert_eq!(all("a\r\n\r\nb"), ["a", "", "b"]);
        assert_eq!(all("a\rb\r"), ["a", "b"]);
        assert_eq!(all("a\rb\nc"), ["a\rb", "c"]);
        assert_eq!(all("\n\n"), ["", ""]);
        assert_eq!(all(""), [""; 0]);
        assert_eq!(line_of("a\rb\rc", 4), 3);
        assert_eq!(line_of("a\r\nb", 3), 2);
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(text("f", b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(json::<Vec<u32>>("f", b"\xef\xbb\xbf[1]").unwrap(), [1]);
        assert_eq!(
            text("f", b"a\n\xff").unwrap_err().to_string(),
            "f, line 2: expected UTF-8 text, found other bytes"
        );
    }
}
