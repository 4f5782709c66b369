use serde_json::Value;

use super::*;
use crate::model::tensors::{HostTensor, to_safetensors};

fn prompt() -> Matrix {
    Matrix { shape: [4, 2], values: (0..8).map(|n| n as f32 / 2.0).collect() }
}

fn lora() -> LoraLayers {
    let layer = |d_in: usize, rank: usize, d_out: usize, scale: f64| {
        let tensor = |rows: usize, columns: usize| HostTensor {
            shape: vec![rows, columns],
            values: (0..rows * columns).map(|n| n as f32 - 2.5).collect(),
        };
        LoraLayer { a: tensor(d_in, rank), b: tensor(rank, d_out), scale }
    };
    LoraLayers::from([
        ("blocks.0.q".to_owned(), layer(3, 2, 4, 2.0)),
        ("blocks.0.wi".to_owned(), layer(3, 1, 5, 2.0)),
        ("blocks.1.q".to_owned(), layer(3, 2, 4, 0.75)),
    ])
}

fn module(path: &str) -> Option<String> {
    Some(format!("model.{}", path.strip_prefix("blocks.")?))
}

/// As a file has it.
fn named() -> LoraLayers {
    lora().into_iter().map(|(path, layer)| (module(&path).unwrap(), layer)).collect()
}

fn reread(files: &BTreeMap<String, Vec<u8>>) -> Result<Adapter> {
    read("folder", &files[CONFIG_FILE], &files[WEIGHTS_FILE])
}

/// The files with one setting of the configuration changed.
fn with(files: &BTreeMap<String, Vec<u8>>, setting: &str, value: Value) -> BTreeMap<String, Vec<u8>> {
    let mut files = files.clone();
    let mut config: Value = serde_json::from_slice(&files[CONFIG_FILE]).unwrap();
    config[setting] = value;
    files.insert(CONFIG_FILE.into(), config.to_string().into_bytes());
    files
}

fn problem(files: &BTreeMap<String, Vec<u8>>) -> String {
    reread(files).unwrap_err().to_string()
}

#[test]
fn a_prompt_is_read_back_as_it_was_written() {
    let files = write_prompt(&prompt(), "mini", TaskType::Seq2SeqLm).unwrap();
    assert_eq!(reread(&files).unwrap(), Adapter::Prompt(prompt()));
    assert_eq!(read_prompt("folder", &files[CONFIG_FILE], &files[WEIGHTS_FILE]).unwrap(), prompt());
}

#[test]
fn halves_are_widened() {
    let tensor = HostTensor { shape: vec![4, 2], values: prompt().values };
    let weights = HostTensors::from([("prompt_embeddings".to_owned(), tensor)]);
    let mut files = write_prompt(&prompt(), "mini", TaskType::Seq2SeqLm).unwrap();
    files.insert(WEIGHTS_FILE.into(), to_safetensors(&weights, Precision::F16).unwrap());
    assert_eq!(reread(&files).unwrap(), Adapter::Prompt(prompt()));
}

#[test]
fn of_a_doubled_prompt_the_encoder_half_is_taken() {
    let files =
        with(&write_prompt(&prompt(), "mini", TaskType::Seq2SeqLm).unwrap(), "num_virtual_tokens", 2.into());
    assert_eq!(
        problem(&files),
        "folder/adapter_model.safetensors: expected 2 rows (num_virtual_tokens), found 4"
    );
    let files = with(&files, "num_transformer_submodules", 2.into());
    let half = Matrix { shape: [2, 2], values: vec![0.0, 0.5, 1.0, 1.5] };
    assert_eq!(reread(&files).unwrap(), Adapter::Prompt(half));
}

#[test]
fn other_kinds_of_adapters_are_refused_with_the_known_ones() {
    let files = write_prompt(&prompt(), "mini", TaskType::Seq2SeqLm).unwrap();
    assert_eq!(
        problem(&with(&files, "peft_type", "PREFIX_TUNING".into())),
        "folder/adapter_config.json: expected peft_type PROMPT_TUNING or LORA or IA3, found PREFIX_TUNING"
    );
    let lora = write_lora(&named(), "mini", TaskType::Seq2SeqLm, false).unwrap();
    let error = read_prompt("folder", &lora[CONFIG_FILE], &lora[WEIGHTS_FILE]).unwrap_err().to_string();
    assert_eq!(error, "folder/adapter_config.json: expected peft_type PROMPT_TUNING, found LORA");
}

#[test]
fn ia3_of_other_shapes_or_with_whole_modules_is_refused() {
    let of = |shape: &[usize]| {
        let values = vec![0.5; shape.iter().product()];
        let tensor = HostTensor { shape: shape.to_vec(), values };
        let weights = HostTensors::from([("base_model.model.h.0.k.ia3_l".to_owned(), tensor)]);
        folder(&serde_json::json!({"peft_type": "IA3", "modules_to_save": null}), &weights).unwrap()
    };
    let read = |shape: &[usize]| match reread(&of(shape)).unwrap() {
        Adapter::Ia3(mut layers) => layers.remove("h.0.k").unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&[1, 3]), Ia3Layer::Inputs(vec![0.5; 3]));
    assert_eq!(read(&[3, 1]), Ia3Layer::Outputs(vec![0.5; 3]));
    let error = problem(&of(&[2, 2]));
    assert!(error.contains("ia3_l`: expected [d_out, 1] or [1, d_in], found [2, 2]"), "{error}");
    let error = problem(&with(&of(&[3, 1]), "modules_to_save", serde_json::json!(["lm_head"])));
    assert!(error.contains("modules_to_save") && error.contains("not supported"), "{error}");
}

#[test]
fn lora_is_read_back_with_its_own_ranks_and_scales() {
    let files = write_lora(&named(), "mini", TaskType::Seq2SeqLm, false).unwrap();
    let Adapter::Lora(found) = reread(&files).unwrap() else { panic!("no LoRA") };
    assert_eq!(found.keys().collect::<Vec<_>>(), ["model.0.q", "model.0.wi", "model.1.q"]);
    let paths = ["blocks.0.k", "blocks.0.q", "blocks.0.wi", "blocks.1.q"];
    assert_eq!(by_path(found.clone(), paths, &module).unwrap(), lora());
    let error = by_path(found, ["blocks.0.q"], &module).unwrap_err().to_string();
    assert!(error.contains("`model.0.wi`") && error.contains("`model.1.q`"), "{error}");
}

#[test]
fn patterns_fit_the_end_of_a_name_as_regular_expressions() {
    let files = write_lora(&named(), "mini", TaskType::Seq2SeqLm, false).unwrap();
    let alpha: Value = serde_json::json!({"q": 8, "model.*": 1});
    let Adapter::Lora(found) = reread(&with(&files, "alpha_pattern", alpha)).unwrap() else { panic!() };
    let scales: Vec<f64> = found.values().map(|layer| layer.scale).collect();
    assert_eq!(scales, [4.0, 1.0, 4.0]);
    let Adapter::Lora(found) = reread(&with(&files, "use_rslora", true.into())).unwrap() else { panic!() };
    assert!((found["model.0.q"].scale - 4.0 / 2f64.sqrt()).abs() < 1e-12);
}

#[test]
fn settings_that_would_change_the_outputs_are_refused() {
    let files = write_lora(&named(), "mini", TaskType::Seq2SeqLm, false).unwrap();
    for (setting, value) in [
        ("use_dora", Value::Bool(true)),
        ("modules_to_save", serde_json::json!(["lm_head"])),
        ("bias", "all".into()),
        ("init_lora_weights", "pissa_niter_4".into()),
    ] {
        let error = problem(&with(&files, setting, value));
        assert!(error.contains("adapter_config.json") && error.contains(setting), "{error}");
    }
    let error = problem(&with(&files, "rank_pattern", serde_json::json!({})));
    assert!(error.contains("module model.0.wi: expected factors [2, d_in]"), "{error}");
    let mut weights = tensors::from_safetensors(&files[WEIGHTS_FILE], "").unwrap();
    let tensor = weights.remove("base_model.model.model.0.q.lora_B.weight").unwrap();
    let mut damaged = files.clone();
    damaged.insert(WEIGHTS_FILE.into(), to_safetensors(&weights, Precision::F32).unwrap());
    assert!(problem(&damaged).contains("a tensor `base_model.model.model.0.q.lora_B.weight`"));
    weights.insert("base_model.model.model.shared.lora_embedding_A".into(), tensor);
    damaged.insert(WEIGHTS_FILE.into(), to_safetensors(&weights, Precision::F32).unwrap());
    assert!(problem(&damaged).contains("lora_embedding_A"));
}
