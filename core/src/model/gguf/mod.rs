//! GGUF, the files of llama.cpp: weights, often quantised, with the model's sizes and its tokenizer in the same file. A file
//! is read as the folder in Hugging Face layout that it stands for; its weights become f32.

use std::collections::BTreeMap;

use safetensors::Dtype;

use self::header::{Header, Kind, Listed, MAGIC};
use self::said::Said;
use super::place::{Encoding, Place};
use super::read_at::{ReadAt, piece};
use crate::error::{Error, Result};

mod config;
mod header;
mod said;
mod tokenizer;

/// Whether a file is one of these, by its first bytes.
pub fn is_one(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// What stands in such a file beside the weights, as the files of a folder in Hugging Face layout.
#[derive(Clone, Debug)]
pub struct Described {
    pub config: Vec<u8>,
    /// `tokenizer.json`; nothing where the caller has one.
    pub tokenizer: Option<Vec<u8>>,
    /// Other small files, by name.
    pub side: BTreeMap<String, Vec<u8>>,
}

/// Reads what a file says of its model; of its tokenizer only where that is `wanted`.
///
/// # Errors
/// An architecture or a tokenizer that is not known here, a field that is missing.
pub fn describe(file: &str, bytes: &impl ReadAt, wanted: bool) -> Result<Described> {
    let header = Header::read(file, bytes)?;
    let said = Said { file, header: &header };
    let config = config::config(&said, frequencies(file, &header, bytes)?)?;
    let tokenizer = wanted.then(|| tokenizer::tokenizer(&said)).transpose()?;
    let mut side = BTreeMap::from([("tokenizer_config.json".to_owned(), tokenizer::config(&said)?)]);
    if let Some(template) = said.text("tokenizer.chat_template")? {
        side.insert("chat_template.jinja".into(), template.as_bytes().to_vec());
    }
    Ok(Described { config, tokenizer, side })
}

/// The tensors of a file, under the names that they have in a folder.
///
/// # Errors
/// A tensor that is not all in the file, or whose type of number is not known here.
pub fn tensors(file: &str, bytes: &impl ReadAt) -> Result<BTreeMap<String, Place>> {
    let header = Header::read(file, bytes)?;
    let said = Said { file, header: &header };
    let heads = config::Heads::of(&said)?;
    let place = |listed: &Listed| {
        let encoding = encoding(file, listed)?;
        let wrong = |problem: &str| Error::format(file, format!("tensor `{}`: {problem}", listed.name));
        let count = listed.shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        let size = count.and_then(|count| match encoding {
            Encoding::Plain(dtype) => count.checked_mul(dtype.bitsize() / 8),
            Encoding::Blocks(blocks) => {
                let whole = listed.shape.last().is_some_and(|row| row.is_multiple_of(blocks.count()));
                whole.then(|| count / blocks.count() * blocks.bytes())
            }
        });
        let size = size.ok_or_else(|| wrong("its rows are not whole blocks"))?;
        let end = listed.from.checked_add(size as u64);
        if end.is_none_or(|end| end > bytes.size()) {
            return Err(wrong("it is cut off"));
        }
        let name = config::name(&listed.name);
        let paired_heads = heads.paired(&listed.name);
        let whole = |rows: &usize| rows.is_multiple_of(paired_heads.saturating_mul(2));
        if paired_heads > 0 && !listed.shape.first().is_some_and(whole) {
            return Err(wrong("its rows are not those of whole heads"));
        }
        let (shape, from) = (listed.shape.clone(), listed.from);
        Ok((name, Place { encoding, shape, from, bytes: size, paired_heads }))
    };
    let left_out = |listed: &&Listed| listed.name != config::FREQUENCIES;
    header.tensors.iter().filter(left_out).map(place).collect()
}

fn encoding(file: &str, listed: &Listed) -> Result<Encoding> {
    Ok(match listed.kind {
        Kind::F32 => Encoding::Plain(Dtype::F32),
        Kind::F16 => Encoding::Plain(Dtype::F16),
        Kind::BF16 => Encoding::Plain(Dtype::BF16),
        Kind::Blocks(blocks) => Encoding::Blocks(blocks),
        Kind::Other(number) => {
            let what = format!("type of `{}` in {file}", listed.name);
            let expected = "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 or Q2_K to Q6_K";
            return Err(Error::mismatch(what, expected, format!("ggml type {number}")));
        }
    })
}

/// The numbers of the one tensor that is no weight, where there is one.
fn frequencies(file: &str, header: &Header, bytes: &impl ReadAt) -> Result<Option<Vec<f32>>> {
    let Some(listed) = header.tensors.iter().find(|listed| listed.name == config::FREQUENCIES) else {
        return Ok(None);
    };
    let count = listed.shape.iter().fold(1usize, |count, size| count.saturating_mul(*size));
    let data = piece(file, bytes, listed.from, count.saturating_mul(4) as u64)?;
    let place = Place::plain(Dtype::F32, vec![count], listed.from, data.len());
    Ok(Some(place.read(&data, &listed.name, file)?.values))
}
