//! Parquet files against the same rows as JSON lines, both written by pyarrow's script in `tests/golden/parquet`.

use promot_core::data::{self, Example};
use serde_json::{Value, json};

use crate::golden::bytes;

fn rows(name: &str) -> Vec<Example> {
    let rows = data::parse(name, &bytes(&format!("parquet/{name}")));
    rows.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|row| row.example).collect()
}

fn problem(name: &str, bytes: &[u8]) -> String {
    data::parse(name, bytes).unwrap_err().to_string()
}

/// Pages of both versions and of every packing; dictionaries, differences, lengths, split streams; several row groups;
/// nulls in lists in structs in lists; lists under the names that older writers give.
#[test]
fn every_way_to_write_them_gives_the_same_rows() {
    let expected = rows("rows.jsonl");
    assert_eq!(expected.len(), 60);
    for name in
        ["hub", "zstd", "gzip", "plain", "small-pages", "old-names", "deltas", "lengths"]
    {
        let found = rows(&format!("{name}.parquet"));
        assert_eq!(found.len(), expected.len(), "{name}");
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (field, value) in &expected.0 {
                assert_eq!(found.0.get(field), Some(value), "{name}, row {at}, {field}");
            }
            assert_eq!(found.0.len(), expected.0.len(), "{name}, row {at}");
        }
    }
    assert!(rows("empty.parquet").is_empty());
}
