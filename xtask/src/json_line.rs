//! One field of one flat JSON object, for lines that this repository's own benchmarks print. A JSON library would
//! be this program's only dependency.

/// The value of `name` as text: a string without its quotes (no escapes), or the characters of a number.
pub fn field(line: &str, name: &str) -> Option<String> {
    let rest = line.split_once(&format!("\"{name}\""))?.1.trim_start().strip_prefix(':')?.trim_start();
    let value = match rest.strip_prefix('"') {
        Some(text) => text.split('"').next()?,
        None => rest.split([',', '}', ' ']).next()?,
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn strings_and_numbers_are_found() {
        let line = r#"{"what":"beam search", "size" : "small", "seconds": 1.5e-3, "samples": [1, 2]}"#;
        assert_eq!(field(line, "what").as_deref(), Some("beam search"));
        assert_eq!(field(line, "size").as_deref(), Some("small"));
        assert_eq!(field(line, "seconds").as_deref(), Some("1.5e-3"));
        assert_eq!(field(line, "missing"), None);
    }
}
