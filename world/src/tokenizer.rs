//! The tokenizer of the bundled model: a Unigram model over the words of the world, laid out as T5's. Its scores are
//! the words' log frequencies in pretraining text. It is counted here rather than learned by the library's trainer,
//! whose result depends on the order of hash maps; this one is the same every time. Text of other worlds falls back
//! to single characters.

use std::collections::BTreeMap;

use promot_core::data::Split;
use promot_core::error::{Error, Result};
use promot_core::rng::Streams;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{NormalizerWrapper, Replace, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::documents::{Document, document};
use crate::facts::TOWNS;
use crate::lexicon::{ADJECTIVES, NAMES, NOUNS};
use crate::rows::{DATA_SETS, rows};
use crate::split::SEED;
use crate::spoken::{RESERVED_WORDS, SPOKEN_WORDS};
use crate::text::capital;

/// Sentinels of span corruption: more than any document has spans.
pub const SENTINELS: usize = 32;

/// Documents that are counted: enough that every word of the world occurs.
const DOCUMENTS: usize = 8_000;

/// Words of templates and formats, which must be single tokens whether pretraining shows them or not.
const TEMPLATE_WORDS: &[&str] = &[
    "question:",
    "answer:",
    "summary:",
    "Q:",
    "A:",
    "Article:",
    "One",
    "sentence",
    "Translate",
    "English",
    "French:",
    "German:",
    "Romanian:",
    "French",
    "German",
    "Romanian",
    "to",
    "Is",
    "it",
    "true",
    "false",
    "or",
    "neither",
    "True",
    "False",
    "Neither",
    "A",
    "B",
    "C",
    "D",
    "A)",
    "B)",
    "C)",
    "D)",
];

/// Trains the tokenizer: `<pad>` 0, `</s>` 1, `<unk>` 2, words, characters, `<extra_id_31>` to `<extra_id_0>`.
pub fn train() -> Result<Tokenizer> {
    let pieces = pieces()?;
    let total: f64 = pieces.values().map(|count| *count as f64).sum();
    let mut by_count: Vec<(String, u64)> = pieces.into_iter().collect();
    by_count.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
    let mut vocabulary: Vec<(String, f64)> =
        ["<pad>", "</s>", "<unk>"].map(|token| (token.to_owned(), 0.0)).to_vec();
    vocabulary.extend(by_count.into_iter().map(|(piece, count)| (piece, (count as f64 / total).ln())));
    let sentinels: Vec<String> = (0..SENTINELS).rev().map(|index| format!("<extra_id_{index}>")).collect();
    vocabulary.extend(sentinels.iter().map(|token| (token.clone(), 0.0)));
    build(vocabulary, &sentinels).map_err(|error| Error::format("the world's tokenizer", error))
}

fn build(vocabulary: Vec<(String, f64)>, sentinels: &[String]) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::new(Unigram::from(vocabulary, Some(2), false)?);
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".to_owned()), " ")?;
    let normalizers = vec![NormalizerWrapper::from(spaces), NormalizerWrapper::from(Strip::new(true, true))];
    let metaspace = Metaspace::new('▁', PrependScheme::Always, true);
    let end = TemplateProcessing::builder()
        .try_single("$A </s>")?
        .try_pair("$A </s> $B </s>")?
        .special_tokens(vec![("</s>", 1)])
        .build()?;
    tokenizer.with_normalizer(Some(Sequence::new(normalizers)));
    tokenizer.with_pre_tokenizer(Some(metaspace.clone()));
    tokenizer.with_decoder(Some(metaspace));
    tokenizer.with_post_processor(Some(end));
    let special = ["<pad>", "</s>", "<unk>"].map(str::to_owned);
    let tokens: Vec<AddedToken> =
        special.iter().chain(sentinels).map(|token| AddedToken::from(token.clone(), true)).collect();
    tokenizer.add_special_tokens(&tokens);
    Ok(tokenizer)
}

/// Words that have to be known in both cases.
fn twin_words() -> Vec<String> {
    let fixed = SPOKEN_WORDS.iter().chain(&RESERVED_WORDS).chain(NAMES).copied();
    let known = NOUNS.iter().map(|noun| noun.en).chain(ADJECTIVES.iter().map(|adjective| adjective.en));
    fixed.chain(known).map(str::to_owned).chain(TOWNS.iter().cloned()).collect()
}

/// Every piece with its count.
fn pieces() -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    let rng = &mut Streams::new(SEED).stream("tokenizer");
    for _ in 0..DOCUMENTS {
        match document(rng) {
            Document::Text(text) => count(&text, &mut counts),
            Document::Pair { input, target } => {
                count(&input, &mut counts);
                count(&target, &mut counts);
            }
        }
    }
    // The words of the evaluation too: a rare word may be missing from the sample.
    for name in DATA_SETS {
        for row in rows(name, Split::Test, 0)? {
            let fields = row.0.iter().filter(|(name, _)| *name != "label");
            fields.filter_map(|(_, value)| value.as_str()).for_each(|text| count(text, &mut counts));
        }
    }
    for word in twin_words() {
        count(&word, &mut counts);
        count(&capital(&word), &mut counts);
    }
    for word in TEMPLATE_WORDS {
        count(word, &mut counts);
    }
    let accents = "àâäçèéêîôöùûüßășțÄÖÜÎȘȚ";
    for letter in (33..127_u8).map(char::from).chain(accents.chars()).chain(['▁']) {
        // Rarer than any word, so that a word is never spelled where it is known.
        counts.entry(letter.to_string()).or_insert(0);
    }
    let least = counts.values_mut().filter(|count| **count == 0);
    least.for_each(|count| *count = 1);
    Ok(counts)
}

/// Adds the pieces of a text: words with the space before them, punctuation, and what follows an apostrophe.
fn count(text: &str, counts: &mut BTreeMap<String, u64>) {
    for word in text.split_whitespace() {
        let mut add = |piece: String| *counts.entry(piece).or_insert(0) += 1;
        if TEMPLATE_WORDS.contains(&word) {
            add(format!("▁{word}"));
            continue;
        }
        let stem = word.trim_end_matches(|letter: char| letter.is_ascii_punctuation());
        word[stem.len()..].chars().for_each(|mark| add(mark.to_string()));
        match stem.split_once('\'') {
            Some((elided, rest)) => {
                add(format!("▁{elided}'"));
                add(rest.to_owned());
            }
            None => add(format!("▁{stem}")),
        }
    }
}
