//! The directory of a zip archive whose files are not packed, large ones (zip64) included.
//! Source: APPNOTE.TXT of PKWARE, sections 4.3 and 4.5.3.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::model::read_at::{ReadAt, piece};

/// Each file's offset and size in bytes.
pub type Entries = BTreeMap<String, (u64, u64)>;

const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

const END_SIZE: u64 = 22;
const LOCATOR_SIZE: u64 = 20;
const ENTRY_SIZE: usize = 46;
const LOCAL_SIZE: u64 = 30;

/// What a field of 32 bits holds where the number stands in the field of 64.
const IN_64: u64 = u32::MAX as u64;

pub fn entries(file: &str, bytes: &impl ReadAt) -> Result<Entries> {
    let broken = || Error::format(file, "its zip archive is cut off or damaged");
    let size = bytes.size();
    // A comment of at most 64 KiB may follow the end record.
    let from = size.saturating_sub(END_SIZE + u64::from(u16::MAX));
    let tail = piece(file, bytes, from, size - from)?;
    let at = tail.windows(END_SIZE as usize).rposition(|bytes| bytes.starts_with(END)).ok_or_else(broken)?;
    let (mut length, mut start) =
        number(&tail, at + 12, 4).zip(number(&tail, at + 16, 4)).ok_or_else(broken)?;
    if let Some(locator) = (from + at as u64).checked_sub(LOCATOR_SIZE) {
        let locator = piece(file, bytes, locator, LOCATOR_SIZE)?;
        if locator.starts_with(LOCATOR_64) {
            let end = piece(file, bytes, number(&locator, 8, 8).ok_or_else(broken)?, 56)?;
            if !end.starts_with(END_64) {
                return Err(broken());
            }
            (length, start) = number(&end, 40, 8).zip(number(&end, 48, 8)).ok_or_else(broken)?;
        }
    }
    let directory = piece(file, bytes, start, length)?;
    let mut rest = directory.as_slice();
    let mut entries = Entries::new();
    while !rest.is_empty() {
        let (name, method, local, size, after) = entry(rest).ok_or_else(broken)?;
        if method != 0 {
            return Err(Error::format(
                file,
                format!("`{name}` in its archive is packed; torch.save does not pack"),
            ));
        }
        let header = piece(file, bytes, local, LOCAL_SIZE)?;
        let lengths = number(&header, 26, 2).zip(number(&header, 28, 2));
        let (name_length, extra) = lengths.filter(|_| header.starts_with(LOCAL)).ok_or_else(broken)?;
        let data = local + LOCAL_SIZE + name_length + extra;
        if data.checked_add(size).is_none_or(|end| end > bytes.size()) {
            return Err(broken());
        }
        entries.insert(name, (data, size));
        rest = after;
    }
    Ok(entries)
}

/// Name, method, offset of the local header and size of the first entry, and what follows it.
fn entry(rest: &[u8]) -> Option<(String, u64, u64, u64, &[u8])> {
    let field = |at: usize, bytes: usize| number(rest, at, bytes);
    if !rest.starts_with(ENTRY) {
        return None;
    }
    let (name, extra, comment) = (field(28, 2)? as usize, field(30, 2)? as usize, field(32, 2)? as usize);
    let (packed, mut size, mut local) = (field(20, 4)?, field(24, 4)?, field(42, 4)?);
    let text = String::from_utf8_lossy(rest.get(ENTRY_SIZE..ENTRY_SIZE + name)?).into_owned();
    let mut extras = rest.get(ENTRY_SIZE + name..ENTRY_SIZE + name + extra)?;
    while extras.len() >= 4 {
        let length = number(extras, 2, 2)? as usize;
        let mut wide = extras.get(4..4 + length)?;
        if number(extras, 0, 2)? == 1 {
            // The fields that did not fit, in this order.
            let mut next = || {
                let value = number(wide, 0, 8)?;
                wide = &wide[8..];
                Some(value)
            };
            size = if size == IN_64 { next()? } else { size };
            if packed == IN_64 {
                next()?;
            }
            local = if local == IN_64 { next()? } else { local };
        }
        extras = &extras[4 + length..];
    }
    Some((text, field(10, 2)?, local, size, rest.get(ENTRY_SIZE + name + extra + comment..)?))
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
