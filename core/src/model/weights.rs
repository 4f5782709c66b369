//! Weight files that are read one tensor at a time, so that a model larger than half the memory can be loaded.

use std::collections::BTreeMap;
use std::io;

use safetensors::tensor::{Metadata, TensorInfo};
use sha2::{Digest, Sha256};

use super::host_tensor::{HostTensor, TensorSource, widen};
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

/// The tensors of one or several safetensors files, their headers read and checked, their data not.
pub struct WeightFiles<'a, R> {
    files: &'a [(String, R)],
    tensors: BTreeMap<String, Place>,
}

struct Place {
    file: usize,
    /// The data's offset in the file.
    from: u64,
    info: TensorInfo,
}

/// The bytes of a header's length.
const LENGTH: u64 = 8;

/// What is hashed at a time.
const CHUNK: u64 = 1 << 20;

impl<'a, R: ReadAt> WeightFiles<'a, R> {
    /// # Errors
    /// A header larger than the file, overlapping offsets, truncation, a tensor that is in two files.
    pub fn open(files: &'a [(String, R)]) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (number, (name, bytes)) in files.iter().enumerate() {
            let (data, header) = header(name, bytes)?;
            for (tensor, info) in header.tensors() {
                let place =
                    Place { file: number, from: data + info.data_offsets.0 as u64, info: info.clone() };
                if tensors.insert(tensor.clone(), place).is_some() {
                    return Err(Error::format(name, format!("tensor `{tensor}` is in another file, too")));
                }
            }
        }
        Ok(Self { files, tensors })
    }

    /// Leaves a tensor out.
    pub fn remove(&mut self, name: &str) {
        self.tensors.remove(name);
    }

    /// Gives tensors other names; those that get none are left out. Where two would get the same, both stay as they are.
    pub fn rename(&mut self, name: &dyn Fn(&str) -> Option<String>) {
        let mut renamed = BTreeMap::new();
        let old = std::mem::take(&mut self.tensors);
        let taken: Vec<String> = old.keys().filter_map(|old| name(old)).collect();
        for (old, place) in old {
            let Some(new) = name(&old) else { continue };
            let alone = taken.iter().filter(|other| **other == new).count() == 1;
            renamed.insert(if alone { new } else { old }, place);
        }
        self.tensors = renamed;
    }

    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// SHA-256 of all files, one after the other.
    pub fn sha256(&self) -> Result<[u8; 32]> {
        let mut hash = Sha256::new();
        let mut chunk = Vec::new();
        for (name, bytes) in self.files {
            for from in (0..bytes.size()).step_by(CHUNK as usize) {
                chunk.resize(CHUNK.min(bytes.size() - from) as usize, 0);
                bytes.read_at(from, &mut chunk).map_err(|error| Error::format(name, error))?;
                hash.update(&chunk);
            }
        }
        Ok(hash.finalize().into())
    }
}

impl<R: ReadAt> TensorSource for WeightFiles<'_, R> {
    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.info.shape.as_slice())
    }

    fn tensor(&self, name: &str) -> Result<HostTensor> {
        let Some(Place { file, from, info }) = self.tensors.get(name) else {
            return Err(Error::mismatch("weights", format!("a tensor `{name}`"), "none"));
        };
        let (file, bytes) = &self.files[*file];
        let mut data = vec![0; info.data_offsets.1 - info.data_offsets.0];
        bytes.read_at(*from, &mut data).map_err(|error| Error::format(file, error))?;
        Ok(HostTensor { shape: info.shape.clone(), values: widen(&data, info.dtype, name, file)? })
    }
}

/// A file's header, and where its data begin.
fn header(name: &str, bytes: &impl ReadAt) -> Result<(u64, Metadata)> {
    let size = bytes.size();
    let read = |from: u64, count: u64| -> Result<Vec<u8>> {
        let mut piece = vec![0; count as usize];
        bytes.read_at(from, &mut piece).map_err(|error| Error::format(name, error))?;
        Ok(piece)
    };
    if size < LENGTH {
        return Err(Error::format(
            name,
            format!("a header's length takes {LENGTH} bytes, the file has {size}"),
        ));
    }
    let mut length = [0; LENGTH as usize];
    length.copy_from_slice(&read(0, LENGTH)?);
    let length = u64::from_le_bytes(length);
    if length > size - LENGTH {
        let problem = format!("its header claims {length} bytes, the file has {size}");
        return Err(Error::format(name, problem));
    }
    let header: Metadata = serde_json::from_slice(&read(LENGTH, length)?)
        .map_err(|error| Error::format(name, format!("header: {error}")))?;
    let (data, found) = (header.data_len() as u64, size - LENGTH - length);
    if data != found {
        let problem = format!("its header names {data} bytes of data, the file has {found}");
        return Err(Error::format(name, problem));
    }
    Ok((LENGTH + length, header))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::tensors::{HostTensors, Precision, to_safetensors};
    use super::*;

    /// Notes the largest piece that was asked for.
    struct Watched {
        bytes: Vec<u8>,
        largest: Cell<usize>,
    }

    impl ReadAt for Watched {
        fn size(&self) -> u64 {
            self.bytes.size()
        }

        fn read_at(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
            self.largest.set(self.largest.get().max(into.len()));
            self.bytes.read_at(from, into)
        }
    }

    fn sample() -> HostTensors {
        let tensor = |value: f32| HostTensor { shape: vec![100, 3], values: vec![value; 300] };
        HostTensors::from([("a".to_owned(), tensor(1.5)), ("b".to_owned(), tensor(-2.0))])
    }

    fn file(precision: Precision) -> Vec<(String, Watched)> {
        let bytes = to_safetensors(&sample(), precision).unwrap();
        vec![("sample".to_owned(), Watched { bytes, largest: Cell::new(0) })]
    }

    #[test]
    fn tensors_are_read_one_at_a_time() {
        for (precision, width) in [(Precision::F32, 4), (Precision::F16, 2)] {
            let files = file(precision);
            let weights = WeightFiles::open(&files).unwrap();
            assert_eq!((weights.names(), weights.shape("b")), (vec!["a", "b"], Some(&[100, 3][..])));
            assert!(files[0].1.largest.get() < 300, "the header alone");
            for (name, tensor) in sample() {
                assert_eq!(weights.tensor(&name).unwrap(), tensor);
            }
            assert_eq!(files[0].1.largest.get(), 300 * width);
            let whole: [u8; 32] = Sha256::digest(&files[0].1.bytes).into();
            assert_eq!(weights.sha256().unwrap(), whole);
        }
    }

    #[test]
    fn a_tensor_in_two_files_is_named() {
        let files: Vec<_> = [Precision::F32, Precision::F16].into_iter().flat_map(file).collect();
        let error = WeightFiles::open(&files).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains("`a` is in another file") || error.contains("`b` is in another file"),
            "{error}"
        );
    }
}
