//! The tokenizer of a GGUF file, as the `tokenizer.json` that it was made from.

use serde_json::{Map, Value, json};

use super::said::{SPECIAL, Said};
use crate::error::{Error, Result};

/// How a text is cut before its pieces are merged, by `tokenizer.ggml.pre` (llama.cpp, `llama-vocab.cpp`).
enum Cut {
    /// As GPT-2.
    Words,
    /// Each digit alone, then as GPT-2.
    Digits,
    /// By an expression of the model's own.
    By(&'static str),
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Kinds of tokens in `tokenizer.ggml.token_type` that stand in a text as they are.
const CONTROL: i64 = 3;
const OF_USER: i64 = 4;

fn cut(said: &Said<'_>) -> Result<Cut> {
    let key = "tokenizer.ggml.pre";
    match said.text(key)? {
        None | Some("gpt-2") => Ok(Cut::Words),
        Some("smollm" | "starcoder" | "refact" | "command-r") => Ok(Cut::Digits),
        Some("llama-bpe" | "llama3" | "llama-v3") => Ok(Cut::By(LLAMA3)),
        Some("qwen2" | "deepseek-r1-qwen") => Ok(Cut::By(QWEN2)),
        Some(_) => {
            Err(said.wrong(key, "gpt-2, smollm, llama-bpe or qwen2 (or a tokenizer.json beside the file)"))
        }
    }
}

/// `tokenizer.json`.
///
/// # Errors
/// Another kind than byte-level BPE, a way of cutting that is not known here, lists that do not fit each other.
pub fn tokenizer(said: &Said<'_>) -> Result<Vec<u8>> {
    let key = "tokenizer.ggml.model";
    if said.text(key)? != Some("gpt2") {
        return Err(said.wrong(key, "gpt2, byte-level BPE (or a tokenizer.json beside the file)"));
    }
    let tokens = said.texts("tokenizer.ggml.tokens")?;
    let vocabulary: Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let merges = said.texts("tokenizer.ggml.merges")?;
    let added: Vec<Value> = said
        .wholes("tokenizer.ggml.token_type", tokens.len())?
        .iter()
        .zip(tokens)
        .enumerate()
        .filter(|(_, (kind, _))| matches!(**kind, CONTROL | OF_USER))
        .map(|(id, (kind, token))| added(id, token, *kind == CONTROL))
        .collect();
    let level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let expression = |expression: &str| json!({ "type": "Split", "pattern": { "Regex": expression }, "behavior": "Isolated", "invert": false });
    let mut cut_already = level.clone();
    cut_already["use_regex"] = false.into();
    let cut = cut(said)?;
    let before = match &cut {
        Cut::Words => level.clone(),
        Cut::Digits => sequence(&[json!({ "type": "Digits", "individual_digits": true }), level.clone()]),
        Cut::By(found) => sequence(&[expression(found), cut_already]),
    };
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": if said.text("tokenizer.ggml.pre")? == Some("qwen2") { json!({ "type": "NFC" }) } else { Value::Null },
        "pre_tokenizer": before,
        "post_processor": first_token(said, tokens)?,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": matches!(&cut, Cut::By(found) if *found == LLAMA3),
            "vocab": vocabulary,
            "merges": merges,
        },
    });
    serde_json::to_vec(&tokenizer).map_err(|error| Error::format(said.file, error))
}

/// `tokenizer_config.json`: the tokens that begin, end and pad texts.
pub fn config(said: &Said<'_>) -> Result<Vec<u8>> {
    let tokens = said.texts("tokenizer.ggml.tokens")?;
    let mut config = Map::from_iter([("tokenizer_class".into(), "PreTrainedTokenizerFast".into())]);
    for (ours, theirs) in SPECIAL {
        if let Some(token) = special(said, tokens, theirs)? {
            config.insert(format!("{ours}_token"), token.into());
        }
    }
    serde_json::to_vec(&config).map_err(|error| Error::format(said.file, error))
}

fn sequence(parts: &[Value]) -> Value {
    json!({ "type": "Sequence", "pretokenizers": parts })
}

fn added(id: usize, token: &str, special: bool) -> Value {
    json!({
        "id": id,
        "content": token,
        "single_word": false,
        "lstrip": false,
        "rstrip": false,
        "normalized": false,
        "special": special,
    })
}

/// The text of a token that the metadata names by its id.
fn special<'a>(said: &Said<'_>, tokens: &'a [String], name: &str) -> Result<Option<&'a str>> {
    let key = format!("tokenizer.ggml.{name}_token_id");
    let Some(id) = said.whole(&key)? else { return Ok(None) };
    let token = usize::try_from(id).ok().and_then(|id| tokens.get(id));
    token.map(|token| Some(token.as_str())).ok_or_else(|| said.wrong(&key, "the id of one of the tokens"))
}

/// Puts the first token before a text, where the file says so.
fn first_token(said: &Said<'_>, tokens: &[String]) -> Result<Value> {
    let wanted = said.flag("tokenizer.ggml.add_bos_token")?.unwrap_or_default();
    let bos = special(said, tokens, "bos")?.filter(|_| wanted);
    let Some(bos) = bos else { return Ok(Value::Null) };
    let id = said.needed("tokenizer.ggml.bos_token_id")?;
    let (first, text) = (
        json!({ "SpecialToken": { "id": bos, "type_id": 0 } }),
        json!({ "Sequence": { "id": "A", "type_id": 0 } }),
    );
    Ok(json!({
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, { "Sequence": { "id": "B", "type_id": 0 } }],
        "special_tokens": { bos: { "id": bos, "ids": [id], "tokens": [bos] } },
    }))
}
