//! Text to ids and back, as the model's own `tokenizer.json` (or `spiece.model`) says; ByT5's is made here.
//!
//! An encoder-decoder's input and target are texts of their own, and each ends with the end-of-sequence token. A
//! decoder-only model reads one text, "input target": the input begins as the tokenizer's post-processor says (with a
//! token for the beginning, or none) and has no end; the target goes on from it and ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::template::between;

#[cfg_attr(target_family = "wasm", path = "tokenizer/chat_on_the_page.rs")]
mod chat;

mod bytes;
mod json;
mod normalizer;
mod sentencepiece;
mod turns;
mod unigram;

pub use bytes::CLASS as OF_BYTES;
pub use chat::ChatTemplate;
use json::parsed;
use sentencepiece::SentencePiece;
pub use turns::{Message, Role};

/// A Hugging Face tokenizer with the few special ids that a model needs.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// What a `spiece.model` says, by which text becomes ids where there is one.
    own: Option<Arc<SentencePiece>>,
    /// Of ByT5, the number of its sentinels.
    of_bytes: Option<u32>,
    pub pad: u32,
    /// What a target ends with.
    pub eos: u32,
    /// What may end an output, `eos` among them.
    pub stops: Vec<u32>,
    /// The ids before an input of a decoder-only model; `None` for an encoder-decoder.
    prefix: Option<Vec<u32>>,
    /// What is no text: marks of beginning and end, padding, sentinels and the like.
    special: BTreeSet<u32>,
    /// Ids are below this, the model's vocab_size.
    limit: u32,
    chat: Option<Arc<ChatTemplate>>,
}

/// What ends and pads the rows of a decoder-only model, as its files say.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// The tokens' texts in `tokenizer_config.json`.
    pub eos_token: Option<String>,
    pub pad_token: Option<String>,
    /// Ids of `generation_config.json` or `config.json`.
    pub stops: Vec<u32>,
    pub pad: Option<u32>,
    pub bos: Option<u32>,
}

/// What an answer of a decoder-only model may begin with, see `template::between`.
const BETWEEN: &str = " ";

impl Tokenizer {
    /// From the bytes of `tokenizer.json`; its truncation and padding are switched off.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        Self::new(parsed(bytes)?)
    }

    /// From the bytes of `spiece.model`, with T5's `extra_ids` sentinels at the end of the vocabulary.
    pub fn from_sentencepiece(bytes: &[u8], extra_ids: usize) -> Result<Self> {
        let (own, inner) = sentencepiece::read(bytes, extra_ids)?;
        Ok(Self { own: Some(Arc::new(own)), ..Self::new(inner)? })
    }

    /// ByT5's, with so many sentinels, 125 where nothing is said.
    ///
    /// # Errors
    /// Those of `from_json`.
    pub fn of_bytes(sentinels: Option<u32>) -> Result<Self> {
        let sentinels = sentinels.unwrap_or(bytes::SENTINELS);
        let json = bytes::json(sentinels).to_string();
        Ok(Self { of_bytes: Some(sentinels), ..Self::from_json(json.as_bytes())? })
    }

    /// From the bytes of a decoder-only model's `tokenizer.json`.
    ///
    /// # Errors
    /// No token that ends a target.
    pub fn decoder_only(bytes: &[u8], ends: Ends) -> Result<Self> {
        let inner = plain(parsed(bytes)?)?;
        let id = |token: &Option<String>| inner.token_to_id(token.as_deref()?);
        let eos = id(&ends.eos_token).or(ends.stops.first().copied()).ok_or_else(|| {
            let expected = "an eos_token in tokenizer_config.json, or an eos_token_id in config.json";
            Error::mismatch("tokenizer", expected, "none")
        })?;
        let mut stops = ends.stops;
        if !stops.contains(&eos) {
            stops.insert(0, eos);
        }
        // Without padding of its own a row may be padded with anything: no real position sees it.
        let pad = id(&ends.pad_token).or(ends.pad).unwrap_or(eos);
        let special = special(&inner, &[pad, eos]);
        let prefix = Some(Vec::new());
        let mut tokenizer = Self { pad, eos, stops, prefix, special, ..Self::bare(inner) };
        let mut prefix = tokenizer.encode("")?;
        while prefix.last() == Some(&eos) && ends.bos != Some(eos) {
            prefix.pop();
        }
        tokenizer.prefix = Some(prefix);
        Ok(tokenizer)
    }

    /// # Errors
    /// A tokenizer without `<pad>` or `</s>`.
    pub fn new(inner: tokenizers::Tokenizer) -> Result<Self> {
        let inner = plain(inner)?;
        let id = |token: &str| {
            inner
                .token_to_id(token)
                .ok_or_else(|| Error::mismatch("tokenizer", format!("a token `{token}`"), "none"))
        };
        let (pad, eos) = (id("<pad>")?, id("</s>")?);
        let special = special(&inner, &[pad, eos]);
        Ok(Self { pad, eos, stops: vec![eos], special, ..Self::bare(inner) })
    }

    fn bare(inner: tokenizers::Tokenizer) -> Self {
        Self {
            inner,
            own: None,
            of_bytes: None,
            pad: 0,
            eos: 0,
            stops: Vec::new(),
            prefix: None,
            special: BTreeSet::new(),
            limit: u32::MAX,
            chat: None,
        }
    }

    /// With these ids as what may end an output; the tokenizer's own end where there are none.
    #[must_use]
    pub fn with_stops(mut self, stops: &[u32]) -> Self {
        if !stops.is_empty() {
            self.stops = stops.to_vec();
        }
        self
    }

    /// With the chat template of its files.
    #[must_use]
    pub fn with_chat(mut self, template: Option<ChatTemplate>) -> Self {
        self.chat = template.map(Arc::new);
        self
    }

    /// A conversation as the model reads it, up to where its answer begins, as an input for `encode_input`.
    ///
    /// # Errors
    /// A model without a chat template, or one whose template refuses the conversation.
    pub fn chat(&self, messages: &[Message]) -> Result<String> {
        let template = self.chat.as_ref().ok_or_else(|| {
            let expected = "a chat template in chat_template.jinja or tokenizer_config.json";
            Error::mismatch("the model's files", expected, "none")
        })?;
        let text = template.render(messages)?;
        // Written once by the template and once by the tokenizer, the beginning would stand there twice.
        let begins = self.prefix.as_ref().is_some_and(|prefix| !prefix.is_empty());
        match template.beginning().filter(|_| begins).and_then(|beginning| text.strip_prefix(beginning)) {
            Some(rest) => Ok(rest.to_owned()),
            None => Ok(text),
        }
    }

    /// With more tokens that are no text, by what the vocabulary calls them.
    #[must_use]
    pub fn with_special(mut self, tokens: &[String]) -> Self {
        self.special.extend(tokens.iter().filter_map(|token| self.inner.token_to_id(token)));
        self
    }

    /// For a model with an embedding of so many rows.
    ///
    /// # Errors
    /// More entries than that, or an end of targets beyond it. Another entry beyond it is an error when a text has it.
    pub fn for_vocabulary(mut self, vocab_size: usize) -> Result<Self> {
        if self.vocab_size() > vocab_size {
            let expected = format!("at most the {vocab_size} entries of the model's vocab_size");
            return Err(Error::mismatch("tokenizer", expected, self.vocab_size()));
        }
        self.limit = u32::try_from(vocab_size).unwrap_or(u32::MAX);
        // What pads a row is looked up, if never seen.
        if self.is_decoder_only() && self.pad >= self.limit {
            self.pad = self.eos;
        }
        self.check(&[self.pad, self.eos])?;
        self.stops.retain(|id| *id < self.limit);
        Ok(self)
    }

    fn check(&self, ids: &[u32]) -> Result<()> {
        let Some(id) = ids.iter().find(|id| **id >= self.limit) else { return Ok(()) };
        let what = format!("id of the token `{}` in the tokenizer", self.token(*id).unwrap_or_default());
        Err(Error::mismatch(what, format!("below the model's vocab_size {}", self.limit), id))
    }

    /// Whether input and target are one text.
    pub fn is_decoder_only(&self) -> bool {
        self.prefix.is_some()
    }

    /// Ids with what the tokenizer's post-processor adds (T5: the end-of-sequence token).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.ids(text, true)
    }

    /// Every token of the words, each once, in rising order; the end-of-sequence token is not among them. A decoder-only
    /// model may write a word with or without what stands before an answer, which is no token of the word.
    pub fn of_words(&self, words: &[String]) -> Result<Vec<u32>> {
        let mut tokens = Vec::new();
        for word in words {
            tokens.extend(self.encode_plain(word)?);
            if self.is_decoder_only() {
                tokens.extend(self.encode_plain(&format!("{BETWEEN}{word}"))?);
            }
        }
        if self.is_decoder_only() {
            let between = self.encode_plain(BETWEEN)?;
            tokens.retain(|token| !between.contains(token));
        }
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }

    /// Ids of an input. That of a decoder-only model has no end, which its target brings, and at least one id, from which
    /// the first token is predicted.
    pub fn encode_input(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = self.encode(text)?;
        let Some(prefix) = &self.prefix else { return Ok(ids) };
        if ids.len() > prefix.len() && ids.last() == Some(&self.eos) {
            ids.pop();
        }
        if ids.is_empty() {
            ids.push(self.eos);
        }
        Ok(ids)
    }

    /// Ids of a target, which goes on from its input in a decoder-only model.
    pub fn encode_target(&self, input: &str, target: &str) -> Result<Vec<u32>> {
        if self.prefix.is_none() {
            return self.encode(target);
        }
        let target = format!("{}{target}", between(input));
        let whole = self.encode_input(&format!("{input}{target}"))?;
        let mut ids = match whole.strip_prefix(self.encode_input(input)?.as_slice()) {
            Some(rest) => rest.to_vec(),
            // Its first piece would reach back into the input.
            None => self.encode_plain(&target)?,
        };
        ids.push(self.eos);
        Ok(ids)
    }

    /// Ids of a target without its end, for a text that is not an answer or not the whole of one; at least one.
    pub fn encode_open_target(&self, input: &str, target: &str) -> Result<Vec<u32>> {
        let mut ids = self.encode_target(input, target)?;
        if ids.len() > 1 {
            ids.pop();
        }
        Ok(ids)
    }

    /// An input of at most so many ids. An encoder-decoder's loses its end, but for the end-of-sequence token; a
    /// decoder-only model's loses its beginning, since the question stands last.
    pub fn cut(&self, mut ids: Vec<u32>, most: usize) -> Vec<u32> {
        let over = ids.len().saturating_sub(most);
        match &self.prefix {
            _ if over == 0 => {}
            None => {
                ids.truncate(most.saturating_sub(1));
                ids.push(self.eos);
            }
            Some(prefix) => {
                let kept = if ids.starts_with(prefix) && prefix.len() < most { prefix.len() } else { 0 };
                ids.drain(kept..kept + over);
            }
        }
        ids
    }

    /// Ids of the text alone.
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        self.ids(text, false)
    }

    fn ids(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        let ids = if let Some(own) = &self.own {
            let mut ids = own.encode(text);
            ids.extend(add_special.then_some(self.eos));
            ids
        } else {
            let encoding = self.inner.encode(text, add_special);
            encoding.map_err(|error| Error::format("text", error))?.get_ids().to_vec()
        };
        self.check(&ids)?;
        Ok(ids)
    }

    /// The text of an output up to what ends it, without special tokens, but for an encoder-decoder's sentinels, which post-processing reads.
    /// What stands between input and answer of a decoder-only model is no part of the answer.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let ids = match ids.split_last() {
            Some((last, rest)) if self.stops.contains(last) => rest,
            _ => ids,
        };
        let kept: Vec<u32> = ids.iter().copied().filter(|id| !self.special.contains(id)).collect();
        let text = self.decode_all(&kept)?;
        match text.strip_prefix(BETWEEN) {
            Some(answer) if self.is_decoder_only() => Ok(answer.to_owned()),
            _ => Ok(text),
        }
    }

    /// The text of ids, special tokens included.
    pub fn decode_all(&self, ids: &[u32]) -> Result<String> {
        if self.of_bytes.is_some() {
            return Ok(bytes::decode(ids.iter().filter_map(|id| self.token(*id))));
        }
        self.inner.decode(ids, false).map_err(|error| Error::format("ids", error))
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

    /// Of a ByT5 its number of sentinels, which is all that its files say.
    pub fn sentinels_of_bytes(&self) -> Option<u32> {
        self.of_bytes
    }

    /// The bytes of the `spiece.model` that it comes from.
    pub fn sentencepiece(&self) -> Option<&[u8]> {
        self.own.as_ref().map(|own| own.file.as_slice())
    }

    /// The sentinels that follow the pieces of its `spiece.model`.
    pub fn sentinels_behind(&self) -> u32 {
        self.own.as_ref().map_or(0, |own| own.sentinels.0)
    }

    pub fn to_json(&self) -> Result<String> {
        self.inner.to_string(false).map_err(|error| Error::format("tokenizer", error))
    }
}

/// Whether a token is one that stands for a span of text (`<extra_id_0>`).
pub fn is_sentinel(token: &str) -> bool {
    token.trim_start_matches('\u{2581}').starts_with("<extra_id_")
}

/// The tokens that the tokenizer marks as special, and these; sentinels (`<extra_id_0>`) are part of what is said.
fn special(inner: &tokenizers::Tokenizer, more: &[u32]) -> BTreeSet<u32> {
    let added = inner.get_added_tokens_decoder();
    let marked = added.into_iter().filter(|(_, token)| token.special && !is_sentinel(&token.content));
    let marked = marked.map(|(id, _)| id);
    marked.chain(more.iter().copied()).collect()
}

/// Without its own truncation and padding.
fn plain(mut inner: tokenizers::Tokenizer) -> Result<tokenizers::Tokenizer> {
    inner.with_padding(None);
    inner.with_truncation(None).map_err(|error| Error::format("tokenizer", error))?;
    Ok(inner)
}
