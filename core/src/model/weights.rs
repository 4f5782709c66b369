//! Weight files that are read one tensor at a time, so that a model larger than half the memory can be loaded.

use std::collections::BTreeMap;

use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};

use super::gguf;
use super::host_tensor::{HostTensor, TensorSource};
use super::place::Place;
pub use super::read_at::ReadAt;
use super::read_at::piece;
use super::torch;
use crate::content;
use crate::error::{Error, Result};

/// The tensors of one or several files, their headers read and checked, their data not: safetensors, GGUF, or
/// what `torch.save` writes.
pub struct WeightFiles<'a, R> {
    files: &'a [(String, R)],
    tensors: BTreeMap<String, InFile>,
}

struct InFile {
    file: usize,
    at: Place,
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
            for (tensor, at) in places(name, bytes)? {
                if tensors.insert(tensor.clone(), InFile { file: number, at }).is_some() {
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
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        for new in old.keys().filter_map(|old| name(old)) {
            *taken.entry(new).or_default() += 1;
        }
        for (old, place) in old {
            let Some(new) = name(&old) else { continue };
            let alone = taken.get(&new) == Some(&1);
            renamed.insert(if alone { new } else { old }, place);
        }
        self.tensors = renamed;
    }

    /// Whether two tensors that are there have the same shape and bits.
    pub fn same(&self, one: &str, other: &str) -> Result<bool> {
        if self.shape(one) != self.shape(other) {
            return Ok(false);
        }
        let bits = |name: &str| self.tensor(name).map(|tensor| tensor.values.into_iter().map(f32::to_bits));
        Ok(bits(one)?.eq(bits(other)?))
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
        self.tensors.get(name).map(|place| place.at.shape.as_slice())
    }

    fn tensor(&self, name: &str) -> Result<HostTensor> {
        let Some(InFile { file, at }) = self.tensors.get(name) else {
            return Err(Error::mismatch("weights", format!("a tensor `{name}`"), "none"));
        };
        let (file, bytes) = &self.files[*file];
        at.read(&piece(file, bytes, at.from, at.bytes as u64)?, name, file)
    }
}

/// A head that must have weights of its own, and has none under this name.
pub(super) fn no_head(name: &str) -> Error {
    let problem = format!("`{name}` is missing, and config.json says that it is not tied to the embedding");
    Error::Tensors { what: "the checkpoint".into(), problems: vec![problem] }
}

/// Where the tensors of a file stand.
fn places(file: &str, bytes: &impl ReadAt) -> Result<BTreeMap<String, Place>> {
    let size = bytes.size();
    if size < LENGTH {
        let problem = format!("it is empty or cut off: {size} bytes");
        return Err(Error::format(file, problem));
    }
    let start = piece(file, bytes, 0, size.min(content::ENOUGH as u64))?;
    if gguf::is_one(&start) {
        return gguf::tensors(file, bytes);
    }
    let mut length = [0; LENGTH as usize];
    length.copy_from_slice(&start[..LENGTH as usize]);
    let length = u64::from_le_bytes(length);
    // A header's length may begin with the byte that a pickle begins with.
    let has_header = length <= size - LENGTH && start.get(LENGTH as usize) == Some(&b'{');
    if !has_header && torch::is_one(&start) {
        return torch::tensors(file, bytes);
    }
    if !has_header {
        content::check(file, &start)?;
    }
    if start.iter().take(16).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        let text = String::from_utf8_lossy(&start);
        let text: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
        return Err(Error::format(file, format!("it is text, not safetensors, and begins with `{text}`")));
    }
    if length > size - LENGTH {
        let problem =
            format!("it is cut off or no safetensors: its header claims {length} bytes, the file has {size}");
        return Err(Error::format(file, problem));
    }
    let header: Metadata = serde_json::from_slice(&piece(file, bytes, LENGTH, length)?)
        .map_err(|error| Error::format(file, format!("header: {error}")))?;
    let (data, found) = (header.data_len() as u64, size - LENGTH - length);
    if data != found {
        let cut = if found < data { "it is cut off: " } else { "" };
        let problem = format!("{cut}its header names {data} bytes of data, the file has {found}");
        return Err(Error::format(file, problem));
    }
    let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (from, end) = info.data_offsets;
        (name, Place::plain(info.dtype, info.shape.clone(), LENGTH + length + from as u64, end - from))
    };
    Ok(header.tensors().into_iter().map(place).collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use std::io;

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
        let tensor = |value: f32| HostTensor { shape: vec![1000, 3], values: vec![value; 3000] };
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
            assert_eq!((weights.names(), weights.shape("b")), (vec!["a", "b"], Some(&[1000, 3][..])));
            assert!(files[0].1.largest.get() < 3000, "the header alone");
            for (name, tensor) in sample() {
                assert_eq!(weights.tensor(&name).unwrap(), tensor);
            }
            assert_eq!(files[0].1.largest.get(), 3000 * width);
            let whole: [u8; 32] = Sha256::digest(&files[0].1.bytes).into();
            assert_eq!(weights.sha256().unwrap(), whole);
        }
    }

    /// The length of the header is the file's first number, and may begin with any byte.
    #[test]
    fn no_length_of_a_header_is_taken_for_a_pickle() {
        // Up to 1,500 bytes: a pickle begins with 0x80 and its version, 2 to 5.
        for padding in 0..1400 {
            let name = "a".repeat(padding + 1);
            let tensors =
                HostTensors::from([(name.clone(), HostTensor { shape: vec![1], values: vec![1.0] })]);
            let files = [("sample".to_owned(), to_safetensors(&tensors, Precision::F32).unwrap())];
            assert_eq!(WeightFiles::open(&files).unwrap().names(), [name.as_str()]);
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
