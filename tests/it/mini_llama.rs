//! The bundled decoder-only model against Hugging Face transformers, which loads its folder as any other: see
//! `tests/golden/mini-llama/make_mini_llama.py`.

use promot_core::decode::{self, Batching, SearchSettings};
use promot_core::model::Pass;
use promot_core::model::folder::LoadedModel;
use promot_core::spec::LengthPenalty;
use promot_world::PretrainSpec;
use serde_json::Value;

use crate::golden::{assert_close, batch, json, layout, tensors, values};
use crate::parity::ids;
use crate::shipped;

fn cases() -> Vec<Value> {
    json("mini-llama/golden.json")["cases"].as_array().unwrap().clone()
}

fn model() -> LoadedModel {
    shipped::bundled("mini-llama")
}

#[test]
fn prompts_have_the_ids_and_the_logits_of_the_reference() {
    let (model, (golden, _)) = (model(), tensors("mini-llama/golden.safetensors"));
    let (cases, width) = (cases(), model.config.vocab_size());
    assert_eq!(golden["logits"].shape, [cases.len(), width]);
    for (case, expected) in cases.iter().zip(golden["logits"].values.chunks(width)) {
        let prompt = case["prompt"].as_str().unwrap();
        let input = model.tokenizer.encode_input(prompt).unwrap();
        assert_eq!(input, ids(&case["ids"]), "{prompt}");
        let logits = model.model.logits(&batch(&[(input, vec![0])], 1), &mut Pass::eval());
        assert_close(prompt, &values(logits), expected, 1e-4);
    }
}

#[test]
fn log_probabilities_of_answers_equal_the_reference() {
    let (model, cases) = (model(), cases());
    let rows: Vec<_> = cases.iter().map(|case| (ids(&case["ids"]), ids(&case["greedy"])).into()).collect();
    let scores = pollster::block_on(decode::score(&model.model, &rows, &layout(1, 2), 4)).unwrap();
    for (case, score) in cases.iter().zip(&scores) {
        let expected: Vec<f64> = serde_json::from_value(case["logprobs"].clone()).unwrap();
        assert_eq!(score.token_logprobs.len(), expected.len());
        for (found, expected) in score.token_logprobs.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-4, "{}: {found} {expected}", case["prompt"]);
        }
    }
}

#[test]
fn answers_equal_the_reference() {
    let (model, cases) = (model(), cases());
    let most = json("mini-llama/golden.json")["max_new_tokens"].as_u64().unwrap() as usize;
    let inputs: Vec<Vec<u32>> = cases.iter().map(|case| ids(&case["ids"])).collect();
    for (way, (beams, field)) in [(1, "greedy"), (4, "beams")].into_iter().enumerate() {
        let settings = SearchSettings {
            beams,
            max_new_tokens: most,
            min_new_tokens: 0,
            length_penalty: LengthPenalty::HuggingFace,
            alpha: 0.0,
            decoder_start_id: model.config.start(),
            eos: model.tokenizer.stops.clone(),
        };
        let batching = Batching { rows: 4, layout: layout(1, 1), suppressed: &[] };
        let mut quiet = |_| Ok(());
        let found = decode::generate(&model.model, &inputs, &settings, batching, &mut quiet);
        for (case, found) in cases.iter().zip(pollster::block_on(found).unwrap()) {
            assert_eq!(found.tokens, ids(&case[field]), "{field} of {}", case["prompt"]);
            assert_eq!(
                model.tokenizer.decode(&found.tokens).unwrap(),
                case["texts"][way],
                "{}",
                case["prompt"]
            );
        }
    }
}

/// What the folder holds is what the spec says, without an end behind the inputs that transformers reads.
#[test]
fn the_folder_is_the_specs() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../world/presets/pretrain-mini-llama.toml");
    let spec: PretrainSpec = toml::from_str(&std::fs::read_to_string(root).unwrap()).unwrap();
    let (model, config) = (model(), json("../../public/models/mini-llama/config.json"));
    for (field, expected) in [
        ("hidden_size", spec.d_model),
        ("intermediate_size", spec.d_ff),
        ("num_hidden_layers", spec.layers),
        ("num_attention_heads", spec.heads),
        ("num_key_value_heads", spec.kv_heads.unwrap()),
    ] {
        assert_eq!(config[field], expected, "{field}");
    }
    assert_eq!(config["architectures"][0], "LlamaForCausalLM");
    assert_eq!(model.model.has_own_head(), !spec.tied);
    let ids = model.tokenizer.encode("Ada sees a dog.").unwrap();
    assert_ne!(ids.last(), Some(&model.tokenizer.eos));
}
