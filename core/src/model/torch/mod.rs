//! `pytorch_model.bin` and `adapter_model.bin`: what `torch.save` writes. A zip archive, nothing in it packed, with a pickle
//! that describes the tensors and a file for the numbers of each storage. A pickle is a program; of it only what makes tensors
//! is known here, and anything else is an error that names it. No code is ever run.

use std::collections::BTreeMap;

use super::place::Place;
use super::read_at::{ReadAt, piece};
use crate::error::{Error, Result};

mod pickle;
mod zip;

/// What a zip archive begins with.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// What a pickle begins with, without an archive around it: an older form of the same files.
const BARE: u8 = 0x80;

/// Whether a file is one of these, by its first bytes.
pub fn is_one(start: &[u8]) -> bool {
    start.starts_with(ARCHIVE) || start.first() == Some(&BARE)
}

/// The tensors of a file, by their names there.
///
/// # Errors
/// A pickle that asks for anything but tensors, tensors whose numbers are not side by side or not in the file, the older
/// form without an archive.
pub fn tensors(file: &str, bytes: &impl ReadAt) -> Result<BTreeMap<String, Place>> {
    if piece(file, bytes, 0, 1)?.first() == Some(&BARE) {
        return Err(bare(file, bytes));
    }
    let entries = zip::entries(file, bytes)?;
    let pickles: Vec<&String> = entries.keys().filter(|name| name.ends_with("/data.pkl")).collect();
    let [name] = pickles[..] else {
        let problem =
            format!("it is a zip archive, but not of torch.save: {} files data.pkl in it", pickles.len());
        return Err(Error::format(file, problem));
    };
    let folder = name.trim_end_matches("data.pkl");
    if let Some((from, size)) = entries.get(&format!("{folder}byteorder"))
        && piece(file, bytes, *from, (*size).min(8))? != b"little"
    {
        return Err(Error::format(file, "its numbers are not in little-endian order"));
    }
    let (from, size) = entries[name];
    let described = pickle::read(file, &piece(file, bytes, from, size)?)?;
    let place = |(name, tensor): (String, pickle::Tensor)| {
        let wrong = |problem: &str| Error::format(file, format!("tensor `{name}`: {problem}"));
        let storage = entries.get(&format!("{folder}data/{}", tensor.storage.key));
        let (from, size) = *storage.ok_or_else(|| wrong("its numbers are not in the archive"))?;
        if !tensor.is_side_by_side() {
            return Err(wrong("its numbers do not stand side by side; save it with .contiguous()"));
        }
        let width = tensor.storage.dtype.bitsize() as u64 / 8;
        let sizes = tensor.shape.iter().try_fold(1u64, |count, size| count.checked_mul(*size as u64));
        let begin = tensor.offset.checked_mul(width);
        let length = sizes.and_then(|count| count.checked_mul(width));
        let end = begin.zip(length).and_then(|(begin, length)| begin.checked_add(length));
        match (begin, length, end) {
            (Some(begin), Some(length), Some(end)) if end <= size => {
                let shape = tensor.shape.clone();
                let place = Place::plain(tensor.storage.dtype, shape, from + begin, length as usize);
                Ok((name, place))
            }
            _ => Err(wrong("it is larger than the numbers that are there")),
        }
    };
    described.into_iter().map(place).collect()
}

/// Of the older form, too, the error names code that it asks for.
fn bare(file: &str, bytes: &impl ReadAt) -> Error {
    let whole = match piece(file, bytes, 0, bytes.size()) {
        Ok(whole) => whole,
        Err(error) => return error,
    };
    // A number that marks the form, its version, facts about the machine, and then the tensors.
    let mut rest = whole.as_slice();
    for _ in 0..4 {
        match pickle::skip(file, rest) {
            Ok(after) => rest = after,
            Err(error) => return error,
        }
    }
    Error::format(
        file,
        "it is a pickle without an archive (PyTorch before 1.6); load it there and save it again",
    )
}

#[cfg(test)]
mod tests;
