//! GGUF files against Hugging Face transformers and llama.cpp's Python package: see `tests/golden/gguf/make_gguf.py`.

use burn::tensor::Device;
use promot_core::batch::{Batch, TokenizedExample};
use promot_core::decode::{self, Batching, SearchSettings};
use promot_core::model::Pass;
use promot_core::model::folder::{self, LoadedModel, ModelFiles};
use promot_core::spec::LengthPenalty;
use serde_json::Value;

use crate::golden::{TOLERANCE, assert_close, bytes, json, layout, values};
use crate::parity::ids;

const MODELS: [&str; 3] = ["llama", "llama3", "qwen2"];

fn open(name: &str, bytes: Vec<u8>) -> promot_core::error::Result<LoadedModel> {
    folder::load(name, &ModelFiles::of_gguf(name, bytes, None)?, &Device::flex())
}

fn each(test: impl Fn(&str, &LoadedModel, &Value)) {
    let golden = json("gguf/golden.json");
    for name in MODELS {
        let loaded = open(name, bytes(&format!("gguf/{name}.gguf"))).unwrap();
        for case in golden[name].as_array().unwrap() {
            test(name, &loaded, case);
        }
    }
}

#[test]
fn texts_have_the_ids_of_the_tokenizer_in_the_file() {
    each(|name, loaded, case| {
        let text = case["text"].as_str().unwrap();
        let found = loaded.tokenizer.encode(text).unwrap();
        assert_eq!(found, ids(&case["ids"]), "{name}: {text}");
        assert_eq!(loaded.tokenizer.stops, [2]);
    });
}

#[test]
fn logits_equal_the_reference() {
    each(|name, loaded, case| {
        let row =
            TokenizedExample { input: ids(&case["ids"]), target: vec![0], ..TokenizedExample::default() };
        let batch = Batch::new(&[row], &layout(1, 1));
        let found = values(loaded.model.logits(&batch, &mut Pass::eval()));
        let expected: Vec<f32> = serde_json::from_value(case["logits"].clone()).unwrap();
        assert_close(name, &found, &expected, TOLERANCE);
    });
}

#[test]
fn greedy_answers_equal_the_reference() {
    each(|name, loaded, case| {
        let settings = SearchSettings {
            beams: 1,
            max_new_tokens: 8,
            min_new_tokens: 0,
            length_penalty: LengthPenalty::T5x,
            alpha: 0.6,
            decoder_start_id: 0,
            eos: vec![2],
        };
        let batching = Batching { rows: 1, layout: layout(1, 1), suppressed: &[] };
        let (input, mut progress) = ([ids(&case["ids"])], |_| Ok(()));
        let asked = decode::generate(&loaded.model, &input, &settings, batching, &mut progress);
        let found = pollster::block_on(asked).unwrap();
        let mut expected = ids(&case["answer"]);
        expected.retain(|id| *id != 2);
        assert_eq!(found[0].tokens, expected, "{name}: {}", case["text"]);
    });
}

/// What transformers loads afterwards: the folder has the file's numbers as f32.
#[test]
fn a_saved_folder_is_the_same_model() {
    for name in MODELS {
        let loaded = open(name, bytes(&format!("gguf/{name}.gguf"))).unwrap();
        let precision = promot_core::model::tensors::Precision::F32;
        let mut files = pollster::block_on(folder::save(&loaded, precision)).unwrap();
        let mut take = |name: &str| files.remove(name).unwrap();
        let again = ModelFiles {
            config: take("config.json"),
            weights: vec![("model.safetensors".to_owned(), take("model.safetensors"))],
            tokenizer: folder::TokenizerFile::Json(take("tokenizer.json")),
            side: files,
        };
        let again = folder::load(name, &again, &Device::flex()).unwrap();
        let weights = |loaded: &LoadedModel| {
            pollster::block_on(folder::weights(&loaded.model, &loaded.config)).unwrap()
        };
        assert_eq!(weights(&again), weights(&loaded));
        let text = "It's 1984.";
        assert_eq!(again.tokenizer.encode_input(text).unwrap(), loaded.tokenizer.encode_input(text).unwrap());
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let whole = bytes("gguf/llama.gguf");
    for end in (0..400).chain((400..whole.len()).step_by(997)) {
        let problem = open("cut", whole[..end].to_vec()).map(|_| ()).unwrap_err().to_string();
        assert!(problem.contains("cut"), "{end} bytes: {problem}");
    }
}

/// Every byte of the header changed in turn: an error, or another model, and never more memory than the file's.
#[test]
fn a_damaged_header_is_no_crash() {
    let whole = bytes("gguf/llama.gguf");
    let end = whole.windows(17).position(|window| window == b"token_embd.weight").unwrap() + 1500;
    for at in (0..end).step_by(3) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        let _ = open("damaged", damaged);
    }
}

#[test]
fn what_is_not_known_is_named() {
    // The file with these bytes in the place of those, where they first stand.
    let with = |file: &str, from: &[u8], to: &[u8]| {
        let mut bytes = bytes(&format!("gguf/{file}.gguf"));
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
        open("other.gguf", bytes).map(|_| ()).unwrap_err().to_string()
    };
    let problem = |file: &str, from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        with(file, from.as_bytes(), to.as_bytes())
    };
    // Two of the low frequencies, which are divided by 8 in Llama 3.1.
    let [eight, nine] = [8f32, 9f32].map(|factor| [factor.to_le_bytes(), factor.to_le_bytes()].concat());
    assert_eq!(
        with("llama3", &eight, &nine),
        "`rope_freqs.weight` of other.gguf: expected the scaling of Llama 3 over 8192 positions, found other numbers",
    );
    assert_eq!(
        problem("llama", "smollm", "gemma3"),
        "tokenizer.ggml.pre of other.gguf: expected gpt-2, smollm, llama-bpe or qwen2 (or a tokenizer.json beside the file), found `gemma3`",
    );
    assert_eq!(
        problem("llama", "gpt2", "bert"),
        "tokenizer.ggml.model of other.gguf: expected gpt2, byte-level BPE (or a tokenizer.json beside the file), found `bert`",
    );
    assert_eq!(
        problem("qwen2", "qwen2", "gpt-j"),
        "general.architecture of other.gguf: expected one of llama, qwen2, qwen3, found `gpt-j`",
    );
}

#[test]
fn an_answer_goes_on_at_once_from_an_input_that_ends_in_white_space() {
    let model = open("llama", bytes("gguf/llama.gguf")).unwrap();
    let tokenizer = &model.tokenizer;
    for (input, whole) in [("it is", "it is so"), ("it is\n", "it is\nso"), ("it is ", "it is so")] {
        let mut ids = tokenizer.encode_input(input).unwrap();
        ids.extend(tokenizer.encode_open_target(input, "so").unwrap());
        assert_eq!(tokenizer.decode_all(&ids).unwrap(), whole, "{input:?}");
    }
}
