//! Bytes that are read in pieces, so that a file larger than the memory that is left can be looked at.

use std::io;

use crate::error::{Error, Result};

/// Bytes that are read in pieces: a file's in memory, or those of one on a disk.
pub trait ReadAt {
    fn size(&self) -> u64;

    /// Fills `into` with what stands at `from`.
    fn read_at(&self, from: u64, into: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(from, into)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        let piece = usize::try_from(from).ok().and_then(|from| self.get(from..)?.get(..into.len()));
        into.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl<R: ReadAt + ?Sized> ReadAt for Box<R> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        (**self).read_at(from, into)
    }
}

/// So many bytes from a place.
///
/// # Errors
/// A piece that is not all in the file.
pub(super) fn piece(file: &str, bytes: &impl ReadAt, from: u64, count: u64) -> Result<Vec<u8>> {
    let end = from.checked_add(count).filter(|end| *end <= bytes.size());
    let (Some(_), Ok(count)) = (end, usize::try_from(count)) else {
        return Err(Error::format(file, "it is cut off or damaged"));
    };
    let mut piece = vec![0; count];
    bytes.read_at(from, &mut piece).map_err(|error| Error::format(file, error))?;
    Ok(piece)
}
