//! Text to ids and back, as the model's own `tokenizer.json` (or `spiece.model`) says.

use std::str::FromStr;

use crate::error::{Error, Result};

mod sentencepiece;

/// A Hugging Face tokenizer with the few special ids that a T5-style model needs.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    pub pad: u32,
    pub eos: u32,
}

impl Tokenizer {
    /// From the bytes of `tokenizer.json`; its truncation and padding are switched off.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| Error::format("tokenizer.json", error))?;
        let inner =
            tokenizers::Tokenizer::from_str(text).map_err(|error| Error::format("tokenizer.json", error))?;
        Self::new(inner)
    }

    /// From the bytes of `spiece.model`, with T5's `extra_ids` sentinels at the end of the vocabulary.
    pub fn from_sentencepiece(bytes: &[u8], extra_ids: usize) -> Result<Self> {
        Self::new(sentencepiece::tokenizer(bytes, extra_ids)?)
    }

    /// # Errors
    /// A tokenizer without `<pad>` or `</s>`.
    pub fn new(mut inner: tokenizers::Tokenizer) -> Result<Self> {
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| Error::format("tokenizer", error))?;
        let id = |token: &str| {
            inner
                .token_to_id(token)
                .ok_or_else(|| Error::mismatch("tokenizer", format!("a token `{token}`"), "none"))
        };
        Ok(Self { pad: id("<pad>")?, eos: id("</s>")?, inner })
    }

    /// Ids with what the tokenizer's post-processor adds (T5: the end-of-sequence token).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode(text, true).map_err(|error| Error::format("text", error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Every token of the words, each once, in rising order; the end-of-sequence token is not among them.
    pub fn of_words(&self, words: &[String]) -> Result<Vec<u32>> {
        let mut tokens = Vec::new();
        for word in words {
            tokens.extend(self.encode_plain(word)?);
        }
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }

    /// Ids of the text alone.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode(text, false).map_err(|error| Error::format("text", error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text without pad and end-of-sequence tokens; sentinels are kept.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let kept: Vec<u32> = ids.iter().copied().filter(|id| *id != self.pad && *id != self.eos).collect();
        self.inner.decode(&kept, false).map_err(|error| Error::format("ids", error))
    }

    /// The piece of one id, as the vocabulary writes it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of `<extra_id_n>`, the n-th sentinel of span corruption.
    pub fn sentinel(&self, n: usize) -> Option<u32> {
        self.inner.token_to_id(&format!("<extra_id_{n}>"))
    }

    /// Entries, sentinels included. A model's embedding may have more rows (padding), never fewer.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    pub fn to_json(&self) -> Result<String> {
        self.inner.to_string(false).map_err(|error| Error::format("tokenizer", error))
    }
}
