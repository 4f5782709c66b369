//! The part of Python's pickle format that `torch.save` needs for a dictionary of tensors. Opcodes build values in a list
//! and on a stack; what would call a function makes a tensor or is an error.
//! Source: Lib/pickletools.py of CPython, torch/_utils.py.

use std::collections::BTreeMap;

use safetensors::Dtype;

use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    pub dtype: Dtype,
    /// The name of its file.
    pub key: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub storage: Storage,
    /// In numbers, from the storage's beginning.
    pub offset: u64,
    pub shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Tensor {
    /// Whether the numbers stand row after row.
    pub fn is_side_by_side(&self) -> bool {
        let mut step = 1usize;
        let sizes = self.shape.iter().zip(&self.strides).rev();
        let mut fit = sizes.map(|(size, stride)| {
            let fits = *size == 1 || *stride == step;
            step = step.saturating_mul(*size);
            fits
        });
        self.shape.len() == self.strides.len() && (self.shape.contains(&0) || fit.all(|fits| fits))
    }
}

/// The functions and classes that are known, by module and name; they are not called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Storage(Dtype),
}

const KNOWN: [(&str, Known); 14] = [
    ("collections.OrderedDict", Known::OrderedDict),
    ("torch._utils._rebuild_tensor_v2", Known::RebuildTensor),
    ("torch._utils._rebuild_parameter", Known::RebuildParameter),
    ("torch.Size", Known::Size),
    ("torch.FloatStorage", Known::Storage(Dtype::F32)),
    ("torch.HalfStorage", Known::Storage(Dtype::F16)),
    ("torch.BFloat16Storage", Known::Storage(Dtype::BF16)),
    ("torch.DoubleStorage", Known::Storage(Dtype::F64)),
    ("torch.LongStorage", Known::Storage(Dtype::I64)),
    ("torch.IntStorage", Known::Storage(Dtype::I32)),
    ("torch.ShortStorage", Known::Storage(Dtype::I16)),
    ("torch.CharStorage", Known::Storage(Dtype::I8)),
    ("torch.ByteStorage", Known::Storage(Dtype::U8)),
    ("torch.BoolStorage", Known::Storage(Dtype::BOOL)),
];

/// A value; others that it holds are places in the list of all.
#[derive(Debug)]
enum Value {
    /// None, booleans and numbers that nothing depends on.
    Other,
    Int(i64),
    Text(String),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Known(Known),
    Storage(Storage),
    Tensor(Tensor),
}

/// The tensors of a pickled dictionary, by name.
///
/// # Errors
/// Anything that is no dictionary of tensors; a function or class that is none of those is named.
pub fn read(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut machine = Machine::new(file, bytes);
    let top = machine.run()?;
    let Value::Dict(entries) = &machine.values[top] else {
        return Err(machine.wrong("expected a dictionary of tensors"));
    };
    let tensor = |(key, value): &(usize, usize)| match (&machine.values[*key], &machine.values[*value]) {
        (Value::Text(name), _) if name.len() > LONGEST => Err(machine.wrong("a name is too long")),
        (Value::Text(name), Value::Tensor(tensor)) => Ok((name.clone(), tensor.clone())),
        (Value::Text(name), _) => {
            Err(machine.wrong(&format!("expected a tensor, found another value as `{name}`")))
        }
        _ => Err(machine.wrong("expected names as keys, found another value")),
    };
    entries.iter().map(tensor).collect()
}

/// What follows a pickle.
///
/// # Errors
/// Those of `read`, but the value may be any.
pub fn skip<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let mut machine = Machine::new(file, bytes);
    machine.run()?;
    Ok(machine.rest)
}

/// What a call gives: a value of its own, or one that is there.
enum Made {
    New(Value),
    There(usize),
}

/// A value may be named often in few bytes, so that what is copied for each must be small.
const MOST_AXES: usize = 16;
const LONGEST: usize = 1000;

struct Machine<'a> {
    file: String,
    rest: &'a [u8],
    values: Vec<Value>,
    /// Places of values; a mark is `None`.
    stack: Vec<Option<usize>>,
    memo: BTreeMap<u64, usize>,
}

impl<'a> Machine<'a> {
    fn new(file: &str, bytes: &'a [u8]) -> Self {
        Self {
            file: file.to_owned(),
            rest: bytes,
            values: Vec::new(),
            stack: Vec::new(),
            memo: BTreeMap::new(),
        }
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::format(&self.file, format!("its pickle: {problem}"))
    }

    /// Runs to the end; gives the place of the result.
    fn run(&mut self) -> Result<usize> {
        loop {
            let opcode = self.bytes(1)?[0];
            match opcode {
                b'.' => return self.pop(),
                // Protocol, frame.
                0x80 => self.pass(1)?,
                0x95 => self.pass(8)?,
                b'(' => self.stack.push(None),
                b'N' | 0x88 | 0x89 => self.push(Value::Other),
                b'G' => {
                    self.pass(8)?;
                    self.push(Value::Other);
                }
                b'J' => {
                    let number = self.number(4)? as u32;
                    self.push(Value::Int(i64::from(number.cast_signed())));
                }
                b'K' => self.int(1)?,
                b'M' => self.int(2)?,
                0x8a => {
                    let length = self.number(1)?;
                    let number =
                        if length <= 8 { self.number(length)? } else { self.pass(length).map(|()| 0)? };
                    // Sign extended from its highest byte.
                    let empty = 64 - 8 * length.min(8) as u32;
                    let number = if empty == 64 { 0 } else { (number << empty).cast_signed() >> empty };
                    self.push(Value::Int(number));
                }
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                b'T' => self.text(4)?,
                b'U' => self.text(1)?,
                b'B' | 0x8e => {
                    let length = self.number(if opcode == b'B' { 4 } else { 8 })?;
                    self.pass(length)?;
                    self.push(Value::Other);
                }
                b'C' => {
                    let length = self.number(1)?;
                    self.pass(length)?;
                    self.push(Value::Other);
                }
                b']' => self.push(Value::List(Vec::new())),
                b'}' => self.push(Value::Dict(Vec::new())),
                b')' => self.push(Value::Tuple(Vec::new())),
                b't' => {
                    let items = self.take_to_mark()?;
                    self.push(Value::Tuple(items));
                }
                0x85..=0x87 => {
                    let count = usize::from(opcode - 0x84);
                    let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
                    items.reverse();
                    self.push(Value::Tuple(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.take_to_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.take_to_mark()?;
                    self.set_items(items)?;
                }
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                0x94 => {
                    let (number, top) = (self.memo.len() as u64, self.top()?);
                    self.memo.insert(number, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'0' => {
                    self.stack.pop();
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.known(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.known(&module, &name)?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = self.storage(id)?;
                    self.push(Value::Storage(storage));
                }
                b'R' => {
                    let (arguments, what) = (self.pop()?, self.pop()?);
                    match self.made(what, arguments)? {
                        Made::New(value) => self.push(value),
                        Made::There(place) => self.stack.push(Some(place)),
                    }
                }
                // The state of an ordered dictionary holds versions of modules, which nothing depends on.
                b'b' => {
                    let state = self.pop()?;
                    let top = self.top()?;
                    if !matches!((&self.values[top], &self.values[state]), (Value::Dict(_), Value::Dict(_))) {
                        return Err(self.wrong("a state is set of what is no dictionary"));
                    }
                }
                other => {
                    return Err(self.wrong(&format!("unknown opcode {other:#04x}; only tensors are read")));
                }
            }
        }
    }

    fn bytes(&mut self, count: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(count).ok().and_then(|count| self.rest.split_at_checked(count));
        let (bytes, rest) = split.ok_or_else(|| self.wrong("it is cut off"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> Result<()> {
        self.bytes(count).map(|_| ())
    }

    /// A little-endian number of at most 8 bytes.
    fn number(&mut self, bytes: u64) -> Result<u64> {
        Ok(self.bytes(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn int(&mut self, bytes: u64) -> Result<()> {
        let number = self.number(bytes)?;
        self.push(Value::Int(number.cast_signed()));
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<()> {
        let length = self.number(length)?;
        let text = String::from_utf8_lossy(self.bytes(length)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.wrong("it is cut off"))?;
        let line = String::from_utf8_lossy(self.bytes(end as u64)?).into_owned();
        self.pass(1)?;
        Ok(line)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Some(self.values.len()));
        self.values.push(value);
    }

    fn top(&self) -> Result<usize> {
        self.stack.last().copied().flatten().ok_or_else(|| self.wrong("its stack is empty"))
    }

    fn pop(&mut self) -> Result<usize> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_text(&mut self) -> Result<String> {
        let top = self.pop()?;
        match &self.values[top] {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(self.wrong("expected a name")),
        }
    }

    fn take_to_mark(&mut self) -> Result<Vec<usize>> {
        let mark =
            self.stack.iter().rposition(Option::is_none).ok_or_else(|| self.wrong("a mark is missing"))?;
        let items = self.stack.drain(mark..).flatten().collect();
        Ok(items)
    }

    fn append(&mut self, more: Vec<usize>) -> Result<()> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::List(items) => {
                items.extend(more);
                Ok(())
            }
            _ => Err(self.wrong("expected a list")),
        }
    }

    fn set_items(&mut self, more: Vec<usize>) -> Result<()> {
        let top = self.top()?;
        match (&mut self.values[top], more.as_chunks::<2>()) {
            (Value::Dict(items), (pairs, [])) => {
                items.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err(self.wrong("expected a dictionary")),
        }
    }

    fn remember(&mut self, bytes: u64) -> Result<()> {
        let (number, top) = (self.number(bytes)?, self.top()?);
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, bytes: u64) -> Result<()> {
        let number = self.number(bytes)?;
        let place =
            self.memo.get(&number).copied().ok_or_else(|| self.wrong("a value is recalled that is none"))?;
        self.stack.push(Some(place));
        Ok(())
    }

    fn known(&mut self, module: &str, name: &str) -> Result<()> {
        let wanted = format!("{module}.{name}");
        match KNOWN.iter().find(|(known, _)| *known == wanted) {
            Some((_, known)) => {
                self.push(Value::Known(*known));
                Ok(())
            }
            None => {
                let wanted: String = wanted.chars().filter(|letter| !letter.is_control()).take(100).collect();
                Err(self.wrong(&format!(
                    "it asks for `{wanted}`; code in it is never run, only tensors are read"
                )))
            }
        }
    }

    /// What a persistent id stands for: `("storage", class, key, device, count)`.
    fn storage(&self, id: usize) -> Result<Storage> {
        if let Value::Tuple(items) = &self.values[id]
            && let [_, class, key, ..] = items[..]
            && let (Value::Known(Known::Storage(dtype)), Value::Text(key)) =
                (&self.values[class], &self.values[key])
            && key.len() <= LONGEST
        {
            return Ok(Storage { dtype: *dtype, key: key.clone() });
        }
        Err(self.wrong("expected the numbers of a tensor"))
    }

    /// What a function that is known would make.
    fn made(&self, what: usize, arguments: usize) -> Result<Made> {
        let Value::Tuple(items) = &self.values[arguments] else {
            return Err(self.wrong("expected arguments"));
        };
        let made = match (&self.values[what], &items[..]) {
            (Value::Known(Known::OrderedDict), []) => Some(Made::New(Value::Dict(Vec::new()))),
            (Value::Known(Known::Size | Known::RebuildParameter), [same, ..]) => Some(Made::There(*same)),
            (Value::Known(Known::RebuildTensor), [storage, offset, shape, strides, ..]) => {
                let tensor = self.tensor(*storage, *offset, *shape, *strides);
                tensor.map(|tensor| Made::New(Value::Tensor(tensor)))
            }
            _ => None,
        };
        made.ok_or_else(|| self.wrong("a call that makes no tensor"))
    }

    fn tensor(&self, storage: usize, offset: usize, shape: usize, strides: usize) -> Option<Tensor> {
        let (Value::Storage(storage), Value::Int(offset)) = (&self.values[storage], &self.values[offset])
        else {
            return None;
        };
        let sizes = |place: usize| match &self.values[place] {
            Value::Tuple(items) if items.len() <= MOST_AXES => {
                items.iter().map(|item| self.size(*item)).collect::<Option<Vec<usize>>>()
            }
            _ => None,
        };
        let (offset, storage) = (u64::try_from(*offset).ok()?, storage.clone());
        Some(Tensor { storage, offset, shape: sizes(shape)?, strides: sizes(strides)? })
    }

    fn size(&self, place: usize) -> Option<usize> {
        match self.values[place] {
            Value::Int(size) => usize::try_from(size).ok(),
            _ => None,
        }
    }
}
