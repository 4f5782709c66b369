//! Packed bytes, never more of them than their packer said or a limit allows: a few bytes can stand for gigabytes.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;

use crate::error::{Error, Result};

const GZIP: &[u8] = b"\x1f\x8b";

/// A zstd window that any packer at its usual settings stays below, in bytes.
const USUAL_WINDOW: usize = 8 << 20;

/// Most bytes that a file of so many may stand for: text shrinks to a tenth, a column of one word to far less.
pub fn most_bytes(packed: usize) -> usize {
    (64 << 20) + packed.saturating_mul(128)
}

/// The bytes of a file, which may be packed with gzip, whatever its name.
///
/// # Errors
/// Damaged bytes, and more of them than `most_bytes`.
pub fn unpacked<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if !bytes.starts_with(GZIP) {
        return Ok(Cow::Borrowed(bytes));
    }
    gunzip(bytes, most_bytes(bytes.len())).map(Cow::Owned).map_err(|problem| Error::format(file, problem))
}

fn gunzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(most as u64 + 1).read_to_end(&mut all);
    read.map_err(|error| format!("packed with gzip, but damaged: {error}"))?;
    if all.len() > most {
        return Err(format!("expected at most {most} bytes once unpacked, found more"));
    }
    Ok(all)
}

/// How a page of a Parquet file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Plain,
    Snappy,
    Gzip,
    Zstd,
}

impl Codec {
    /// The `size` bytes that a page stands for; the caller answers for `size`.
    ///
    /// # Errors
    /// Damaged bytes, or another number of them.
    pub fn unpack(self, bytes: &[u8], size: usize) -> Result<Cow<'_, [u8]>, String> {
        let damaged = |error: &dyn std::fmt::Display| format!("expected {self:?} data, found: {error}");
        let found = match self {
            Self::Plain => Cow::Borrowed(bytes),
            Self::Gzip => Cow::Owned(gunzip(bytes, size)?),
            Self::Snappy => {
                let length = snap::raw::decompress_len(bytes).map_err(|error| damaged(&error))?;
                check_size(size, length)?;
                Cow::Owned(snap::raw::Decoder::new().decompress_vec(bytes).map_err(|error| damaged(&error))?)
            }
            Self::Zstd => {
                let mut decoder = FrameDecoder::new();
                decoder.set_max_window_size(size.next_power_of_two().max(USUAL_WINDOW) as u64);
                let mut all = vec![0; size];
                let length = decoder.decode_all(bytes, &mut all).map_err(|error| damaged(&error))?;
                all.truncate(length);
                Cow::Owned(all)
            }
        };
        check_size(size, found.len())?;
        Ok(found)
    }
}

fn check_size(expected: usize, found: usize) -> Result<(), String> {
    let problem = || format!("expected a page of {expected} bytes once unpacked, found {found}");
    if expected == found { Ok(()) } else { Err(problem()) }
}
