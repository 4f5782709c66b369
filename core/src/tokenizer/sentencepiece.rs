//! `spiece.model` (SentencePiece, Kudo and Richardson, 2018): the file that the published T5 and mT5 checkpoints come with.
//! Only what a T5-style unigram model needs is read; anything else is an error. Text becomes ids as SentencePiece itself
//! does it; a `tokenizer.json` of the same vocabulary, for others to read, comes as close as that format allows.

use std::collections::BTreeSet;

use prost::Message;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::models::unigram;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{NormalizerWrapper, Precompiled, Sequence as Normalizers};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::normalizer::{MARK, Normalizer, Rules};
use super::unigram::{Kind, Unigram};
use crate::content;
use crate::error::{Error, Result};

const FILE: &str = "spiece.model";
const EOS: &str = "</s>";

/// What the name of a sentinel begins with.
const SENTINEL: &str = "<extra_id_";

// Field numbers and defaults are those of sentencepiece_model.proto; `type` and `model_type` are enums there.

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<TrainerSpec>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<NormalizerSpec>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, tag = "1")]
    piece: String,
    /// Natural logarithm of the piece's probability.
    #[prost(float, tag = "2")]
    score: f32,
    #[prost(int32, tag = "3", default = "1")]
    kind: i32,
}

const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const BYTE: i32 = 6;

#[derive(Clone, PartialEq, Message)]
struct TrainerSpec {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(bool, optional, tag = "24")]
    treat_whitespace_as_suffix: Option<bool>,
    #[prost(bool, optional, tag = "35")]
    byte_fallback: Option<bool>,
}

const UNIGRAM: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct NormalizerSpec {
    #[prost(bytes = "vec", tag = "2")]
    precompiled_charsmap: Vec<u8>,
    #[prost(bool, optional, tag = "3")]
    add_dummy_prefix: Option<bool>,
    #[prost(bool, optional, tag = "4")]
    remove_extra_whitespaces: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    escape_whitespaces: Option<bool>,
}

/// What a `spiece.model` gives.
#[derive(Clone, Debug)]
pub struct SentencePiece {
    normalizer: Normalizer,
    unigram: Unigram,
    /// How many sentinels follow the pieces, and the id of `<extra_id_0>`, the last of them.
    pub sentinels: (u32, u32),
    /// The file's bytes.
    pub file: Vec<u8>,
}

impl SentencePiece {
    /// Ids of a text, without an end.
    ///
    /// Sentinels that the vocabulary has itself are pieces like others. Those that follow it are cut out first; what stands
    /// right behind one goes on without a space.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let (mut ids, mut rest, mut is_first) = (Vec::new(), text, true);
        while let Some((before, sentinel, after)) = self.next_sentinel(rest) {
            ids.extend(self.encode_part(before, is_first));
            ids.push(sentinel);
            (rest, is_first) = (after, false);
        }
        ids.extend(self.encode_part(rest, is_first));
        ids
    }

    fn encode_part(&self, text: &str, is_first: bool) -> Vec<u32> {
        self.unigram.encode(&self.normalizer.normalize(text, is_first || text.starts_with(' ')))
    }

    fn next_sentinel<'t>(&self, text: &'t str) -> Option<(&'t str, u32, &'t str)> {
        let (count, first) = self.sentinels;
        if count == 0 {
            return None;
        }
        text.match_indices(SENTINEL).find_map(|(at, _)| {
            let rest = &text[at + SENTINEL.len()..];
            let digits = rest.bytes().take(9).take_while(u8::is_ascii_digit).count();
            let number = rest[..digits].parse::<u32>().ok().filter(|number| *number < count)?;
            Some((&text[..at], first - number, rest[digits..].strip_prefix('>')?))
        })
    }
}

/// The encoder of a `spiece.model`, and a tokenizer of the same vocabulary, which appends `</s>`.
///
/// T5's `extra_ids` sentinels follow the pieces, `<extra_id_0>` last. A vocabulary that has sentinels of its
/// own (mT5 writes them `▁<extra_id_0>`) keeps those ids, under T5's names in the tokenizer, and gets no others.
pub fn read(bytes: &[u8], extra_ids: usize) -> Result<(SentencePiece, Tokenizer)> {
    content::check(FILE, bytes)?;
    let model = Model::decode(bytes).map_err(|error| Error::format(FILE, error))?;
    let (Some(trainer), Some(spec)) = (&model.trainer, &model.normalizer) else {
        return Err(Error::format(FILE, "the end is missing: no settings after the pieces"));
    };
    check(trainer, spec)?;
    let (vocabulary, special) = vocabulary(&model.pieces, extra_ids)?;
    let of_kind = |kind: i32| model.pieces.iter().position(|piece| piece.kind == kind);
    let eos = model.pieces.iter().position(|piece| piece.piece == EOS);
    let eos = eos.ok_or_else(|| Error::mismatch(FILE, "a piece `</s>`", "none"))?;
    let unknown =
        of_kind(UNKNOWN).ok_or_else(|| Error::mismatch(FILE, "a piece for unknown text", "none"))?;
    let byte_fallback = trainer.byte_fallback.unwrap_or(false);
    let normalizer = normalizer(&model.pieces, spec)?;
    let last = vocabulary.len().saturating_sub(1);
    let own = SentencePiece {
        unigram: unigram(&model.pieces, unknown, byte_fallback)?,
        sentinels: ((vocabulary.len() - model.pieces.len()) as u32, last as u32),
        file: bytes.to_vec(),
        normalizer,
    };

    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| Error::format(FILE, error);
    let mut tokenizer =
        Tokenizer::new(unigram::Unigram::from(vocabulary, Some(unknown), byte_fallback).map_err(wrong)?);
    tokenizer.with_normalizer(as_json(spec)?);
    let scheme = if own.normalizer.dummy_prefix { PrependScheme::First } else { PrependScheme::Never };
    let metaspace = Metaspace::new(MARK, scheme, true);
    tokenizer.with_pre_tokenizer(Some(metaspace.clone()));
    let mut decoders = vec![DecoderWrapper::Metaspace(metaspace)];
    if byte_fallback {
        decoders.extend([
            DecoderWrapper::ByteFallback(ByteFallback::default()),
            DecoderWrapper::Fuse(Fuse::default()),
        ]);
    }
    tokenizer.with_decoder(Some(Decoders::new(decoders)));
    tokenizer.with_post_processor(Some(append_eos(eos)?));
    let (special, plain): (Vec<_>, Vec<_>) = special.into_iter().partition(|token| token.special);
    tokenizer.add_special_tokens(&special);
    tokenizer.add_tokens(&plain);
    Ok((own, tokenizer))
}

fn normalizer(pieces: &[Piece], spec: &NormalizerSpec) -> Result<Normalizer> {
    let kept = pieces.iter().filter(|piece| piece.kind == USER_DEFINED).map(|piece| piece.piece.clone());
    let mut kept: Vec<String> = kept.collect();
    kept.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let rules = &spec.precompiled_charsmap;
    Ok(Normalizer {
        rules: if rules.is_empty() { None } else { Some(Rules::new(FILE, rules)?) },
        dummy_prefix: spec.add_dummy_prefix.unwrap_or(true),
        remove_extra_spaces: spec.remove_extra_whitespaces.unwrap_or(true),
        kept,
    })
}

fn unigram(pieces: &[Piece], unknown: usize, byte_fallback: bool) -> Result<Unigram> {
    let id = |name: &str| pieces.iter().position(|piece| piece.kind == BYTE && piece.piece == name);
    let bytes = (0..=255).map(|byte| {
        let name = format!("<0x{byte:02X}>");
        let id = id(&name).ok_or_else(|| Error::mismatch(FILE, format!("a piece `{name}`"), "none"))?;
        Ok(id as u32)
    });
    let bytes = if byte_fallback { Some(bytes.collect::<Result<_>>()?) } else { None };
    let cut = pieces.iter().enumerate().filter_map(|(id, piece)| {
        let kind = match piece.kind {
            NORMAL => Kind::Normal,
            USER_DEFINED => Kind::UserDefined,
            _ => return None,
        };
        Some((piece.piece.clone(), kind, piece.score, id as u32))
    });
    Ok(Unigram::new(cut.collect(), unknown as u32, bytes))
}

/// The normalisation in the terms of `tokenizer.json`.
fn as_json(spec: &NormalizerSpec) -> Result<Option<Normalizers>> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| Error::format(FILE, error);
    let mut parts = Vec::new();
    if !spec.precompiled_charsmap.is_empty() {
        let rules =
            Precompiled::from(&spec.precompiled_charsmap).map_err(|error| Error::format(FILE, error))?;
        parts.push(NormalizerWrapper::Precompiled(rules));
    }
    if spec.remove_extra_whitespaces.unwrap_or(true) {
        for (pattern, new) in [(" {2,}", " "), (" +$", "")] {
            let pattern = ReplacePattern::Regex(pattern.to_owned());
            parts.push(NormalizerWrapper::Replace(Replace::new(pattern, new).map_err(wrong)?));
        }
    }
    Ok(if parts.is_empty() { None } else { Some(Normalizers::new(parts)) })
}

/// Settings under which SentencePiece splits text as it is done here.
fn check(trainer: &TrainerSpec, spec: &NormalizerSpec) -> Result<()> {
    let expect = |what: &str, holds: bool| {
        if holds { Ok(()) } else { Err(Error::mismatch(FILE, what, "another setting")) }
    };
    expect("a unigram model", trainer.model_type.unwrap_or(UNIGRAM) == UNIGRAM)?;
    expect("spaces marked before words", !trainer.treat_whitespace_as_suffix.unwrap_or(false))?;
    expect("spaces written as ▁", spec.escape_whitespaces.unwrap_or(true))
}

/// Pieces with their scores, in the order of their ids.
type Vocabulary = Vec<(String, f64)>;

/// The vocabulary, sentinels included, and the tokens that text is split at before anything else.
fn vocabulary(pieces: &[Piece], extra_ids: usize) -> Result<(Vocabulary, Vec<AddedToken>)> {
    let mut vocabulary = Vec::with_capacity(pieces.len() + extra_ids);
    let (mut special, mut own_sentinels, mut seen) = (Vec::new(), false, BTreeSet::new());
    for piece in pieces {
        let place = || format!("{FILE}, piece {}", vocabulary.len());
        if piece.piece.is_empty() || !piece.score.is_finite() {
            let found = format!("`{}` with score {}", piece.piece, piece.score);
            return Err(Error::mismatch(place(), "text with a score", found));
        }
        if !seen.insert(piece.piece.as_str()) || !(NORMAL..=BYTE).contains(&piece.kind) {
            let found = format!("`{}` of kind {}", piece.piece, piece.kind);
            return Err(Error::mismatch(place(), "a piece of a known kind that stands only once", found));
        }
        let name = match sentinel(&piece.piece) {
            Some(name) => {
                own_sentinels = true;
                special.push(AddedToken::from(name, true));
                name
            }
            None => &piece.piece,
        };
        match piece.kind {
            CONTROL | UNKNOWN => special.push(AddedToken::from(name, true)),
            USER_DEFINED if name == piece.piece => {
                special.push(AddedToken::from(name, false).normalized(false));
            }
            _ => {}
        }
        vocabulary.push((name.to_owned(), f64::from(piece.score)));
    }
    if !own_sentinels {
        for n in (0..extra_ids).rev() {
            let name = format!("<extra_id_{n}>");
            special.push(AddedToken::from(name.as_str(), true));
            vocabulary.push((name, 0.0));
        }
    }
    Ok((vocabulary, special))
}

/// T5's name of a piece that is a sentinel.
fn sentinel(piece: &str) -> Option<&str> {
    let name = piece.strip_prefix(MARK).unwrap_or(piece);
    let number = name.strip_prefix(SENTINEL)?.strip_suffix('>')?;
    number.parse::<u32>().is_ok().then_some(name)
}

fn append_eos(eos: usize) -> Result<TemplateProcessing> {
    let eos = u32::try_from(eos).map_err(|error| Error::format(FILE, error))?;
    TemplateProcessing::builder()
        .try_single("$A </s>")
        .and_then(|builder| builder.try_pair("$A </s> $B </s>"))
        .map_err(|error| Error::format(FILE, error))?
        .special_tokens(vec![(EOS, eos)])
        .build()
        .map_err(|error| Error::format(FILE, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/tokenizer/mt5.model");

    /// Whatever is accepted must also work.
    fn try_out(bytes: &[u8]) {
        if let Ok((own, tokenizer)) = read(bytes, 3) {
            let text = "ＡＢ the dog, <extra_id_0> é ½ \u{3000}<extra_id_";
            let _ = own.encode(text);
            let _ = tokenizer.encode(text, true);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tokenizer_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
            try_out(&bytes);
        }

        #[test]
        fn a_damaged_file_is_a_tokenizer_or_an_error(
            damage in vec((any::<Index>(), any::<u8>()), 1..6),
            end in any::<Index>(),
            cut in any::<bool>(),
        ) {
            let mut bytes = GOLDEN.to_vec();
            for (at, byte) in damage {
                bytes[at.index(GOLDEN.len())] = byte;
            }
            if cut {
                bytes.truncate(end.index(GOLDEN.len()));
            }
            try_out(&bytes);
        }
    }
}
