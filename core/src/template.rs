//! Row to text: `{field}` places filled from an example, nothing else changed. The templates of the paper's
//! Table 4 are written this way in core/tasks.

use crate::data::Example;
use crate::error::{Error, Result};

/// Fills every `{field}` of `template` with that field's text; `{{` and `}}` stand for single braces.
///
/// Spaces and line breaks stay as they are, in the template and in the fields: what the tokenizer does with
/// them belongs to the model, not to the task.
///
/// # Errors
/// A field that the row does not have, or a brace without its partner.
pub fn fill(template: &str, example: &Example) -> Result<String> {
    let mut text = String::with_capacity(template.len() + 128);
    for part in parse(template)? {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Field(field) => text.push_str(&example.text(field)?),
        }
    }
    Ok(text)
}

/// What stands between an input and its answer: a space, or nothing where the input itself ends in white space, as that of
/// a chat template does.
pub fn between(input: &str) -> &'static str {
    if input.ends_with(char::is_whitespace) { "" } else { " " }
}

/// The names of the template's places, in order, each once.
pub fn fields(template: &str) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for part in parse(template)? {
        if let Part::Field(field) = part
            && !names.contains(&field)
        {
            names.push(field);
        }
    }
    Ok(names)
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    Field(&'a str),
}

fn parse(template: &str) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        parts.push(Part::Text(&rest[..at]));
        let brace = &rest[at..at + 1];
        let after = &rest[at + 1..];
        rest = if let Some(escaped) = after.strip_prefix(brace) {
            parts.push(Part::Text(brace));
            escaped
        } else if brace == "{" {
            let end = after.find(['{', '}']).filter(|end| after[*end..].starts_with('}'));
            let end = end.ok_or_else(|| unpaired(template, "{"))?;
            parts.push(Part::Field(&after[..end]));
            &after[end + 1..]
        } else {
            return Err(unpaired(template, "}"));
        };
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn unpaired(template: &str, brace: &str) -> Error {
    Error::mismatch(
        format!("template `{template}`"),
        "{field} places, and {{ or }} for a brace",
        format!("a single `{brace}`"),
    )
}

#[cfg(test)]
mod tests;
