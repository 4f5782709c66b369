//! ByT5, whose tokens are bytes and whose folders have no file for a tokenizer, against Hugging Face transformers: see
//! `tests/golden/byt5/make_byt5.py`.

use std::collections::BTreeMap;

use burn::tensor::Device;
use promot_core::decode::{LengthPenalty, SearchSettings};
use promot_core::model::folder::{self, LoadedModel, ModelFiles, SIDE_FILES, TokenizerFile};
use promot_core::model::tensors::Precision;
use serde_json::Value;

use crate::{generate, golden};

const FOLDER: &str = "byt5";

fn model() -> LoadedModel {
    let bytes = |name: &str| golden::bytes(&format!("{FOLDER}/{name}"));
    let there = |name: &&&str| golden::path(&format!("{FOLDER}/{name}")).is_file();
    let side: BTreeMap<String, Vec<u8>> =
        SIDE_FILES.iter().filter(there).map(|name| ((*name).to_owned(), bytes(name))).collect();
    let tokenizer = TokenizerFile::without_file(&side["tokenizer_config.json"]).unwrap();
    let files = ModelFiles {
        config: bytes("config.json"),
        weights: vec![("model.safetensors".to_owned(), bytes("model.safetensors"))],
        tokenizer: tokenizer.expect("a tokenizer of bytes"),
        side,
    };
    folder::load(FOLDER, &files, &Device::flex()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn cases(name: &str) -> Vec<Value> {
    golden::json(&format!("{FOLDER}/golden.json"))[name].as_array().unwrap().clone()
}

#[test]
fn texts_and_ids_are_the_references() {
    let tokenizer = model().tokenizer;
    for case in cases("texts") {
        let text = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text).unwrap(), ids(&case["ids"]), "{text:?}");
    }
    for case in cases("ids") {
        let ids = ids(&case["ids"]);
        assert_eq!(tokenizer.decode_all(&ids).unwrap(), case["text"], "{ids:?}");
    }
}

#[test]
fn answers_are_the_references() {
    let LoadedModel { model, tokenizer, config, .. } = model();
    let cases = cases("answers");
    let texts: Vec<&str> = cases.iter().map(|case| case["input"].as_str().unwrap()).collect();
    let inputs: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode(text).unwrap()).collect();
    let settings = SearchSettings {
        beams: 1,
        max_new_tokens: cases[0]["ids"].as_array().unwrap().len(),
        min_new_tokens: 0,
        length_penalty: LengthPenalty::HuggingFace,
        alpha: 1.0,
        decoder_start_id: config.start(),
        eos: tokenizer.stops.clone(),
    };
    for (case, found) in cases.iter().zip(generate::run(&model, &inputs, &settings, 4, 1)) {
        assert_eq!(found.tokens, ids(&case["ids"]));
        assert_eq!(tokenizer.decode(&found.tokens).unwrap(), case["text"]);
    }
}

/// transformers finds the class of the tokenizer in what is saved, and no other file.
#[test]
fn what_is_saved_has_no_tokenizer_file_either() {
    let model = model();
    let files = pollster::block_on(folder::save(&model, Precision::F32)).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer_config.json"]);
    let said: Value = serde_json::from_slice(&files["tokenizer_config.json"]).unwrap();
    assert_eq!((&said["tokenizer_class"], &said["extra_ids"]), (&"ByT5Tokenizer".into(), &125.into()));
    let again = TokenizerFile::without_file(&files["tokenizer_config.json"]).unwrap();
    assert!(matches!(again, Some(TokenizerFile::Bytes)));
}

#[test]
fn another_class_and_too_many_sentinels_are_refused() {
    assert!(TokenizerFile::without_file(br#"{"tokenizer_class": "T5Tokenizer"}"#).unwrap().is_none());
    assert!(TokenizerFile::without_file(b"<html>").is_err());
    let config = folder::configuration(&golden::bytes("byt5/config.json"), &BTreeMap::new()).unwrap();
    let error = |tokens: &str| {
        let side = BTreeMap::from([("tokenizer_config.json".to_owned(), tokens.as_bytes().to_vec())]);
        folder::load_tokenizer(&TokenizerFile::Bytes, &config, &side).err().unwrap().to_string()
    };
    for (tokens, expected) in [
        (r#"{"extra_ids": 99999999999}"#, "extra_ids of tokenizer_config.json: expected 0 to 10000"),
        (r#"{"extra_ids": "many"}"#, "extra_ids of tokenizer_config.json: expected 0 to 10000"),
        (r#"{"extra_ids": 126}"#, "at most the 384 entries"),
    ] {
        let found = error(tokens);
        assert!(found.contains(expected), "{tokens}: {found}");
    }
}

/// transformers 5 writes down that there are none, and names each; the published files say how many.
#[test]
fn sentinels_are_those_that_are_named_or_so_many_as_are_said() {
    let config = folder::configuration(&golden::bytes("byt5/config.json"), &BTreeMap::new()).unwrap();
    let entries = |tokens: &str| {
        let side = BTreeMap::from([("tokenizer_config.json".to_owned(), tokens.as_bytes().to_vec())]);
        folder::load_tokenizer(&TokenizerFile::Bytes, &config, &side).unwrap().vocab_size()
    };
    assert_eq!(entries(r#"{"tokenizer_class": "ByT5Tokenizer"}"#), 259 + 125);
    assert_eq!(entries(r#"{"extra_ids": 7}"#), 259 + 7);
    assert_eq!(entries(r#"{"extra_ids": 0}"#), 259);
    let named = r#"{"extra_ids": 0, "extra_special_tokens": ["<extra_id_0>", "<extra_id_1>"]}"#;
    assert_eq!(entries(named), 259 + 2);
}
