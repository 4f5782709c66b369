//! What the bundled model was trained on, and what every recorded score was taken from, as hashes: a change of one byte
//! means another model and other scores.

use promot_core::data::Split;
use promot_core::rng::Streams;
use sha2::{Digest, Sha256};

use crate::documents::{Document, document};
use crate::spans::corrupt_spans;
use crate::{DATA_SETS, rows, tokenizer};

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// The first rows of a split that are hashed.
const ROWS: usize = 500;

const DOCUMENTS: usize = 2000;

fn hex(hash: Sha256) -> String {
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Train, validation and test rows of each task.
#[rustfmt::skip]
const ROW_HASHES: [(&str, [&str; 3]); 12] = [
    ("rte-mini", ["5ef0b1eb5c28173a", "9ca05e246a06e8ff", "604157d6fa666d0f"]),
    ("cb-mini", ["45a551a95783f3cf", "9ce0a24f220cafce", "93086c2389362859"]),
    ("wic-mini", ["5c37c009fee11d72", "af97b275d4f70582", "511ea73ad9db6179"]),
    ("snli-mini", ["4bf85b7f7d074f7f", "c347c03145298a76", "fe487dc89ee2c9cc"]),
    ("openbookqa-mini", ["ae8f737f384f525c", "892b67759f41ef28", "d928b7150735c14f"]),
    ("triviaqa-mini", ["d5f7e25663683323", "4de9a4f5fa3d173c", "b7a29e5dc751449b"]),
    ("web_questions-mini", ["2b6a88d8f05fea4f", "dbcc9cf37cc94aae", "184c191c07ba000e"]),
    ("wmt_enfr-mini", ["94129c3512dbe310", "bcad339d582f4a8e", "71485a452069fb13"]),
    ("wmt_ende-mini", ["d340a996b92a9c9e", "1140fcc72bfa4cfe", "f1396c973ba09762"]),
    ("wmt_enro-mini", ["a1d08cf53fdc8930", "f1e98413088c7f94", "ed153233aee78710"]),
    ("xsum-mini", ["def1621cd191cb3d", "501161ae2eca538f", "4f03d57864bc3aed"]),
    ("wikilingua-mini", ["ba795249b7c59194", "3da4487420a21a02", "7796a5820489a773"]),
];

#[test]
fn the_rows_of_every_task_and_split_are_those_of_the_recorded_results() {
    assert!(DATA_SETS.iter().eq(ROW_HASHES.iter().map(|(task, _)| task)));
    for (task, expected) in ROW_HASHES {
        let found = SPLITS.map(|split| {
            let mut hash = Sha256::new();
            for row in rows(task, split, ROWS).expect("rows") {
                hash.update(serde_json::to_string(&row.0).expect("JSON"));
                hash.update("\n");
            }
            hex(hash)
        });
        assert_eq!(found, expected, "{task}");
    }
}

#[test]
fn the_documents_are_those_of_the_bundled_model() {
    let rng = &mut Streams::new(41).stream("documents of the test");
    let mut hash = Sha256::new();
    for _ in 0..DOCUMENTS {
        match document(rng) {
            Document::Text(text) => hash.update(format!("text\t{text}\n")),
            Document::Pair { input, target } => hash.update(format!("pair\t{input}\t{target}\n")),
        }
    }
    assert_eq!(hex(hash), "db23b9fcf49e75b5");
}

#[test]
fn spans_are_those_of_the_bundled_model() {
    let rng = &mut Streams::new(41).stream("spans of the test");
    let mut hash = Sha256::new();
    for length in 1..400 {
        let ids: Vec<u32> = (100..100 + length).collect();
        hash.update(format!("{:?}\n", corrupt_spans(&ids, |index| 2000 - index as u32, 1, rng)));
    }
    assert_eq!(hex(hash), "9eff8dc783d12563");
}

#[test]
fn the_tokenizer_is_that_of_the_bundled_model() {
    let json = tokenizer::train().expect("a tokenizer").to_string(false).expect("JSON");
    let mut hash = Sha256::new();
    hash.update(json);
    assert_eq!(hex(hash), "259643b8411d9856");
}
