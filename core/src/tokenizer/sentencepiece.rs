//! `spiece.model` (SentencePiece, Kudo and Richardson, 2018) to a tokenizer: the file that the published T5 and
//! mT5 checkpoints come with. Only what a T5-style unigram model needs is read; anything else is an error.

use prost::Message;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::Precompiled;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::error::{Error, Result};

const FILE: &str = "spiece.model";
const EOS: &str = "</s>";

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

const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;

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

/// The tokenizer of a `spiece.model`, which appends `</s>`.
///
/// T5's `extra_ids` sentinels follow the pieces, `<extra_id_0>` last. A vocabulary that has sentinels of its
/// own (mT5 writes them `▁<extra_id_0>`) keeps those ids, under T5's names, and gets no others.
pub fn tokenizer(bytes: &[u8], extra_ids: usize) -> Result<Tokenizer> {
    let model = Model::decode(bytes).map_err(|error| Error::format(FILE, error))?;
    let (Some(trainer), Some(spec)) = (&model.trainer, &model.normalizer) else {
        return Err(Error::format(FILE, "the end is missing: no settings after the pieces"));
    };
    check(trainer, spec)?;
    let (vocabulary, special) = vocabulary(&model.pieces, extra_ids)?;
    let id = |name: &str| vocabulary.iter().position(|(piece, _)| piece == name);
    let eos = id(EOS).ok_or_else(|| Error::mismatch(FILE, "a piece `</s>`", "none"))?;
    let unknown = model.pieces.iter().position(|piece| piece.kind == UNKNOWN);
    let unknown = unknown.ok_or_else(|| Error::mismatch(FILE, "a piece for unknown text", "none"))?;
    let byte_fallback = trainer.byte_fallback.unwrap_or(false);

    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| Error::format(FILE, error);
    let mut tokenizer =
        Tokenizer::new(Unigram::from(vocabulary, Some(unknown), byte_fallback).map_err(wrong)?);
    if !spec.precompiled_charsmap.is_empty() {
        check_charsmap(&spec.precompiled_charsmap)?;
        let charsmap =
            Precompiled::from(&spec.precompiled_charsmap).map_err(|error| Error::format(FILE, error))?;
        tokenizer.with_normalizer(Some(charsmap));
    }
    let metaspace = Metaspace::new('▁', PrependScheme::Always, true);
    tokenizer.with_pre_tokenizer(Some(PreTokenizers::new(vec![
        PreTokenizerWrapper::WhitespaceSplit(WhitespaceSplit),
        PreTokenizerWrapper::Metaspace(metaspace.clone()),
    ])));
    let mut decoders = vec![DecoderWrapper::Metaspace(metaspace)];
    if byte_fallback {
        decoders.push(DecoderWrapper::ByteFallback(ByteFallback::default()));
    }
    tokenizer.with_decoder(Some(Decoders::new(decoders)));
    tokenizer.with_post_processor(Some(append_eos(eos)?));
    tokenizer.add_special_tokens(&special);
    Ok(tokenizer)
}

/// Settings under which SentencePiece splits text as the tokenizer built here does.
fn check(trainer: &TrainerSpec, spec: &NormalizerSpec) -> Result<()> {
    let expect = |what: &str, holds: bool| {
        if holds { Ok(()) } else { Err(Error::mismatch(FILE, what, "another setting")) }
    };
    expect("a unigram model", trainer.model_type.unwrap_or(UNIGRAM) == UNIGRAM)?;
    expect("spaces marked before words", !trainer.treat_whitespace_as_suffix.unwrap_or(false))?;
    expect("a space put before the text", spec.add_dummy_prefix.unwrap_or(true))?;
    expect("extra spaces removed", spec.remove_extra_whitespaces.unwrap_or(true))?;
    expect("spaces written as ▁", spec.escape_whitespaces.unwrap_or(true))
}

/// Pieces with their scores, in the order of their ids.
type Vocabulary = Vec<(String, f64)>;

/// The vocabulary, sentinels included, and the tokens that text is split at before anything else.
fn vocabulary(pieces: &[Piece], extra_ids: usize) -> Result<(Vocabulary, Vec<AddedToken>)> {
    let mut vocabulary = Vec::with_capacity(pieces.len() + extra_ids);
    let mut special = Vec::new();
    let mut own_sentinels = false;
    for piece in pieces {
        if piece.piece.is_empty() || !piece.score.is_finite() {
            let found = format!("`{}` with score {}", piece.piece, piece.score);
            return Err(Error::mismatch(
                format!("{FILE}, piece {}", vocabulary.len()),
                "text with a score",
                found,
            ));
        }
        let name = match sentinel(&piece.piece) {
            Some(name) => {
                own_sentinels = true;
                special.push(AddedToken::from(name, true));
                name
            }
            None => &piece.piece,
        };
        if matches!(piece.kind, CONTROL | UNKNOWN) {
            special.push(AddedToken::from(name, true));
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
    let name = piece.strip_prefix('▁').unwrap_or(piece);
    let number = name.strip_prefix("<extra_id_")?.strip_suffix('>')?;
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

/// Refuses a table of character rules that leads out of itself.
///
/// The table is a double-array trie (`u32` size in bytes, units of `u32`) followed by replacement texts, each
/// ended by a zero byte. The crate that walks it indexes without asking, so a damaged file would end the
/// program: every jump must stay among the units, and every leaf must point at the start of a character.
fn check_charsmap(table: &[u8]) -> Result<()> {
    let damaged = || Error::format(FILE, "the table of character rules is damaged");
    let (size, rest) = table.split_first_chunk::<4>().ok_or_else(damaged)?;
    let size = u32::from_le_bytes(*size) as usize;
    let (units, texts) = rest.split_at_checked(size).ok_or_else(damaged)?;
    let texts = std::str::from_utf8(texts).map_err(|_| damaged())?;
    let (units, odd) = units.as_chunks::<4>();
    let units: Vec<usize> = units.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    // Children of a node lie in one block of 256 units, so a block that exists holds all of them.
    if units.is_empty() || !units.len().is_multiple_of(256) || !odd.is_empty() {
        return Err(damaged());
    }
    for (at, unit) in units.iter().enumerate() {
        let is_value = unit >> 31 == 1;
        let offset = (unit >> 10) << ((unit & (1 << 9)) >> 6);
        let has_leaf = (unit >> 8) & 1 == 1;
        // Values are never followed as nodes; the root is, whatever it holds.
        if is_value && at != 0 {
            continue;
        }
        let child = units.get(at ^ offset).ok_or_else(damaged)?;
        if has_leaf && !texts.is_char_boundary(child & ((1 << 31) - 1)) {
            return Err(damaged());
        }
    }
    Ok(())
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
        if let Ok(tokenizer) = tokenizer(bytes, 3) {
            let _ = tokenizer.encode("ＡＢ the dog, <extra_id_0> é ½", true);
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
