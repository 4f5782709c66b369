//! Decoder-only models against Hugging Face transformers and PEFT: see `tests/golden/causal/make_causal.py`.

use burn::tensor::Device;
use promot_core::decode::{self, Batching, SearchSettings};
use promot_core::loss::{LossSettings, reduce, token_losses};
use promot_core::model::folder::{self, ModelFiles};
use promot_core::model::tensors::{HostTensor, HostTensors, Precision, from_safetensors, to_safetensors};
use promot_core::model::{Dropout, Lora, Model, ModelConfig, Pass, causal};
use promot_core::peft::{self, Adapter, TaskType};
use promot_core::spec::LengthPenalty;
use promot_core::train::{accumulate, set_trainable};
use serde_json::{Value, json};

use crate::golden::{self, CAUSAL, Family, TOLERANCE, assert_close, bytes, files, layout, method, values};
use crate::parity::{ids, only_real};

fn each(test: impl Fn(&Family, bool)) {
    for family in Family::every_causal() {
        test(&family, false);
        test(&family, true);
    }
}

fn logits(model: &Model, family: &Family) -> Vec<f32> {
    let batch = family.batch();
    only_real(&batch, &values(model.logits(&batch, &mut Pass::eval())), model.vocab_size())
}

#[test]
fn logits_of_target_tokens_equal_the_reference() {
    each(|family, prompt| {
        let what = format!("logits of {}, prompt {prompt}", family.name);
        let found = logits(&family.model(prompt), family);
        assert_close(&what, &found, family.expected("logits", prompt), TOLERANCE);
    });
}

/// The last block computes only what is asked for, unless somebody sees its states.
#[test]
fn hidden_states_that_are_seen_and_that_are_not_give_the_same() {
    each(|family, prompt| {
        let (model, batch) = (family.model(prompt), family.batch());
        let only = values(model.hidden(&batch, &mut Pass::eval()));
        let mut widths = Vec::new();
        let mut see = |_, x: burn::tensor::Tensor<3>| {
            widths.push(x.dims()[1]);
            x
        };
        let all = values(model.hidden(&batch, &mut Pass::eval().with_hook(&mut see)));
        assert!(widths.iter().all(|width| *width == widths[0]), "{}: {widths:?}", family.name);
        let width = family.loaded.config.d_model();
        assert_close(
            family.name,
            &only_real(&batch, &only, width),
            &only_real(&batch, &all, width),
            TOLERANCE,
        );
    });
}

#[test]
fn token_log_probabilities_equal_the_reference() {
    each(|family, prompt| {
        let pairs = family.json["score"][usize::from(prompt)]["pairs"].as_array().unwrap();
        let rows: Vec<_> = family.pairs.iter().cloned().map(Into::into).collect();
        for (layout, batch) in [(layout(1, 1), 3), (layout(16, 2), 4)] {
            let model = family.model(prompt);
            let scores = pollster::block_on(decode::score(&model, &rows, &layout, batch)).unwrap();
            for (score, pair) in scores.iter().zip(pairs) {
                let expected = pair["token_logprobs"].as_array().unwrap();
                assert_eq!(score.token_logprobs.len(), expected.len());
                for (found, expected) in score.token_logprobs.iter().zip(expected) {
                    let apart = (found - expected.as_f64().unwrap()).abs();
                    assert!(apart < 1e-4, "{}, prompt {prompt}: {apart}", family.name);
                }
            }
        }
    });
}

#[test]
fn smoothed_losses_equal_the_reference() {
    each(|family, prompt| {
        let (model, batch, device) = (family.model(prompt), family.batch(), Device::flex());
        let settings = LossSettings { label_smoothing: 0.1, z_loss: 1e-4 };
        for (name, settings) in [("plain", LossSettings::default()), ("smoothed", settings)] {
            let logits = model.logits(&batch, &mut Pass::eval());
            let losses = token_losses(logits, batch.target_ids(&device), settings);
            let loss = values(reduce(losses, batch.target_mask(&device), batch.target_tokens() as f64));
            let expected = family.json["losses"][format!("{}loss", golden::prefix(prompt))][name].as_f64();
            assert_close(name, &loss, &[expected.unwrap() as f32], 1e-5);
        }
    });
}

/// Of every parameter for one model of each layout, and of the prompt for all.
#[test]
fn gradients_equal_the_reference() {
    each(|family, prompt| {
        let method = method(if prompt { "prompt-tuning" } else { "fine-tuning" });
        let model = set_trainable(family.model(prompt), &|path| method.trainable(path));
        for parts in [1, 3] {
            let batches = promot_core::batch::Batch::micro_batches(
                family.pairs.iter().cloned().map(Into::into).collect(),
                &layout(1, 1),
                parts,
            );
            let parts: Vec<_> = batches.into_iter().map(Into::into).collect();
            let done = accumulate(&model, &*method, &parts, 1, LossSettings::default(), &mut Dropout::off());
            assert_close("loss", &values(done.loss), family.expected("loss", prompt), TOLERANCE);
            compare_gradients(family, prompt, done.grads);
        }
    });
}

fn compare_gradients(family: &Family, prompt: bool, grads: promot_core::optim::Grads) {
    if prompt {
        let found = values(grads.0["prompt.value"].clone());
        let expected = family.expected("grad.prompt", true);
        return assert_close(&format!("prompt of {}", family.name), &found, expected, 1e-4);
    }
    let ModelConfig::Causal(config) = &family.loaded.config else { panic!("no decoder-only model") };
    let expected: Vec<&String> =
        family.golden.keys().filter(|key| key.starts_with("grad.") && *key != "grad.prompt").collect();
    if expected.is_empty() {
        return;
    }
    let named = |(path, grad): (String, burn::tensor::Tensor<2>)| {
        let (name, transposed) = causal::names::hugging_face(&path.parse().unwrap(), config.family).unwrap();
        let shape = if path.parse::<promot_core::model::ParamPath>().unwrap().bias { 1 } else { 2 };
        let shape = grad.dims()[2 - shape..].to_vec();
        let tensor = HostTensor { shape, values: values(grad) };
        (name, if transposed { tensor.transposed() } else { tensor })
    };
    let found: HostTensors = grads.0.into_iter().map(named).collect();
    let found = causal::load::fused(found, config);
    assert_eq!(found.len(), expected.len(), "{}", family.name);
    // The gradient of a bias of keys is 0 but for rounding, since a softmax does not see it: judged with the whole.
    let largest = |tensor: &HostTensor| tensor.values.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for key in expected {
        let (name, expected) = (key.strip_prefix("grad.").unwrap(), &family.golden[key]);
        // Its name in memory; in a file it is the other one.
        let neox_head = family.name == "gpt-neox" && name == "lm_head.weight";
        let name = if neox_head { "embed_out.weight" } else { name };
        if largest(expected) < 1e-5 {
            assert!(largest(&found[name]) < 1e-5, "{name}");
            continue;
        }
        assert_close(&format!("{name} of {}", family.name), &found[name].values, &expected.values, 1e-4);
    }
}

/// Greedy and beam search, with and without the prompt that PEFT attaches: ids, scores and texts.
#[test]
fn generated_texts_equal_the_reference() {
    each(|family, prompt| {
        let generation = &family.json["generation"];
        let inputs: Vec<Vec<u32>> = generation["inputs"].as_array().unwrap().iter().map(ids).collect();
        let cases = generation["cases"].as_array().unwrap().iter();
        let tokenizer = &family.loaded.tokenizer;
        let mut compared = 0;
        for case in cases.filter(|case| case["prompt"] == json!(prompt)) {
            let number = |name: &str| case[name].as_u64().unwrap() as usize;
            let settings = SearchSettings {
                beams: number("beams"),
                max_new_tokens: generation["max_new_tokens"].as_u64().unwrap() as usize,
                min_new_tokens: number("min_new_tokens"),
                length_penalty: LengthPenalty::HuggingFace,
                alpha: if number("beams") == 1 { 0.0 } else { case["length_penalty"].as_f64().unwrap() },
                decoder_start_id: family.loaded.config.start(),
                eos: tokenizer.stops.clone(),
            };
            for (rows, layout) in
                [(6, layout(1, 1)), (6, layout(16, 2)), (1, layout(1, 1)), (4, layout(8, 1))]
            {
                let batching = Batching { rows, layout, suppressed: &[] };
                let model = family.model(prompt);
                let mut progress = |_| Ok(());
                let found = decode::generate(&model, &inputs, &settings, batching, &mut progress);
                let found = pollster::block_on(found).unwrap();
                let what = format!("{}, {case}", family.name);
                for (row, found) in found.iter().enumerate() {
                    assert_eq!(found.tokens, ids(&case["ids"][row]), "row {row} of {what}");
                    let score = case["scores"][row].as_f64().unwrap();
                    assert!((found.score - score).abs() < 1e-4, "{} of row {row} of {what}", found.score);
                    let text = case["texts"][row].as_str().unwrap();
                    let answer = text.strip_prefix(' ').unwrap_or(text);
                    // transformers leaves an end in the text that is no special token; here the answer ends before it.
                    let last = found.tokens.last().filter(|last| tokenizer.stops.contains(last));
                    let end = last.map(|last| tokenizer.decode_all(&[*last]).unwrap()).unwrap_or_default();
                    let answer = answer.strip_suffix(end.as_str()).unwrap_or(answer);
                    assert_eq!(tokenizer.decode(&found.tokens).unwrap(), answer, "row {row} of {what}");
                }
            }
            compared += 1;
        }
        assert_eq!(compared, 6);
    });
}

#[test]
fn ids_of_inputs_and_targets_equal_the_reference() {
    for family in Family::every_causal() {
        let tokenizer = &family.loaded.tokenizer;
        assert!(tokenizer.is_decoder_only());
        for row in family.json["tokenizer"].as_array().unwrap() {
            let (input, target) = (row["input"].as_str().unwrap(), row["target"].as_str().unwrap());
            let (expected, whole) = (ids(&row["ids"]), ids(&row["whole"]));
            assert_eq!(tokenizer.encode_input(input).unwrap(), expected, "{input}");
            let found = tokenizer.encode_target(input, target).unwrap();
            let (last, found) = found.split_last().unwrap();
            assert_eq!(*last, tokenizer.eos);
            // `whole` has a space between the two, also after an input that ends in one.
            if !input.ends_with(' ')
                && let Some(rest) = whole.strip_prefix(expected.as_slice())
            {
                assert_eq!(found, rest, "{input} {target}");
            }
            assert_eq!(tokenizer.decode(found).unwrap().trim_start(), target);
        }
    }
}

#[test]
fn a_cut_input_keeps_its_beginning_token_and_its_end() {
    let words = Family::causal("llama").loaded.tokenizer;
    let ids = words.encode_input("the red fox sees a dog").unwrap();
    let cut = words.cut(ids.clone(), 4);
    assert_eq!((cut[0], &cut[1..]), (1, &ids[ids.len() - 3..]));
    assert_eq!(words.cut(ids.clone(), 100), ids);
    let bytes = Family::causal("gpt2").loaded.tokenizer;
    let ids = bytes.encode_input("the red fox sees a dog").unwrap();
    assert_eq!(bytes.cut(ids.clone(), 4), ids[ids.len() - 4..]);
    // Something must be there from which the first token is predicted.
    assert_eq!(bytes.encode_input("").unwrap(), [bytes.eos]);
    assert_eq!(words.encode_input("").unwrap(), [1]);
}

#[test]
fn the_prompt_that_peft_wrote_is_read_and_written() {
    let family = Family::causal("llama");
    let file = |name: &str| bytes(&format!("causal/prompt-peft/{name}"));
    let read = |config: &[u8], weights: &[u8]| match peft::read("prompt", config, weights).unwrap() {
        Adapter::Prompt(prompt) => prompt,
        _ => panic!("no prompt"),
    };
    let prompt = read(&file(peft::CONFIG_FILE), &file(peft::WEIGHTS_FILE));
    assert_eq!(prompt.values, family.golden["prompt"].values);
    let kind = TaskType::of(&family.loaded.model);
    let written = peft::write_prompt(&prompt, "llama", kind).unwrap();
    assert_eq!(read(&written[peft::CONFIG_FILE], &written[peft::WEIGHTS_FILE]), prompt);
    let config: Value = serde_json::from_slice(&written[peft::CONFIG_FILE]).unwrap();
    assert_eq!(config["task_type"], "CAUSAL_LM");
}

fn stored(files: &ModelFiles) -> HostTensors {
    from_safetensors(&files.weights[0].1, "the weights").unwrap()
}

fn with_weights(mut files: ModelFiles, tensors: &HostTensors) -> ModelFiles {
    files.weights = vec![("changed".into(), to_safetensors(tensors, Precision::F32).unwrap())];
    files
}

fn with_config(mut files: ModelFiles, field: &str, value: Value) -> ModelFiles {
    let mut config: Value = serde_json::from_slice(&files.config).unwrap();
    config[field] = value;
    files.config = serde_json::to_vec(&config).unwrap();
    files
}

fn load(files: &ModelFiles) -> Result<folder::LoadedModel, String> {
    folder::load("changed", files, &Device::flex()).map_err(|error| error.to_string())
}

fn whole(name: &str) -> ModelFiles {
    files("causal", name, &["model.safetensors"])
}

/// Bit for bit, with the configuration and the files beside it.
#[test]
fn what_is_saved_is_what_was_loaded() {
    for name in CAUSAL {
        let (files, family) = (whole(name), Family::causal(name));
        let saved = pollster::block_on(folder::save(&family.loaded, Precision::F32)).unwrap();
        let again = from_safetensors(&saved["model.safetensors"], "what is saved").unwrap();
        assert_eq!(again, stored(&files), "{name}");
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        assert_eq!(json(&saved["config.json"]), json(&files.config), "{name}");
        for (side, bytes) in &files.side {
            assert_eq!(&saved[side], bytes, "{name}");
        }
    }
}

#[test]
fn several_files_hold_one_model() {
    for name in ["llama", "gpt2"] {
        let files = whole(name);
        let tensors = stored(&files);
        let part = |odd: bool| -> HostTensors {
            let all = tensors.clone().into_iter().enumerate();
            all.filter(|(n, _)| (n % 2 == 1) == odd).map(|(_, tensor)| tensor).collect()
        };
        let shard = |n: usize, odd| (format!("{n}"), to_safetensors(&part(odd), Precision::F32).unwrap());
        let sharded = ModelFiles { weights: vec![shard(0, false), shard(1, true)], ..files };
        let family = Family::causal(name);
        assert_eq!(logits(&load(&sharded).unwrap().model, &family), logits(&family.loaded.model, &family));
        let half = ModelFiles { weights: vec![shard(0, false)], ..sharded };
        assert!(load(&half).err().unwrap().contains("is missing"));
    }
}

/// Names that older files, wrappers and other savers leave.
#[test]
fn weights_under_other_names_are_the_same_model() {
    let same = |name: &'static str, what: &str, tensors: HostTensors| {
        let family = Family::causal(name);
        let loaded =
            load(&with_weights(whole(name), &tensors)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(logits(&loaded.model, &family), logits(&family.loaded.model, &family), "{what}");
        assert_eq!(loaded.model.has_own_head(), family.loaded.model.has_own_head(), "{what}");
    };
    let rename = |name: &str, new: &dyn Fn(&str) -> String| -> HostTensors {
        stored(&whole(name)).into_iter().map(|(old, tensor)| (new(&old), tensor)).collect()
    };
    for (name, base) in [("gpt2", "transformer."), ("llama", "model."), ("gpt-neox", "gpt_neox.")] {
        same(name, "bare", rename(name, &|old| old.strip_prefix(base).unwrap_or(old).to_owned()));
        same(name, "head", rename(name, &|old| old.replace("embed_out", "lm_head")));
        same(name, "compiled", rename(name, &|old| format!("_orig_mod.{old}")));
        same(name, "parallel", rename(name, &|old| format!("module.{old}")));
    }
    let alone = |old: &str| if old.contains("embed_tokens") { "lm_head.weight" } else { old }.to_owned();
    same("qwen3", "tied under the head's name", rename("qwen3", &alone));
    let mut both = stored(&whole("gpt2"));
    both.insert("lm_head.weight".into(), both["transformer.wte.weight"].clone());
    let mask = HostTensor { shape: vec![1, 1, 2, 2], values: vec![1.0; 4] };
    both.insert("transformer.h.1.attn.bias".into(), mask);
    same("gpt2", "tied twice, and a mask", both);
}

#[test]
fn a_head_that_is_missing_or_another_is_told() {
    let mut tensors = stored(&whole("llama"));
    tensors.remove("lm_head.weight");
    let error = load(&with_weights(whole("llama"), &tensors)).err().unwrap();
    assert!(error.contains("`lm_head.weight` is missing"), "{error}");
    // A head beside an embedding that should be the same is a head of its own.
    let mut tensors = stored(&whole("qwen3"));
    let mut head = tensors["model.embed_tokens.weight"].clone();
    head.values[0] += 1.0;
    tensors.insert("lm_head.weight".into(), head);
    let loaded = load(&with_weights(whole("qwen3"), &tensors)).unwrap();
    assert!(loaded.model.has_own_head());
    let saved = pollster::block_on(folder::save(&loaded, Precision::F32)).unwrap();
    let config: Value = serde_json::from_slice(&saved["config.json"]).unwrap();
    assert_eq!(config["tie_word_embeddings"], false);
}

/// Sizes are compared with the file before anything is made of them.
#[test]
fn wrong_configurations_are_refused_at_once() {
    let rope = |kind: &str| json!({"rope_type": kind, "rope_theta": 100.0, "factor": 2.0});
    for (name, field, value, part) in [
        ("llama", "vocab_size", json!(99_999_999_999u64), "sizes in config.json"),
        ("llama", "vocab_size", json!(9_999_999_999u64), "expected shape"),
        (
            "llama",
            "vocab_size",
            json!(-3),
            "vocab_size of config.json: expected a whole number of at least 1",
        ),
        ("llama", "hidden_size", json!(25), "expected shape"),
        ("llama", "num_hidden_layers", json!(1_000_000), "number of layers in config.json"),
        ("llama", "num_hidden_layers", json!(2), "the model has no such tensor"),
        ("llama", "num_key_value_heads", json!(2), "num_key_value_heads of config.json"),
        ("llama", "head_dim", json!(5), "head size of config.json"),
        ("llama", "head_dim", json!(8), "`model.layers.0.self_attn.k_proj.weight`: expected shape [8, 24]"),
        (
            "llama",
            "rope_parameters",
            rope("yarn"),
            "rope_type of config.json: expected default, linear or llama3",
        ),
        ("llama", "rope_parameters", rope("dynamic"), "rope_type of config.json"),
        ("llama", "rope_parameters", rope("llama3"), "low_freq_factor"),
        ("llama", "hidden_act", json!("mish"), "hidden_act of config.json"),
        ("llama", "model_type", json!("mamba"), "expected one of t5, mt5, umt5, llama, mistral"),
        ("gpt2", "n_head", json!(5), "a multiple of the 5 attention heads"),
        ("gpt2", "n_positions", json!(65), "`transformer.wpe.weight`: expected shape [65, 24]"),
        ("gpt2", "scale_attn_by_inverse_layer_idx", json!(true), "scale_attn_by_inverse_layer_idx"),
        ("gpt-neox", "num_attention_heads", json!(1_000_000_000), "attention heads"),
    ] {
        let error = load(&with_config(whole(name), field, value.clone())).err();
        let error = error.unwrap_or_else(|| panic!("{field} {value} is accepted"));
        assert!(error.contains(part), "{field} {value}: {error}");
    }
}

/// The same model in the words of older files.
#[test]
fn older_keys_mean_the_same() {
    let family = Family::causal("llama");
    let mut files = with_config(whole("llama"), "rope_parameters", Value::Null);
    let scaling = json!({"type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 24});
    files = with_config(with_config(files, "rope_scaling", scaling), "rope_theta", json!(100.0));
    assert_eq!(logits(&load(&files).unwrap().model, &family), logits(&family.loaded.model, &family));
    let family = Family::causal("gpt-neox");
    let mut files = with_config(whole("gpt-neox"), "rope_parameters", Value::Null);
    files = with_config(with_config(files, "rotary_pct", json!(0.5)), "rotary_emb_base", json!(100));
    assert_eq!(logits(&load(&files).unwrap().model, &family), logits(&family.loaded.model, &family));
}

/// The ends of generation_config.json, of config.json, and of the tokenizer.
#[test]
fn outputs_end_by_any_of_the_ends() {
    assert_eq!(Family::causal("llama").loaded.tokenizer.stops, [2, 5]);
    let mut files = whole("llama");
    files.side.insert("generation_config.json".into(), br#"{"eos_token_id": 7}"#.to_vec());
    assert_eq!(load(&files).unwrap().tokenizer.stops, [2, 7]);
    files.side.clear();
    assert_eq!(load(&files).unwrap().tokenizer.stops, [2, 5]);
    let error = load(&with_config(files, "eos_token_id", Value::Null)).err().unwrap();
    assert!(error.contains("eos_token_id"), "{error}");
}

#[test]
fn adapters_are_attached_and_merged_in_every_layer() {
    for family in Family::every_causal() {
        let mut modules = Vec::new();
        let attach = |model: Model, b: f32, modules: &mut Vec<String>| {
            model.attach(&mut |path, [d_in, d_out]| {
                modules.push(family.loaded.config.layer_name(path).unwrap());
                let a = (0..d_in * 2).map(|n| (n as f32).sin()).collect();
                let b = (0..2 * d_out).map(|n| b * (n as f32).cos()).collect();
                Some(Lora::from_values(a, b, [d_in, d_out], 2, 0.5, &Device::flex()).unwrap())
            })
        };
        let plain = logits(&family.loaded.model, &family);
        let zero = attach(family.model(false), 0.0, &mut modules);
        assert_eq!(logits(&zero, &family), plain, "{}", family.name);
        let moved = attach(family.model(false), 0.1, &mut modules);
        assert_ne!(logits(&moved, &family), plain);
        let merged = moved.clone().merged();
        assert_close(family.name, &logits(&merged, &family), &logits(&moved, &family), 1e-5);
        // Attached twice, and each layer has a name of its own.
        let attached = modules.len();
        modules.sort();
        modules.dedup();
        assert_eq!(attached, 2 * modules.len(), "{modules:?}");
    }
}

#[test]
fn a_sequence_longer_than_the_learned_positions_is_refused() {
    let family = Family::causal("gpt2");
    let rows = |input: usize| vec![(vec![7; input], vec![8, 9, 0]).into()];
    let model = family.model(true); // three vectors of 64 positions
    let score = |input| pollster::block_on(decode::score(&model, &rows(input), &layout(16, 1), 1));
    assert!(score(59).is_ok());
    let error = score(60).unwrap_err().to_string();
    assert!(error.contains("at most the model's 64 positions"), "{error}");
}
