//! Rows of Apache Parquet files, as the Hugging Face hub serves data sets.
//!
//! The metadata is read by a library, the pages here: what a task needs of the format is little, and every allocation
//! is asked for first (`budget`), since a damaged file may claim any size. The crate `parquet` would build the tensor
//! library anew, with one feature that both need.

mod assemble;
mod bits;
mod budget;
mod column;
mod schema;
mod values;

use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{FileMetaData, RowGroup};
use serde_json::Value;

use super::unpack::most_bytes;
use crate::content;
use crate::data::{Example, Row};
use crate::error::{At, Error, Result};
use budget::Budget;
use column::Column;
use schema::{Leaf, Node};

const MAGIC: &[u8] = b"PAR1";

/// The metadata's length and the magic bytes, at the file's end.
const TAIL: usize = 8;

/// What structures take in memory where their file has so many bytes of them.
const STRUCTURES: usize = 8;

/// The first rows of a file, at most `most`; each knows its number, from 1. Nested columns become lists and objects;
/// dates and times are numbers as they are stored; a float that is not finite is null.
///
/// # Errors
/// What is no Parquet file, or a damaged one, with the row group, the row and the column.
pub fn parquet(file: &str, bytes: &[u8], most: usize) -> Result<Vec<Row>> {
    if !bytes.starts_with(MAGIC) {
        content::check(file, bytes)?;
    }
    let budget = Budget::new(most_bytes(bytes.len()));
    let (metadata, pages) = metadata(bytes).map_err(|problem| Error::format(file, problem))?;
    let (root, leaves) = schema::schema(&metadata.schema).map_err(|problem| Error::format(file, problem))?;
    let mut rows = Vec::new();
    for (at, group) in metadata.row_groups.iter().enumerate() {
        let place = |problem| Error::format(file, format!("row group {}: {problem}", at + 1));
        let columns = columns(group, &leaves, pages, &budget).map_err(place)?;
        read_group(group, &root, columns, &budget, most, &mut rows).map_err(|(row, problem)| Error::Row {
            file: file.to_owned(),
            at: At::Row(row),
            problem: format!("row group {}, {problem}", at + 1),
        })?;
    }
    Ok(rows)
}

/// What the file's end says, and the bytes before it.
fn metadata(bytes: &[u8]) -> Result<(FileMetaData, &[u8]), String> {
    let whole = format!(
        "expected a Parquet file, which begins and ends with PAR1, found {} bytes without",
        bytes.len()
    );
    let inner =
        bytes.strip_suffix(MAGIC).filter(|_| bytes.starts_with(MAGIC) && bytes.len() >= MAGIC.len() + TAIL);
    let (before, length) = inner.and_then(<[u8]>::split_last_chunk::<4>).ok_or(whole)?;
    let length = u32::from_le_bytes(*length) as usize;
    let start = before.len().checked_sub(length).filter(|start| *start >= MAGIC.len());
    let start = start.ok_or_else(|| {
        format!("expected metadata within its {} bytes, found a length of {length}", bytes.len())
    })?;
    let (pages, metadata) = before.split_at(start);
    let mut protocol = TCompactInputProtocol::new(metadata, metadata.len() * STRUCTURES);
    let metadata = FileMetaData::read_from_in_protocol(&mut protocol);
    Ok((metadata.map_err(|error| format!("expected Parquet's metadata, found: {error}"))?, pages))
}

fn columns<'a>(
    group: &RowGroup,
    leaves: &'a [Leaf],
    pages: &'a [u8],
    budget: &'a Budget,
) -> Result<Vec<Column<'a>>, String> {
    let column = |leaf: &'a Leaf| {
        let found = group.columns.get(leaf.column).filter(|column| column.file_path.is_none());
        let metadata = found
            .and_then(|column| column.meta_data.as_ref())
            .ok_or("expected it in the file, found none")?;
        Column::new(leaf, metadata, pages, budget)
    };
    leaves
        .iter()
        .map(|leaf| column(leaf).map_err(|problem| format!("column {}: {problem}", leaf.path)))
        .collect()
}

/// Adds a group's rows, as long as there are fewer than `most`; a problem comes with its row.
fn read_group(
    group: &RowGroup,
    root: &Node,
    mut columns: Vec<Column<'_>>,
    budget: &Budget,
    most: usize,
    rows: &mut Vec<Row>,
) -> Result<(), (usize, String)> {
    for _ in 0..group.num_rows {
        if rows.len() >= most {
            break;
        }
        let number = rows.len() + 1;
        let spent = budget.spend(size_of::<Row>());
        let value = spent.and_then(|()| assemble::value(root, &mut columns, budget));
        let value = value.map_err(|problem| (number, problem))?;
        assemble::check_between_rows(&mut columns).map_err(|problem| (number, problem))?;
        if let Value::Object(fields) = value {
            rows.push(Row { at: At::Row(number), example: Example(fields) });
        }
    }
    Ok(())
}
