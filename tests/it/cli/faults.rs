//! Faults that users of similar programs reported, of every kind: input that is odd but right is read, and what cannot be
//! right is refused with a line that says what to do.

use promot_core::model::tensors::{HostTensors, Precision, from_safetensors, to_safetensors};
use serde_json::json;

use super::decoder_only::model as causal;
use super::*;

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f\nsize 307867048\n";
const PAGE: &str = "\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n";

/// Replaces a field of a JSON file.
fn set(place: &Place, file: &str, field: &str, value: Value) {
    let mut json: Value = serde_json::from_str(place.read(file).trim_start_matches('\u{feff}')).unwrap();
    json[field] = value;
    place.write(file, json.to_string());
}

fn weights(place: &Place, model: &str) -> HostTensors {
    from_safetensors(&fs::read(place.path(model).join("model.safetensors")).unwrap(), "weights").unwrap()
}

fn write_weights(place: &Place, model: &str, tensors: &HostTensors, precision: Precision) {
    fs::write(place.path(model).join("model.safetensors"), to_safetensors(tensors, precision).unwrap())
        .unwrap();
}

fn pairs(place: &Place) {
    place.write("pairs.jsonl", "{\"input\": \"the red fox\", \"target\": \"a dog\"}\n");
    place.write("in.txt", "the red fox\n");
}

fn score(model: &str) -> Vec<&str> {
    vec!["score", "--model", model, "--device", "cpu", "--pairs", "pairs.jsonl"]
}

fn generate(model: &str) -> Vec<&str> {
    vec![
        "generate",
        "--model",
        model,
        "--device",
        "cpu",
        "--input-file",
        "in.txt",
        "--beams",
        "1",
        "--max-new",
        "6",
    ]
}

/// A T5 and a decoder-only model.
fn both(place: &Place) -> [String; 2] {
    pairs(place);
    [place.model().to_owned(), causal(place, "llama")]
}

#[test]
fn what_stands_in_a_files_place_is_named() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let place = Place::new();
        for model in both(&place) {
            let file = place.path(&model).join(name);
            fs::write(&file, POINTER).unwrap();
            place.bad(&generate(&model), 1, &[name, "Git LFS pointer", "307867048", "git lfs pull"]);
            fs::write(&file, PAGE).unwrap();
            place.bad(&generate(&model), 1, &[name, "a web page"]);
            fs::write(&file, "Entry not found").unwrap();
            place.bad(&generate(&model), 1, &[name, "hub"]);
        }
    }
    let place = Place::new();
    place.model();
    pairs(&place);
    fs::remove_file(place.path("model/tokenizer.json")).unwrap();
    for (stand_in, part) in [(POINTER, "Git LFS"), (PAGE, "a web page")] {
        place.write("model/spiece.model", stand_in);
        place.bad(&score("model"), 1, &["spiece.model", part]);
    }
    place.write("model/model.safetensors", "{\"error\": \"no such thing\"}");
    place.bad(&generate("model"), 1, &["model.safetensors", "it is text, not safetensors", "no such thing"]);
    place.write("pairs.jsonl", POINTER);
    place.bad(&score("model"), 1, &["pairs.jsonl", "Git LFS"]);
    place.bad(&["metric", "em", "--hyp", "pairs.jsonl", "--ref", "in.txt"], 1, &["pairs.jsonl", "Git LFS"]);
    place.bad(&["run", "--spec", "pairs.jsonl"], 1, &["pairs.jsonl", "Git LFS"]);
}

#[test]
fn adapters_that_are_none_are_told() {
    let place = Place::new();
    let [model, _] = both(&place);
    fs::create_dir(place.path("adapter")).unwrap();
    let config = json!({"peft_type": "PROMPT_TUNING", "task_type": "SEQ_2_SEQ_LM", "num_virtual_tokens": 2,
        "num_transformer_submodules": null});
    place.write("adapter/adapter_config.json", config.to_string());
    let with = [generate(&model), vec!["--prompt", "adapter"]].concat();
    let write = |tensors: &HostTensors| {
        place.write("adapter/adapter_model.safetensors", to_safetensors(tensors, Precision::F32).unwrap());
    };
    let prompt = |rows: usize, value: f32| {
        let tensor =
            promot_core::model::tensors::HostTensor { shape: vec![rows, 32], values: vec![value; rows * 32] };
        HostTensors::from([("prompt_embeddings".to_owned(), tensor)])
    };
    write(&HostTensors::new());
    place.bad(&with, 1, &["adapter_model.safetensors", "expected the adapter's tensors, found none"]);
    write(&prompt(2, f32::NAN));
    place.bad(&with, 1, &["`prompt_embeddings`", "adapter_model.safetensors", "finite", "NaN"]);
    // PEFT's default, null, is two copies for an encoder-decoder; one is what promot and others write.
    write(&prompt(2, 0.5));
    let one = place.good(&with);
    write(&prompt(4, 0.5));
    assert_eq!(place.good(&with), one);
    write(&prompt(3, 0.5));
    place.bad(&with, 1, &["num_virtual_tokens", "found 3"]);
    place.write("adapter/adapter_model.safetensors", POINTER);
    place.bad(&with, 1, &["adapter_model.safetensors", "Git LFS"]);
    fs::remove_file(place.path("adapter/adapter_model.safetensors")).unwrap();
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/torch/code.bin");
    fs::copy(&code, place.path("adapter/adapter_model.bin")).unwrap();
    place.bad(&with, 1, &["`posix.system`", "never run"]);
    fs::remove_file(place.path("model/model.safetensors")).unwrap();
    fs::copy(&code, place.path("model/pytorch_model.bin")).unwrap();
    place.bad(&generate(&model), 1, &["pytorch_model.bin", "`posix.system`", "never run"]);
    assert!(!place.path("ran").exists());
}

#[test]
fn the_embedding_is_found_under_any_of_its_names() {
    const NAMES: [&str; 3] = ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];
    let place = Place::new();
    let [model, _] = both(&place);
    let (expected, tensors) = (place.good(&score(&model)), weights(&place, &model));
    let under = |names: &[&str]| {
        let mut tensors = tensors.clone();
        let table = tensors.remove(NAMES[0]).unwrap();
        tensors.extend(names.iter().map(|name| ((*name).to_owned(), table.clone())));
        tensors
    };
    for names in [&NAMES[..1], &NAMES[1..2], &NAMES[2..], &NAMES[1..], &NAMES] {
        write_weights(&place, &model, &under(names), Precision::F32);
        assert_eq!(place.good(&score(&model)), expected, "{names:?}");
    }
    let mut differ = under(&NAMES[1..]);
    differ.get_mut(NAMES[2]).unwrap().values[5] += 1.0;
    write_weights(&place, &model, &differ, Precision::F32);
    place.bad(&score(&model), 1, &[NAMES[1], NAMES[2], "differ"]);
    set(&place, "model/config.json", "tie_word_embeddings", json!(false));
    write_weights(&place, &model, &under(&[]), Precision::F32);
    place.bad(&score(&model), 1, &["`shared.weight` is missing"]);
    // A head that config.json unties is needed; one that is tied may stand for the embedding.
    let mut headless = tensors.clone();
    let head = headless.remove("lm_head.weight").unwrap();
    write_weights(&place, &model, &headless, Precision::F32);
    place.bad(&score(&model), 1, &["`lm_head.weight` is missing", "not tied"]);
    set(&place, "model/config.json", "tie_word_embeddings", json!(true));
    let tied = place.good(&score(&model));
    headless.remove(NAMES[0]);
    headless.insert("lm_head.weight".into(), tensors[NAMES[0]].clone());
    assert_ne!(head, tensors[NAMES[0]]);
    write_weights(&place, &model, &headless, Precision::F32);
    assert_eq!(place.good(&score(&model)), tied);
}

#[test]
fn names_that_wrappers_lengthen_are_known() {
    let place = Place::new();
    for model in both(&place) {
        let (expected, tensors) = (place.good(&score(&model)), weights(&place, &model));
        for before in
            ["_orig_mod.", "module.", "model.", "model.module._orig_mod.", "module._fsdp_wrapped_module."]
        {
            let renamed = tensors.iter().map(|(name, tensor)| (format!("{before}{name}"), tensor.clone()));
            write_weights(&place, &model, &renamed.collect(), Precision::F32);
            assert_eq!(place.good(&score(&model)), expected, "{model}: {before}");
        }
        let inner = |name: &str| name.replacen(".0.", ".0._orig_mod.", 1);
        let renamed = tensors.iter().map(|(name, tensor)| (inner(name), tensor.clone())).collect();
        write_weights(&place, &model, &renamed, Precision::F32);
        assert_eq!(place.good(&score(&model)), expected, "{model}");
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_at_once() {
    let place = Place::new();
    let [t5, llama] = both(&place);
    let huge = json!(99_999_999_999u64);
    for (model, fields) in [
        (&t5, ["vocab_size", "d_model", "num_layers", "num_heads", "d_kv", "d_ff"]),
        (
            &llama,
            [
                "vocab_size",
                "hidden_size",
                "num_hidden_layers",
                "num_attention_heads",
                "num_key_value_heads",
                "intermediate_size",
            ],
        ),
    ] {
        let file = format!("{model}/config.json");
        let before = place.read(&file);
        for field in fields {
            for value in [&huge, &json!(1_000_000), &json!(u64::MAX)] {
                set(&place, &file, field, value.clone());
                place.bad(&score(model), 1, &[]);
            }
            for value in [json!(0), json!(-1), json!("many"), json!(1.5), json!([8])] {
                set(&place, &file, field, value);
                place.bad(&score(model), 1, &[field, "config.json"]);
            }
            place.write(&file, &before);
        }
    }
    let file = "model/config.json";
    for (field, value) in [
        ("relative_attention_num_buckets", huge.clone()),
        ("relative_attention_num_buckets", json!(0)),
        ("num_decoder_layers", huge),
        ("layer_norm_epsilon", json!("small")),
        ("decoder_start_token_id", json!(5000)),
        ("eos_token_id", json!("</s>")),
    ] {
        let before = place.read(file);
        set(&place, file, field, value);
        place.bad(&score(&t5), 1, &[]);
        place.write(file, &before);
    }
    set(&place, file, "model_type", json!("bart"));
    place.bad(&score(&t5), 1, &["model_type", "t5, mt5, umt5, llama", "`bart`"]);
    set(&place, file, "model_type", json!(null));
    place.bad(&score(&t5), 1, &["model_type", "found none"]);
}

/// The vocabulary has a hole, so that its largest id is no row of the embedding.
#[test]
fn an_id_beyond_the_embedding_is_an_error_of_the_text_that_has_it() {
    let place = Place::new();
    pairs(&place);
    let model = causal(&place, "gpt-neox");
    let file = format!("{model}/tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&place.read(&file)).unwrap();
    let size: Value = serde_json::from_str(&place.read(&format!("{model}/config.json"))).unwrap();
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    *vocabulary.get_mut("Ġfox").unwrap_or_else(|| panic!("no fox")) = json!(4500);
    place.write(&file, tokenizer.to_string());
    let size = format!("vocab_size {}", size["vocab_size"]);
    for args in [generate(&model), score(&model), vec!["tokenize", "--model", &model, "--file", "in.txt"]] {
        place.bad(&args, 1, &["tokenizer", "4500", &size]);
    }
    place.write("in.txt", "a dog\n");
    place.good(&generate(&model));
}

#[test]
fn numbers_that_are_not_finite_are_found() {
    for (value, precision) in [
        (f32::NAN, Precision::F32),
        (f32::INFINITY, Precision::F16),
        (f32::NEG_INFINITY, Precision::F32),
        // Beyond what half precision can hold.
        (1e6, Precision::F16),
    ] {
        let place = Place::new();
        for model in both(&place) {
            let mut tensors = weights(&place, &model);
            let name = tensors.keys().nth(3).unwrap().clone();
            tensors.get_mut(&name).unwrap().values[1] = value;
            write_weights(&place, &model, &tensors, precision);
            let quoted = format!("`{name}`");
            place.bad(&score(&model), 1, &[&quoted, "finite", "1 of"]);
            place.bad(&generate(&model), 1, &[&quoted, "finite"]);
        }
    }
    // Finite weights, but what comes out is not.
    let place = Place::new();
    for model in both(&place) {
        let mut tensors = weights(&place, &model);
        for (name, tensor) in &mut tensors {
            if name.contains("norm") || name.starts_with("lm_head") {
                tensor.values.iter_mut().for_each(|value| *value *= 1e30);
            }
        }
        write_weights(&place, &model, &tensors, Precision::F32);
        place.bad(&score(&model), 1, &["of the model", "finite"]);
        place.bad(&generate(&model), 1, &["logits", "finite"]);
    }
    for value in [f32::NAN, f32::INFINITY] {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 32), }\n";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend([value; 32].iter().flat_map(|value| value.to_le_bytes()));
        place.write("prompt.npy", bytes);
        place.bad(&[score("model"), vec!["--prompt", "prompt.npy"]].concat(), 1, &["prompt.npy", "finite"]);
    }
}

/// Ids that are one, several or none, in config.json and generation_config.json.
#[test]
fn outputs_end_by_any_end_that_the_files_name() {
    let place = Place::new();
    for model in both(&place) {
        let ids = |args: &[&str]| json_lines(&place.good(args))[0]["output"].as_str().unwrap().to_owned();
        let args = generate(&model);
        let file = format!("{model}/config.json");
        let whole = ids(&args);
        // One of the tokens that the answer has, by trying all.
        let size = serde_json::from_str::<Value>(&place.read(&file)).unwrap()["vocab_size"].as_u64().unwrap();
        let before = place.read(&file);
        let side = place.path(&model).join("generation_config.json");
        let kept = fs::read(&side).ok();
        let _ = fs::remove_file(&side);
        let end = (3..size).find(|id| {
            set(&place, &file, "eos_token_id", json!([1, id]));
            let cut = ids(&args);
            cut.len() < whole.len() && whole.starts_with(&cut)
        });
        let end = end.unwrap_or_else(|| panic!("{model}: no token ends `{whole}`"));
        let cut = ids(&args);
        place.write(&file, &before);
        fs::write(&side, json!({"eos_token_id": [1, end]}).to_string()).unwrap();
        assert_eq!(ids(&args), cut, "{model}");
        fs::write(&side, json!({"eos_token_id": end, "pad_token_id": null}).to_string()).unwrap();
        assert_eq!(ids(&args), cut, "{model}");
        fs::write(&side, json!({"eos_token_id": null}).to_string()).unwrap();
        assert_eq!(ids(&args), whole, "{model}");
        if let Some(kept) = kept {
            fs::write(&side, kept).unwrap();
        }
        set(&place, &file, "pad_token_id", json!(null));
        set(&place, &file, "torch_dtype", json!(null));
        set(&place, &file, "dtype", json!("bfloat16"));
        place.good(&args);
    }
}
