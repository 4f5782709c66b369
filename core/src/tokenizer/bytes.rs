//! ByT5's tokenizer (Xue et al., 2022), for which its folders hold no file: a token is a byte of UTF-8, behind three
//! special tokens and before the sentinels. Written as a `tokenizer.json`, so that the `tokenizers` crate does the rest.

use serde_json::{Map, Value, json};

/// The class that tokenizer_config.json names.
pub const CLASS: &str = "ByT5Tokenizer";

/// Sentinels where tokenizer_config.json does not say.
pub const SENTINELS: u32 = 125;

const SPECIAL: [&str; 3] = ["<pad>", "</s>", "<unk>"];
const BYTES: u32 = 256;

/// The token of a byte.
fn of_byte(byte: u32) -> String {
    format!("<0x{byte:02X}>")
}

/// The byte of a token.
fn byte(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// A `tokenizer.json`: a vocabulary of bytes without merges, to which every character falls back.
pub fn json(sentinels: u32) -> Value {
    let first = SPECIAL.len() as u32;
    let special = SPECIAL.iter().zip(0..).map(|(token, id)| ((*token).to_owned(), id));
    let bytes = (0..BYTES).map(|byte| (of_byte(byte), first + byte));
    let vocab: Map<String, Value> =
        special.clone().chain(bytes).map(|(token, id)| (token, json!(id))).collect();
    // White space around the three special tokens belongs to them, around sentinels it does not.
    let added = |content: &str, id: u32, strips: bool| {
        json!({ "id": id, "content": content, "single_word": false, "lstrip": strips, "rstrip": strips,
                "normalized": false, "special": true })
    };
    let behind = (0..sentinels).map(|n| added(&format!("<extra_id_{n}>"), first + BYTES + n, false));
    let added: Vec<Value> = special.map(|(token, id)| added(&token, id, true)).chain(behind).collect();
    let sequence = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    let end = json!({ "SpecialToken": { "id": "</s>", "type_id": 0 } });
    json!({
        "version": "1.0",
        "added_tokens": added,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [sequence, end],
            "pair": [sequence, end],
            "special_tokens": { "</s>": { "id": "</s>", "ids": [1], "tokens": ["</s>"] } },
        },
        "decoder": { "type": "ByteFallback" },
        "model": { "type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": [] },
    })
}

/// The text of tokens. Bytes that are no UTF-8 are left out, as the reference leaves them out.
pub fn decode(tokens: impl Iterator<Item = String>) -> String {
    let mut text = Vec::new();
    for token in tokens {
        match byte(&token) {
            Some(byte) => text.push(byte),
            None => text.extend(token.bytes()),
        }
    }
    text.utf8_chunks().map(|chunk| chunk.valid()).collect()
}
