//! From what a model wrote to the answer that is scored (ProMoT paper, A.2.2).
//!
//! A span-corruption model writes `<extra_id_0> answer <extra_id_1> more`; a model that has seen examples goes
//! on with the next example after its answer. Both are cut off here. Nothing else is repaired: a wrong answer
//! stays wrong.

const FIRST: &str = "<extra_id_0>";
const SECOND: &str = "<extra_id_1>";

/// The text after the first `<extra_id_0>` and before the next `<extra_id_1>`, trimmed. Either mark may be
/// missing: then the text begins at its start, or goes to its end.
pub fn between_sentinels(output: &str) -> &str {
    let start = output.find(FIRST).map_or(0, |at| at + FIRST.len());
    let text = &output[start..];
    text[..text.find(SECOND).unwrap_or(text.len())].trim()
}

/// A free-text answer: between the sentinels, and before the task's prefix (`Q:`, `Translate`, `Article:`).
///
/// The paper cuts "at the second prefix". The question itself begins with the first one, so the first that the
/// model writes is the second: it has finished its answer and begun a question of its own. An output that
/// begins with the prefix therefore holds no answer, and gives the empty text. Case counts.
pub fn free_text<'a>(output: &'a str, prefix: Option<&str>) -> &'a str {
    let text = between_sentinels(output);
    let end = prefix.and_then(|prefix| text.find(prefix)).unwrap_or(text.len());
    text[..end].trim()
}

/// The word that decides a classification: the first run of letters and digits.
///
/// The paper asks whether the first output token *is* `True` or `False`. Punctuation around the word is
/// dropped, as a tokenizer would split it off ("True." counts); case counts, as it does for tokens.
pub fn first_word(output: &str) -> &str {
    let text = between_sentinels(output).trim_start_matches(|c: char| !c.is_alphanumeric());
    &text[..text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests;
