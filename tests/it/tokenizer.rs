//! Tokenizers against SentencePiece itself, and against the published T5 vocabulary where `../shared/data` beside
//! the repository has it. `tests/golden/tokenizer` holds two tiny models with the script that made them.

use std::path::{Path, PathBuf};

use promot_core::tokenizer::Tokenizer;
use serde_json::Value;

use crate::skip::skip;

/// The unknown piece has no text: SentencePiece writes a mark of its own and transformers a space, we write the
/// piece. Rows with it are compared by their ids.
const UNKNOWN: u32 = 2;

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/tokenizer")
}

fn model_bytes(file: &str) -> Vec<u8> {
    std::fs::read(golden_folder().join(file)).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A row of a golden file: text, ids with the end-of-sequence token, text from ids.
fn row(value: &Value) -> (&str, Vec<u32>, &str) {
    let ids = value[1].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
    (value[0].as_str().unwrap(), ids, value[2].as_str().unwrap())
}

#[test]
fn a_sentencepiece_model_gives_sentencepieces_ids() {
    for model in json(&golden_folder().join("golden.json"))["models"].as_array().unwrap() {
        let file = model["file"].as_str().unwrap();
        let tokenizer = Tokenizer::from_sentencepiece(&model_bytes(file), 0).unwrap();
        assert_eq!(tokenizer.vocab_size() as u64, model["pieces"].as_u64().unwrap(), "{file}");
        for (text, ids, decoded) in model["rows"].as_array().unwrap().iter().map(row) {
            assert_eq!(tokenizer.encode(text).unwrap(), ids, "{file}: {text:?}");
            assert_eq!(tokenizer.encode_plain(text).unwrap(), ids[..ids.len() - 1], "{file}: {text:?}");
            if !ids.contains(&UNKNOWN) {
                let found = tokenizer.decode_all(&ids[..ids.len() - 1]).unwrap();
                // The space before a sentinel is part of mT5's piece, but not of its name here.
                let spaced = found.replace("<extra_id", " <extra_id");
                assert_eq!(spaced.trim_start().replace("  ", " "), decoded, "{file}: {text:?}");
            }
        }
    }
}

/// White space of all kinds, marks, combining letters, symbols of the user, sentinels, bytes: see make_nasty.py.
#[test]
fn nasty_lines_give_sentencepieces_ids() {
    let golden = json(&golden_folder().join("nasty.json"));
    let lines: Vec<&str> =
        golden["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lines.len() > 1000);
    for model in golden["models"].as_array().unwrap() {
        let file = model["file"].as_str().unwrap();
        let tokenizer = Tokenizer::from_sentencepiece(&model_bytes(file), 0).unwrap();
        let hashes: Vec<&str> = model["hashes"].as_str().unwrap().split(' ').collect();
        assert_eq!(hashes.len(), lines.len());
        for (line, expected) in lines.iter().zip(hashes) {
            let ids = tokenizer.encode_plain(line).unwrap();
            assert_eq!(hash(&ids), expected, "{file}: {line:?} gives {ids:?}");
        }
    }
}

/// FNV-1a of the ids with spaces between them.
fn hash(ids: &[u32]) -> String {
    let text = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let step = |value: u32, byte: u8| (value ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", text.bytes().fold(0x811c_9dc5, step))
}

/// What stands right behind a sentinel goes on without a space, as in pretraining.
#[test]
fn no_space_is_put_between_a_sentinel_and_what_follows() {
    for (file, own) in [("mt5.model", true), ("t5.model", false)] {
        let tokenizer = Tokenizer::from_sentencepiece(&model_bytes(file), 2).unwrap();
        let [zero, one] = [0, 1].map(|n| tokenizer.sentinel(n).unwrap());
        let pieces = |text: &str| -> Vec<String> {
            let ids = tokenizer.encode_plain(text).unwrap();
            let name = |id: u32| {
                if id == zero {
                    "0".into()
                } else if id == one {
                    "1".into()
                } else {
                    tokenizer.token(id).unwrap()
                }
            };
            ids.into_iter().map(name).collect()
        };
        assert_eq!(pieces("<extra_id_0>. <extra_id_1>, "), ["0", ".", "1", ","], "{file}");
        assert_eq!(pieces("<extra_id_0> Ann")[..2], ["0", "▁Ann"], "{file}");
        let unknown = tokenizer.encode_plain("<extra_id_7>").unwrap();
        assert!(!unknown.contains(&zero) && !unknown.contains(&one), "{file}");
        // A piece of mT5 begins with its space.
        assert_eq!(tokenizer.encode_plain("a<extra_id_0>").unwrap().contains(&zero), !own, "{file}");
    }
}

#[test]
fn special_tokens_are_no_text() {
    let tokenizer = Tokenizer::from_sentencepiece(&model_bytes("t5.model"), 2).unwrap();
    let ids = tokenizer.encode("<extra_id_1> Ann <extra_id_0>").unwrap();
    // Sentinels are: what is the answer, post-processing finds by them.
    assert_eq!(tokenizer.decode(&ids).unwrap().replace(' ', ""), "<extra_id_1>Ann<extra_id_0>");
    assert!(tokenizer.decode_all(&ids).unwrap().contains("</s>"));
}

#[test]
fn sentinels_count_down_from_the_end_of_the_vocabulary() {
    let plain = Tokenizer::from_sentencepiece(&model_bytes("t5.model"), 0).unwrap();
    let tokenizer = Tokenizer::from_sentencepiece(&model_bytes("t5.model"), 3).unwrap();
    let size = plain.vocab_size() as u32;
    assert_eq!(plain.sentinel(0), None);
    assert_eq!(
        [0, 1, 2, 3].map(|n| tokenizer.sentinel(n)),
        [Some(size + 2), Some(size + 1), Some(size), None]
    );
    assert_eq!((tokenizer.vocab_size() as u32, tokenizer.pad, tokenizer.eos), (size + 3, 0, 1));
    let mut expected = vec![size + 2];
    expected.extend(plain.encode_plain("Ann").unwrap());
    expected.extend([size + 1, 1]);
    assert_eq!(tokenizer.encode("<extra_id_0> Ann <extra_id_1>").unwrap(), expected);
    assert_eq!(
        tokenizer.decode_all(&expected[..expected.len() - 1]).unwrap().replace(' ', ""),
        "<extra_id_0>Ann<extra_id_1>"
    );
}

#[test]
fn sentinels_of_the_vocabulary_keep_their_ids() {
    let tokenizer = Tokenizer::from_sentencepiece(&model_bytes("mt5.model"), 100).unwrap();
    assert_eq!([0, 1, 2].map(|n| tokenizer.sentinel(n)), [Some(4), Some(3), None]);
}

#[test]
fn what_is_written_as_json_reads_back_the_same() {
    for file in ["t5.model", "mt5.model"] {
        let first = Tokenizer::from_sentencepiece(&model_bytes(file), 10).unwrap();
        let second = Tokenizer::from_json(first.to_json().unwrap().as_bytes()).unwrap();
        for text in ["Ann  sees… cafe\u{301} 猫", "a <extra_id_1> b"] {
            let ids = first.encode(text).unwrap();
            assert_eq!(ids, second.encode(text).unwrap(), "{file}: {text}");
            assert_eq!(first.decode_all(&ids).unwrap(), second.decode_all(&ids).unwrap(), "{file}: {text}");
        }
    }
}

#[test]
fn a_damaged_model_is_an_error_and_never_a_crash() {
    let bytes = model_bytes("t5.model");
    let try_to_use = |bytes: &[u8]| {
        let tokenizer = Tokenizer::from_sentencepiece(bytes, 0)?;
        tokenizer.encode("Ann ﬁne… Ａnn cafe\u{301} ș 猫 soft\u{ad}hyphen it’s")
    };
    try_to_use(&bytes).unwrap();
    // The settings end with the normaliser's; what SentencePiece writes after them does not matter here.
    for length in 0..bytes.len() - 64 {
        let error = try_to_use(&bytes[..length]).expect_err("a truncated file");
        assert!(error.to_string().starts_with("spiece.model"), "cut at {length}: {error}");
    }
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            // A changed letter of a piece is no error; what counts is that nothing panics.
            let _ = try_to_use(&damaged);
        }
    }
    assert!(Tokenizer::from_sentencepiece(b"not a model at all", 0).is_err());
    assert!(Tokenizer::from_json(b"{\"version\": \"1.0\"").is_err());
}

/// What older versions of transformers did to decoded text; the published rows were written with it.
fn cleaned_up(text: &str) -> String {
    let marks = [(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't")];
    let endings = [(" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")];
    marks.iter().chain(&endings).fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn the_published_t5_vocabulary_gives_its_golden_ids() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/tokenizers/t5");
    if !folder.is_dir() {
        skip("data", "no tokenizers/t5 in ../shared/data");
        return;
    }
    let bytes = |file: &str| std::fs::read(folder.join(file)).unwrap();
    let golden = json(&folder.join("golden_600.json"));
    assert_eq!(golden.as_array().unwrap().len(), 600);
    for (name, tokenizer) in [
        ("tokenizer.json", Tokenizer::from_json(&bytes("tokenizer.json")).unwrap()),
        ("spiece.model", Tokenizer::from_sentencepiece(&bytes("spiece.model"), 100).unwrap()),
    ] {
        assert_eq!(tokenizer.vocab_size(), 32_100, "{name}");
        assert_eq!((tokenizer.sentinel(0), tokenizer.sentinel(99)), (Some(32_099), Some(32_000)), "{name}");
        for (text, ids, decoded) in golden.as_array().unwrap().iter().map(row) {
            assert_eq!(tokenizer.encode(text).unwrap(), ids, "{name}: {text:?}");
            if !ids.contains(&UNKNOWN) {
                let decoded = decoded.strip_suffix("</s>").unwrap();
                assert_eq!(
                    cleaned_up(&tokenizer.decode_all(&ids[..ids.len() - 1]).unwrap()),
                    decoded,
                    "{name}: {text:?}"
                );
            }
        }
        assert_eq!(
            tokenizer.encode_plain("Hi there I'm good").unwrap(),
            [2018, 132, 27, 31, 51, 207],
            "{name}"
        );
    }
}
