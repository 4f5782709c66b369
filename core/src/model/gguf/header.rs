//! The beginning of a GGUF file: what it says of the model, and where its tensors stand.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::model::blocks::Blocks;
use crate::model::read_at::{ReadAt, piece};

/// What a file begins with.
pub const MAGIC: &[u8] = b"GGUF";

/// A value of a file's metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Whole(i64),
    Number(f64),
    Flag(bool),
    Text(String),
    Wholes(Vec<i64>),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// Metadata and list of tensors.
#[derive(Clone, Debug)]
pub struct Header {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: Vec<Listed>,
}

/// A tensor of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub name: String,
    /// Rows first.
    pub shape: Vec<usize>,
    pub kind: Kind,
    /// Of its first byte, from the start of the file.
    pub from: u64,
}

/// The type of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    BF16,
    Blocks(Blocks),
    /// One that is not known here.
    Other(u32),
}

impl Kind {
    fn of(number: u32) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            30 => Self::BF16,
            other => Blocks::of(other).map_or(Self::Other(other), Self::Blocks),
        }
    }
}

/// Dimensions of a tensor, at most.
const DIMENSIONS: u32 = 4;

impl Header {
    /// # Errors
    /// A file that is cut off, of another version or byte order, or whose counts cannot be.
    pub fn read(file: &str, bytes: &impl ReadAt) -> Result<Self> {
        let mut cursor = Cursor { file, bytes, at: MAGIC.len() as u64, buffer: Vec::new(), start: 0 };
        let version = cursor.u32()?;
        if !(2..=3).contains(&version) {
            let found =
                if version.swap_bytes() < 16 { "big-endian numbers".into() } else { version.to_string() };
            return Err(Error::mismatch(format!("version of {file}"), "2 or 3 (GGUF)", found));
        }
        let (tensors, values) = (cursor.count(24)?, cursor.count(13)?);
        let mut metadata = BTreeMap::new();
        for _ in 0..values {
            let key = cursor.text()?;
            let kind = cursor.u32()?;
            let value = cursor.value(kind)?;
            metadata.insert(key, value);
        }
        let mut list = Vec::new();
        for _ in 0..tensors {
            list.push(cursor.listed()?);
        }
        let alignment = match metadata.get("general.alignment") {
            Some(Value::Whole(alignment)) if *alignment > 0 => *alignment as u64,
            _ => 32,
        };
        let data = cursor.at.checked_next_multiple_of(alignment).ok_or_else(|| cursor.damaged())?;
        for tensor in &mut list {
            tensor.from = tensor.from.checked_add(data).ok_or_else(|| cursor.damaged())?;
        }
        Ok(Self { metadata, tensors: list })
    }
}

/// Reads on, a buffer at a time.
struct Cursor<'a, R> {
    file: &'a str,
    bytes: &'a R,
    at: u64,
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    start: u64,
}

/// Bytes that are read ahead.
const BUFFER: u64 = 1 << 16;

impl<R: ReadAt> Cursor<'_, R> {
    fn damaged(&self) -> Error {
        Error::format(self.file, "it is cut off or damaged")
    }

    fn take(&mut self, count: u64) -> Result<&[u8]> {
        let end = self.at.checked_add(count).ok_or_else(|| self.damaged())?;
        let buffered = self.start + self.buffer.len() as u64;
        if self.at < self.start || end > buffered {
            let left = self.bytes.size().saturating_sub(self.at);
            self.buffer = piece(self.file, self.bytes, self.at, count.max(BUFFER.min(left)))?;
            self.start = self.at;
        }
        let from = (self.at - self.start) as usize;
        self.at = end;
        Ok(&self.buffer[from..from + count as usize])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number of things of at least so many bytes each, which the rest of the file must have room for.
    fn count(&mut self, least: u64) -> Result<u64> {
        let count = self.u64()?;
        let room = self.bytes.size().saturating_sub(self.at) / least;
        if count > room { Err(self.damaged()) } else { Ok(count) }
    }

    fn text(&mut self) -> Result<String> {
        let length = self.count(1)?;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn listed(&mut self) -> Result<Listed> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions > DIMENSIONS {
            let what = format!("dimensions of `{name}` in {}", self.file);
            return Err(Error::mismatch(what, format!("at most {DIMENSIONS}"), dimensions));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(usize::try_from(self.u64()?).map_err(|_| self.damaged())?);
        }
        // The fastest dimension stands first there.
        shape.reverse();
        Ok(Listed { name, shape, kind: Kind::of(self.u32()?), from: self.u64()? })
    }

    fn value(&mut self, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::Whole(self.array::<1>()?[0].into()),
            1 => Value::Whole(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Whole(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Whole(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Whole(self.u32()?.into()),
            5 => Value::Whole(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Number(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Flag(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            9 => {
                let kind = self.u32()?;
                self.list(kind)?
            }
            10 => Value::Whole(self.u64()?.try_into().unwrap_or(i64::MAX)),
            11 => Value::Whole(i64::from_le_bytes(self.array()?)),
            12 => Value::Number(f64::from_le_bytes(self.array()?)),
            other => {
                let what = format!("type of a value in {}", self.file);
                return Err(Error::mismatch(what, "0 to 12", other));
            }
        })
    }

    fn list(&mut self, kind: u32) -> Result<Value> {
        if kind == 9 {
            return Err(Error::mismatch(format!("a list in {}", self.file), "numbers or texts", "lists"));
        }
        // A text has its length before it.
        let least = if kind == 8 { 8 } else { 1 };
        let count = self.count(least)?;
        let (mut wholes, mut numbers, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            match self.value(kind)? {
                Value::Whole(whole) => wholes.push(whole),
                Value::Flag(flag) => wholes.push(flag.into()),
                Value::Number(number) => numbers.push(number),
                Value::Text(text) => texts.push(text),
                Value::Wholes(_) | Value::Numbers(_) | Value::Texts(_) => return Err(self.damaged()),
            }
        }
        Ok(match kind {
            6 | 12 => Value::Numbers(numbers),
            8 => Value::Texts(texts),
            _ => Value::Wholes(wholes),
        })
    }
}
