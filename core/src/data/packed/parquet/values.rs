//! Values of a page, in each of the format's encodings.

use polars_parquet_format::Encoding;
use serde_json::{Number, Value};

use super::bits::{self, Bytes};
use super::budget::Budget;
use super::schema::Kind;

/// What a value takes in memory beside its text.
const VALUE: usize = size_of::<Value>();

/// `count` values of a page that are not null.
///
/// # Errors
/// An encoding that is not known, values that end too early, text that is no UTF-8.
pub fn decode(
    kind: Kind,
    encoding: Encoding,
    bytes: &[u8],
    count: usize,
    dictionary: Option<&[Value]>,
    budget: &Budget,
) -> Result<Vec<Value>, String> {
    budget.spend_each(count, VALUE)?;
    let mut bytes = Bytes(bytes);
    let is_text = matches!(kind, Kind::Text | Kind::Bytes);
    let is_int = matches!(kind, Kind::Int32 | Kind::Int64 | Kind::Unsigned32 | Kind::Unsigned64);
    match encoding {
        Encoding::PLAIN if kind == Kind::Boolean => booleans(bytes.0, count),
        Encoding::PLAIN if is_text => (0..count)
            .map(|_| {
                let length = bytes.length()?;
                text(kind, bytes.take(length)?, budget)
            })
            .collect(),
        Encoding::PLAIN => {
            let width = kind.width();
            let all = bytes.take(count.saturating_mul(width))?;
            Ok(all.chunks_exact(width).map(|bytes| kind.number(bytes)).collect())
        }
        Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
            from_dictionary(bytes, count, dictionary, budget)
        }
        Encoding::RLE if kind == Kind::Boolean => {
            let length = bytes.length()?;
            let numbers = bits::hybrid(bytes.take(length)?, 1, count)?;
            Ok(numbers.into_iter().map(|number| Value::Bool(number == 1)).collect())
        }
        Encoding::DELTA_BINARY_PACKED if is_int => {
            let numbers = bits::deltas(&mut bytes, count)?;
            Ok(numbers.into_iter().map(|number| kind.number(&number.to_le_bytes()[..kind.width()])).collect())
        }
        Encoding::DELTA_LENGTH_BYTE_ARRAY if is_text => {
            let texts = with_lengths(&mut bytes, count)?;
            texts.into_iter().map(|bytes| text(kind, bytes, budget)).collect()
        }
        Encoding::DELTA_BYTE_ARRAY if is_text => front_coded(kind, &mut bytes, count, budget),
        Encoding::BYTE_STREAM_SPLIT if !is_text && kind != Kind::Boolean => {
            let width = kind.width();
            let all = bytes.take(count.saturating_mul(width))?;
            let value = |at: usize| -> Vec<u8> { (0..width).map(|byte| all[byte * count + at]).collect() };
            Ok((0..count).map(|at| kind.number(&value(at))).collect())
        }
        other => Err(format!("expected an encoding that {kind:?} values have, found encoding {}", other.0)),
    }
}

fn booleans(bytes: &[u8], count: usize) -> Result<Vec<Value>, String> {
    let bytes = Bytes(bytes).take(count.div_ceil(8))?;
    Ok((0..count).map(|at| Value::Bool(bytes[at / 8] >> (at % 8) & 1 == 1)).collect())
}

fn text(kind: Kind, bytes: &[u8], budget: &Budget) -> Result<Value, String> {
    budget.spend(bytes.len())?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) if kind == Kind::Bytes => Ok(Value::Null),
        Err(_) => Err("expected UTF-8 text, found other bytes".to_owned()),
    }
}

fn from_dictionary(
    mut bytes: Bytes<'_>,
    count: usize,
    dictionary: Option<&[Value]>,
    budget: &Budget,
) -> Result<Vec<Value>, String> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let dictionary = dictionary.ok_or("expected a dictionary before the values, found none")?;
    let width = u32::from(bytes.take(1)?[0]);
    budget.spend_each(count, size_of::<u32>())?;
    let value = |at: u32| {
        let value = dictionary.get(at as usize).ok_or_else(|| {
            format!("expected a number below {}, the dictionary's size, found {at}", dictionary.len())
        })?;
        budget.spend(value.as_str().map_or(0, str::len))?;
        Ok(value.clone())
    };
    bits::hybrid(bytes.0, width, count)?.into_iter().map(value).collect()
}

/// Texts behind the list of their lengths.
fn with_lengths<'a>(bytes: &mut Bytes<'a>, count: usize) -> Result<Vec<&'a [u8]>, String> {
    bits::deltas(bytes, count)?.into_iter().map(|length| bytes.take(size(length)?)).collect()
}

/// Each text has some of the bytes before it, and its own.
fn front_coded(
    kind: Kind,
    bytes: &mut Bytes<'_>,
    count: usize,
    budget: &Budget,
) -> Result<Vec<Value>, String> {
    let shared = bits::deltas(bytes, count)?;
    let mut last = Vec::new();
    let texts = shared.into_iter().zip(with_lengths(bytes, count)?).map(|(shared, own)| {
        let shared = size(shared)?;
        if shared > last.len() {
            return Err(format!("expected at most {} bytes of the text before, found {shared}", last.len()));
        }
        last.truncate(shared);
        last.extend_from_slice(own);
        text(kind, &last, budget)
    });
    texts.collect()
}

fn size(length: i64) -> Result<usize, String> {
    usize::try_from(length).map_err(|_| format!("expected a length, found {length}"))
}

impl Kind {
    /// Bytes of one number.
    fn width(self) -> usize {
        match self {
            Self::Int32 | Self::Unsigned32 | Self::Float => 4,
            _ => 8,
        }
    }

    /// The number in so many bytes, the lowest first. JSON has none for what is not finite.
    fn number(self, bytes: &[u8]) -> Value {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let wide = u64::from_le_bytes(wide);
        match self {
            Self::Int32 => Value::from(wide as u32 as i32),
            Self::Unsigned32 => Value::from(wide as u32),
            Self::Int64 => Value::from(wide as i64),
            Self::Float => float(f64::from(f32::from_bits(wide as u32))),
            Self::Double => float(f64::from_bits(wide)),
            _ => Value::from(wide),
        }
    }
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
