//! `tokenizer.json` as the `tokenizers` crate reads it, once it is known that the crate does not panic on it: it unwraps the
//! syntax of decoders, follows a table of character rules wherever that leads, looks up what a template names, and cuts a
//! prefix off tokens that may be shorter.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::normalizer::Rules;
use crate::content;
use crate::error::{Error, Result};

const FILE: &str = "tokenizer.json";

/// Of the file, what is looked at before; reading it finds every error of syntax.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    model: Model,
}

#[derive(Default, Deserialize)]
struct Model {
    #[serde(default)]
    continuing_subword_prefix: Value,
}

/// Read only where there is a prefix, since there may be hundreds of thousands.
#[derive(Deserialize)]
struct WithMerges {
    model: Merges,
}

#[derive(Deserialize)]
struct Merges {
    #[serde(default)]
    merges: Vec<Merge>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(IgnoredAny, String),
    Other(IgnoredAny),
}

pub fn parsed(bytes: &[u8]) -> Result<tokenizers::Tokenizer> {
    content::check(FILE, bytes)?;
    let text = content::text(FILE, bytes)?;
    let parts: Parts = json(text)?;
    within(&parts.normalizer, &rules)?;
    within(&parts.post_processor, &template)?;
    if let Some(prefix) = parts.model.continuing_subword_prefix.as_str().filter(|prefix| !prefix.is_empty()) {
        merges(prefix, json(text)?)?;
    }
    tokenizers::Tokenizer::from_str(text).map_err(|error| Error::format(FILE, error))
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::format(FILE, error))
}

type Fields = Map<String, Value>;

/// Checks an object and all that are within it.
fn within(value: &Value, check: &dyn Fn(&Fields) -> Result<()>) -> Result<()> {
    match value {
        Value::Array(all) => all.iter().try_for_each(|value| within(value, check)),
        Value::Object(fields) => {
            check(fields)?;
            fields.values().try_for_each(|value| within(value, check))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// A damaged table of character rules of a normalizer.
fn rules(normalizer: &Fields) -> Result<()> {
    const FIELD: &str = "precompiled_charsmap of tokenizer.json";
    let Some(table) = normalizer.get("precompiled_charsmap") else { return Ok(()) };
    let text = table.as_str().ok_or_else(|| Error::mismatch(FIELD, "text in base64", table))?;
    let table = BASE64.decode(text).map_err(|error| Error::mismatch(FIELD, "text in base64", error))?;
    Rules::new(FILE, &table).map(drop)
}

/// # Errors
/// A post-processor's template for one text that names another text, or a token that it does not have.
fn template(processor: &Fields) -> Result<()> {
    let Some(Value::Array(pieces)) = processor.get("single") else { return Ok(()) };
    let has = |name: &str| processor.get("special_tokens").is_some_and(|tokens| tokens.get(name).is_some());
    let id = |piece: &Value, kind: &str| Some(piece.get(kind)?.get("id")?.as_str()?.to_owned());
    for piece in pieces {
        if let Some(token) = id(piece, "SpecialToken").filter(|token| !has(token)) {
            return Err(Error::mismatch(
                "special_tokens of tokenizer.json",
                format!("`{token}`, as in `single`"),
                "none",
            ));
        }
        if let Some(text) = id(piece, "Sequence").filter(|text| text != "A") {
            return Err(Error::mismatch("a Sequence in `single` of tokenizer.json", "A", text));
        }
    }
    Ok(())
}

/// # Errors
/// A merge whose second token is shorter than the prefix that is cut off it.
fn merges(prefix: &str, WithMerges { model }: WithMerges) -> Result<()> {
    for merge in &model.merges {
        let second = match merge {
            Merge::Line(line) => line.split_once(' ').map(|(_, second)| second),
            Merge::Pair(_, second) => Some(second.as_str()),
            Merge::Other(_) => None,
        };
        if let Some(second) = second.filter(|second| !second.is_char_boundary(prefix.len())) {
            let expected =
                format!("a second token that begins with `{prefix}`, the continuing_subword_prefix");
            return Err(Error::mismatch("merges of tokenizer.json", expected, format!("`{second}`")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tokenizer of three tokens with this normalizer.
    fn file(normalizer: &str) -> String {
        format!(
            r#"{{"version": "1.0", "added_tokens": [], "normalizer": {normalizer}, "pre_tokenizer": null,
            "post_processor": null, "decoder": {{"type": "ByteFallback"}},
            "model": {{"type": "WordLevel", "vocab": {{"<pad>": 0, "</s>": 1, "a": 2}}, "unk_token": "a"}}}}"#
        )
    }

    fn problem(file: &str) -> String {
        parsed(file.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_cut_file_is_an_error_wherever_it_is_cut() {
        let file = file("null");
        assert!(parsed(file.as_bytes()).is_ok());
        for length in 0..file.len() {
            assert!(
                problem(&file[..length]).starts_with("tokenizer.json cannot be read: "),
                "cut after {length} bytes"
            );
        }
    }

    #[test]
    fn a_template_of_a_token_that_is_not_there_is_an_error() {
        let with = |single: &str| {
            let template = format!(
                r#"{{"type": "TemplateProcessing", "single": [{single}], "pair": [],
                "special_tokens": {{"</s>": {{"id": "</s>", "ids": [1], "tokens": ["</s>"]}}}}}}"#
            );
            file("null").replace(r#""post_processor": null"#, &format!(r#""post_processor": {template}"#))
        };
        let text = r#"{"Sequence": {"id": "A", "type_id": 0}}"#;
        let token = |name: &str| format!(r#"{text}, {{"SpecialToken": {{"id": "{name}", "type_id": 0}}}}"#);
        let ids = parsed(with(&token("</s>")).as_bytes()).unwrap().encode("a", true).unwrap();
        assert_eq!(ids.get_ids(), [2, 1]);
        assert!(problem(&with(&token("<s>"))).contains("expected `<s>`, as in `single`, found none"));
        assert!(problem(&with(&text.replace("\"A\"", "\"B\""))).contains("expected A, found B"));
    }

    #[test]
    fn a_merge_without_the_prefix_of_its_second_token_is_an_error() {
        let with = |merge: &str| {
            let start = file("null");
            let (start, _) = start.split_once(r#""model""#).unwrap();
            format!(
                r#"{start}"model": {{"type": "BPE", "vocab": {{"a": 0, "@@b": 1, "ab": 2, "": 3}}, "merges": [{merge}],
                "continuing_subword_prefix": "@@"}}}}"#
            )
        };
        for merge in [r#""a @@b""#, r#"["a", "@@b"]"#] {
            assert!(parsed(with(merge).as_bytes()).is_ok(), "{merge}");
        }
        for merge in [r#""a ""#, r#"["@@b", "a"]"#] {
            assert!(
                problem(&with(merge)).contains("expected a second token that begins with `@@`"),
                "{merge}"
            );
        }
    }

    #[test]
    fn a_damaged_table_of_character_rules_is_an_error() {
        let normalizer = |table: &str| {
            let one = format!(r#"{{"type": "Precompiled", "precompiled_charsmap": {table}}}"#);
            [file(&one), file(&format!(r#"{{"type": "Sequence", "normalizers": [{one}]}}"#))]
        };
        for (table, expected) in [
            ("5", "expected text in base64, found 5"),
            ("\"?\"", "expected text in base64, found Invalid symbol"),
            // A trie of one unit, then one of none.
            ("\"BAAAAAAAAAA=\"", "the table of character rules is damaged"),
            ("\"AAAAAA==\"", "the table of character rules is damaged"),
        ] {
            for file in normalizer(table) {
                assert!(problem(&file).contains(expected), "{table}: {}", problem(&file));
            }
        }
        // 256 empty units, as a whole table has them.
        let table = BASE64.encode([1024_u32.to_le_bytes().as_slice(), &[0; 1024]].concat());
        for file in normalizer(&format!("\"{table}\"")) {
            parsed(file.as_bytes()).unwrap().encode("a", false).unwrap();
        }
    }
}
