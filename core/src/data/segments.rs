//! The SGML files of the WMT news tasks: each `<seg>` is a line of the text. They are no XML that a parser would take
//! (`&` stands alone in some), so they are read as sacreBLEU reads them.

use crate::error::{Error, Result};

/// Whether a file's ending says so: `.sgm` or `.sgml`, perhaps with `.gz` behind it.
pub fn is_segmented(file: &str) -> bool {
    let name = file.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".sgm") || name.ends_with(".sgml")
}

/// What stands in the segments, in their order, blanks as single spaces.
///
/// # Errors
/// A segment without its end, with its line; a file without segments.
pub fn segments(file: &str, text: &str) -> Result<Vec<String>> {
    let wrong = |expected: &str, found: String| Err(Error::mismatch(file, expected, found));
    let (mut rest, mut found) = (text, Vec::new());
    while let Some(at) = opening(rest) {
        let body = rest[at..].split_once('>').and_then(|(_, body)| body.split_once("</seg>"));
        let Some((body, behind)) = body.filter(|(body, _)| opening(body).is_none()) else {
            let line = text[..text.len() - rest.len() + at].matches('\n').count() + 1;
            return wrong("`</seg>` behind each `<seg>`", format!("none behind that of line {line}"));
        };
        found.push(plain(body));
        rest = behind;
    }
    if found.is_empty() { wrong("text in `<seg>`", "none".to_owned()) } else { Ok(found) }
}

/// Where the next segment begins.
fn opening(text: &str) -> Option<usize> {
    text.match_indices("<seg").map(|(at, _)| at).find(|at| {
        text[at + 4..].chars().next().is_some_and(|next| next == '>' || next.is_ascii_whitespace())
    })
}

/// Without SGML's names for characters; the tokenizer 13a of BLEU reads the same four.
fn plain(body: &str) -> String {
    let text = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "<srcset setid=\"newstest\" srclang=\"any\">\n<doc docid=\"a\">\n<p>\n<seg id=\"1\">  One &amp; two.</seg>\n\
        <seg id=\"2\">AT&T &lt;b&gt;\n\"x\"</seg>\n</p>\n<segment>no</segment>\n<seg></seg>\n</doc>\n</srcset>\n";

    #[test]
    fn segments_are_lines() {
        assert_eq!(segments("x.sgm", FILE).unwrap(), ["One & two.", "AT&T <b> \"x\"", ""]);
        assert!(is_segmented("a/newstest2014-deen-src.de.SGM.gz") && !is_segmented("a.sgm.txt"));
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let problem = |text: &str| segments("x.sgm", text).unwrap_err().to_string();
        let cut = FILE.replacen(" two.</seg>", " two.", 1);
        assert!(problem(&cut).contains("none behind that of line 4"), "{}", problem(&cut));
        assert!(problem("<seg id=1").contains("line 1"));
        assert!(problem("two lines\nof text\n").contains("expected text in `<seg>`"));
    }
}
