//! SmolLM2-135M-Instruct against Hugging Face transformers, where `cargo xtask real-model` has put it: see
//! `tests/golden/smollm2/make_smollm2.py`.

use std::path::Path;
use std::sync::LazyLock;

use burn::tensor::Device;
use promot_core::decode::{self, Batching, SearchSettings};
use promot_core::model::folder::{self, LoadedModel, ModelFiles};
use promot_core::spec::LengthPenalty;
use serde_json::Value;

use crate::chat::message;
use crate::golden::{json, layout};
use crate::parity::ids;
use crate::skip::skip;

const FILE: &str = "target/real-model/SmolLM2-135M-Instruct.Q4_1.gguf";

static MODEL: LazyLock<Option<LoadedModel>> = LazyLock::new(|| {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE)).ok()?;
    Some(folder::load(FILE, &ModelFiles::of_gguf(FILE, bytes, None).unwrap(), &Device::flex()).unwrap())
});

fn model() -> Option<&'static LoadedModel> {
    if MODEL.is_none() {
        skip("data", "no real model (cargo xtask real-model)");
    }
    MODEL.as_ref()
}

fn cases() -> Vec<Value> {
    json("smollm2/golden.json")["cases"].as_array().unwrap().clone()
}

#[test]
fn prompts_and_lines_have_the_ids_of_the_reference() {
    let Some(model) = model() else { return };
    let golden = json("smollm2/golden.json");
    for case in golden["cases"].as_array().unwrap() {
        let prompt = case["prompt"].as_str().unwrap();
        assert_eq!(model.tokenizer.encode(prompt).unwrap(), ids(&case["ids"]), "{prompt}");
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    for (name, expected) in golden["lines"].as_object().unwrap() {
        let Ok(text) = std::fs::read_to_string(data.join(name)) else {
            skip("data", &format!("no {name} in ../shared/data"));
            continue;
        };
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
        let all: Vec<u32> = lines.iter().flat_map(|line| model.tokenizer.encode(line).unwrap()).collect();
        let found = (lines.len() as u64, all.len() as u64, format!("{:016x}", fnv(&all)));
        let number = |field: &str| expected[field].as_u64().unwrap();
        assert_eq!(
            found,
            (number("lines"), number("ids"), expected["fnv"].as_str().unwrap().to_owned()),
            "{name}"
        );
    }
}

/// `chats.json` has 23 conversations through the file's own chat template.
#[test]
fn conversations_have_the_ids_of_the_reference() {
    let Some(model) = model() else { return };
    let cases = json("smollm2/chats.json");
    assert_eq!(cases.as_array().unwrap().len(), 23);
    for case in cases.as_array().unwrap() {
        let messages: Vec<_> = case["messages"].as_array().unwrap().iter().map(message).collect();
        let text = model.tokenizer.chat(&messages).unwrap();
        let found = model.tokenizer.encode_input(&text).unwrap();
        let expected = (case["ids"].as_u64().unwrap(), case["fnv"].as_str().unwrap().to_owned());
        assert_eq!((found.len() as u64, format!("{:016x}", fnv(&found))), expected, "{text}");
    }
}

fn fnv(ids: &[u32]) -> u64 {
    ids.iter()
        .flat_map(|id| id.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn log_probabilities_equal_the_reference() {
    let Some(model) = model() else { return };
    let cases = cases();
    let rows: Vec<_> = cases
        .iter()
        .map(|case| {
            let scored = case["logprobs"].as_array().unwrap().len();
            (ids(&case["ids"]), ids(&case["greedy"])[..scored].to_vec()).into()
        })
        .collect();
    let scores = pollster::block_on(decode::score(&model.model, &rows, &layout(1, 1), 8)).unwrap();
    let mut worst = 0.0_f64;
    for (case, score) in cases.iter().zip(&scores) {
        let expected: Vec<f64> = serde_json::from_value(case["logprobs"].clone()).unwrap();
        assert_eq!(score.token_logprobs.len(), expected.len());
        for (found, expected) in score.token_logprobs.iter().zip(&expected) {
            worst = worst.max((found - expected).abs());
        }
    }
    println!("worst difference of a log-probability: {worst:.1e}");
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn answers_of_a_hundred_tokens_and_beams_equal_the_reference() {
    let Some(model) = model() else { return };
    let all = cases();
    for (beams, most, field) in [(1, 100, "greedy"), (4, 12, "beams")] {
        let cases: Vec<&Value> = all.iter().filter(|case| !case[field].is_null()).collect();
        let settings = SearchSettings {
            beams,
            max_new_tokens: most,
            min_new_tokens: 0,
            length_penalty: LengthPenalty::HuggingFace,
            alpha: 0.0,
            decoder_start_id: model.config.start(),
            eos: model.tokenizer.stops.clone(),
        };
        let inputs: Vec<Vec<u32>> = cases.iter().map(|case| ids(&case["ids"])).collect();
        let (batching, mut progress) =
            (Batching { rows: 16, layout: layout(1, 1), suppressed: &[] }, |_| Ok(()));
        let found = decode::generate(&model.model, &inputs, &settings, batching, &mut progress);
        let found = pollster::block_on(found).unwrap();
        for (case, found) in cases.iter().zip(&found) {
            assert_eq!(found.tokens, ids(&case[field]), "{field} of {}", case["prompt"]);
        }
    }
}
