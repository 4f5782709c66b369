//! Adapters that PEFT wrote: what is read of them gives PEFT's outputs.

use promot_core::model::folder::{self, ModelFiles, TokenizerFile};
use promot_core::model::path::Kind;
use promot_core::model::tensors::{HostTensors, Precision, from_safetensors, to_safetensors};
use promot_core::model::{Lora, Model, ParamPath, Pass, T5Config};
use promot_core::peft::{self, Adapter, Ia3Layer, Ia3Layers, LoraLayers, Matrix, TaskType};

use burn::tensor::Device;

use crate::golden::{Family, TOLERANCE, assert_close, bytes, tensors, values};
use crate::parity::only_real;

fn read(folder: &str) -> Adapter {
    let file = |name: &str| bytes(&format!("{folder}/{name}"));
    peft::read(folder, &file(peft::CONFIG_FILE), &file(peft::WEIGHTS_FILE)).unwrap()
}

fn lora() -> LoraLayers {
    let Adapter::Lora(layers) = read("peft/lora") else { panic!("no LoRA") };
    layers
}

/// W + scale x (A B), as Hugging Face stores it: [d_out, d_in].
fn merge(weights: &mut HostTensors, layers: &LoraLayers) {
    for (module, layer) in layers {
        let weight = weights.get_mut(&format!("{module}.weight")).unwrap_or_else(|| panic!("{module}"));
        let [d_out, d_in] = weight.shape[..] else { panic!("{module} is no matrix") };
        let rank = layer.a.shape[1];
        assert_eq!((layer.a.shape[0], &layer.b.shape[..]), (d_in, &[rank, d_out][..]), "{module}");
        for row in 0..d_out {
            for column in 0..d_in {
                let product = |k: usize| layer.a.values[column * rank + k] * layer.b.values[k * d_out + row];
                let sum: f32 = (0..rank).map(product).sum();
                weight.values[row * d_in + column] += layer.scale as f32 * sum;
            }
        }
    }
}

#[test]
fn a_lora_adapter_of_peft_gives_its_logits() {
    let family = Family::new("t5-1.1");
    let config = T5Config::from_json(&bytes("t5/t5-1.1/config.json")).unwrap();
    let mut weights = from_safetensors(&bytes("t5/t5-1.1/model.safetensors"), "the base model").unwrap();
    let layers = lora();
    // q and v of eight attentions, wi_0 of five feed-forwards: alpha 6 over rank 2 or 3, but for two with alpha 1.
    let scales: Vec<f64> = layers.values().map(|layer| layer.scale).collect();
    assert_eq!((layers.len(), scales.iter().filter(|scale| **scale == 0.5).count()), (21, 2));
    assert!(layers.iter().all(|(module, layer)| layer.scale == 0.5
        || layer.scale == if module.ends_with("wi_0") { 2.0 } else { 3.0 }));
    merge(&mut weights, &layers);
    let files = ModelFiles {
        config: bytes("t5/t5-1.1/config.json"),
        weights: vec![("merged".to_owned(), to_safetensors(&weights, Precision::F32).unwrap())],
        tokenizer: TokenizerFile::Json(bytes("t5/t5-1.1/tokenizer.json")),
        side: Default::default(),
    };
    let model = folder::load("merged", &files, &Device::flex()).unwrap().model;
    let (batch, (golden, _)) = (family.batch(), tensors("peft/golden.safetensors"));
    let logits = values(model.logits(&batch, &mut Pass::eval()));
    // After a row's end the two decoders are fed different padding.
    let real = |values: &[f32]| only_real(&batch, values, config.vocab_size);
    assert_close("logits", &real(&logits), &real(&golden["logits"].values), TOLERANCE);
}

#[test]
fn an_adapter_that_is_attached_gives_the_logits_too_and_comes_back_as_it_was() {
    let family = Family::new("t5-1.1");
    let config = &family.loaded.config;
    let model = peft::attach_lora(family.loaded.model.clone(), lora(), config).unwrap();
    let (batch, (golden, _)) = (family.batch(), tensors("peft/golden.safetensors"));
    let real = |values: &[f32]| only_real(&batch, values, config.vocab_size());
    for model in [model.clone(), model.clone().merged()] {
        let logits = values(model.logits(&batch, &mut Pass::eval()));
        assert_close("logits", &real(&logits), &real(&golden["logits"].values), TOLERANCE);
    }
    let files = pollster::block_on(peft::lora_folder(&model.adapters(), &model, config, "t5-1.1")).unwrap();
    let again = peft::read("again", &files[peft::CONFIG_FILE], &files[peft::WEIGHTS_FILE]).unwrap();
    assert_eq!(again, Adapter::Lora(lora()));
}

/// The models with an adapter of PEFT's, and its logits; GPT-2 and GPT-NeoX have queries, keys and values in one layer.
fn causal(name: &'static str) -> (Family, LoraLayers, Vec<f32>) {
    let folder = format!("causal/lora/{name}");
    let Adapter::Lora(layers) = read(&folder) else { panic!("{name}: no LoRA") };
    let (golden, _) = tensors(&format!("{folder}/golden.safetensors"));
    (Family::causal(name), layers, golden["logits"].values.clone())
}

fn real_logits(model: &Model, family: &Family) -> Vec<f32> {
    let batch = family.batch();
    only_real(&batch, &values(model.logits(&batch, &mut Pass::eval())), model.vocab_size())
}

fn written(model: &Model, family: &Family) -> LoraLayers {
    let adapters = model.adapters();
    let files = peft::lora_folder(&adapters, model, &family.loaded.config, family.name);
    let files = pollster::block_on(files).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&files[peft::CONFIG_FILE]).unwrap();
    assert_eq!(config["fan_in_fan_out"], family.name == "gpt2");
    match peft::read("again", &files[peft::CONFIG_FILE], &files[peft::WEIGHTS_FILE]).unwrap() {
        Adapter::Lora(layers) => layers,
        _ => panic!("no LoRA"),
    }
}

#[test]
fn adapters_of_decoder_only_models_give_the_logits_and_come_back_as_they_were() {
    for name in ["llama", "gpt-neox", "gpt2"] {
        let (family, layers, golden) = causal(name);
        let config = &family.loaded.config;
        let model = peft::attach_lora(family.loaded.model.clone(), layers.clone(), config).unwrap();
        for model in [model.clone(), model.clone().merged()] {
            assert_close(name, &real_logits(&model, &family), &golden, TOLERANCE);
        }
        assert_eq!(written(&model, &family), layers, "{name}");
    }
}

/// As training leaves them: each projection with factors of its own, and not all three adapted.
#[test]
fn adapters_of_projections_that_share_a_layer_are_written_as_one() {
    for name in ["gpt-neox", "gpt2"] {
        let (family, layers, _) = causal(name);
        let fused = layers
            .keys()
            .find(|module| module.contains("attn.c_attn") || module.contains("query_key"))
            .unwrap();
        let adapted = |kinds: &[Kind]| {
            let mut attach = |path: &ParamPath, [d_in, d_out]: [usize; 2]| {
                let place = kinds.iter().position(|kind| path.kind == Some(*kind))?;
                let draw = |count: usize, by: usize| {
                    (0..count).map(|at| ((at * by + place) % 7) as f32 * 0.1 - 0.3).collect()
                };
                let scale = 0.5 + place as f64;
                Some(
                    Lora::from_values(
                        draw(d_in * 2, 3),
                        draw(2 * d_out, 5),
                        [d_in, d_out],
                        2,
                        scale,
                        &Device::flex(),
                    )
                    .unwrap(),
                )
            };
            family.loaded.model.clone().attach(&mut attach)
        };
        for kinds in [&[Kind::Q, Kind::K, Kind::V][..], &[Kind::Q, Kind::V]] {
            let model = adapted(kinds);
            let written = written(&model, &family);
            assert_eq!(written[fused].a.shape[1], 2 * kinds.len(), "{name}");
            let read =
                peft::attach_lora(family.loaded.model.clone(), written, &family.loaded.config).unwrap();
            assert_close(name, &real_logits(&read, &family), &real_logits(&model, &family), 1e-5);
        }
        let mut wrong = layers.clone();
        wrong.get_mut(fused).unwrap().b =
            layers.values().find(|layer| layer.b.shape != layers[fused].b.shape).unwrap().b.clone();
        let error = peft::attach_lora(family.loaded.model.clone(), wrong, &family.loaded.config)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(fused.as_str()) && error.contains("outputs"), "{error}");
    }
}

#[test]
fn ia3_of_peft_gives_its_logits() {
    for name in ["t5-1.1", "llama", "gpt-neox", "gpt2"] {
        let family = if name == "t5-1.1" { Family::new(name) } else { Family::causal(name) };
        let folder = format!("peft/ia3/{name}");
        let Adapter::Ia3(layers) = read(&folder) else { panic!("{name}: no IA3") };
        let scaled = |layers| peft::merge_ia3(family.loaded.model.clone(), layers, &family.loaded.config);
        let (golden, _) = tensors(&format!("{folder}/golden.safetensors"));
        let batch = family.batch();
        let found = real_logits(&scaled(layers.clone()).unwrap(), &family);
        let golden = &golden["logits"].values;
        // After a row's end the two decoders of a T5 are fed different padding.
        let golden = if name == "t5-1.1" {
            only_real(&batch, golden, family.loaded.config.vocab_size())
        } else {
            golden.clone()
        };
        assert_close(name, &found, &golden, TOLERANCE);

        let (module, layer) = layers.iter().next().unwrap();
        let error =
            scaled(Ia3Layers::from([("no.such".to_owned(), layer.clone())])).err().unwrap().to_string();
        assert!(error.contains("IA3") && error.contains("`no.such`"), "{error}");
        let short = Ia3Layer::Outputs(vec![1.0; 5]);
        let error = scaled(Ia3Layers::from([(module.clone(), short)])).err().unwrap().to_string();
        assert!(error.contains("IA3 of") && error.contains("outputs, found 5"), "{error}");
    }
}

#[test]
fn an_adapter_of_another_model_is_refused_with_its_layer() {
    let family = Family::causal("llama");
    let refused = |layers: LoraLayers| {
        let found = peft::attach_lora(family.loaded.model.clone(), layers, &family.loaded.config);
        found.err().unwrap().to_string()
    };
    let error = refused(lora());
    assert!(error.contains("decoder.block.0") && error.contains("no such layer"), "{error}");
    let (_, layer) = lora().into_iter().next().unwrap();
    let error = refused(LoraLayers::from([("model.layers.0.self_attn.q_proj".to_owned(), layer)]));
    assert!(
        error.contains("LoRA of lm.decoder.blocks.0.self_attention.q") && error.contains("expected factors"),
        "{error}"
    );
}

#[test]
fn a_lora_adapter_is_written_as_peft_writes_it() {
    let files = peft::write_lora(&lora(), "t5-1.1", TaskType::Seq2SeqLm, false).unwrap();
    let tensors = |bytes: &[u8]| from_safetensors(bytes, "an adapter").unwrap();
    let golden = bytes("peft/lora/adapter_model.safetensors");
    assert_eq!(tensors(&files[peft::WEIGHTS_FILE]), tensors(&golden));
    let again = peft::read("again", &files[peft::CONFIG_FILE], &files[peft::WEIGHTS_FILE]).unwrap();
    assert_eq!(again, Adapter::Lora(lora()));
}

#[test]
fn soft_prompts_of_peft_and_numpy_are_the_golden_one() {
    let golden = &Family::new("t5-1.1").golden["prompt"];
    let expected = Matrix { shape: [golden.shape[0], golden.shape[1]], values: golden.values.clone() };
    for folder in ["t5/prompt-peft-1", "t5/prompt-peft-2"] {
        assert_eq!(read(folder), Adapter::Prompt(expected.clone()), "{folder}");
    }
    assert_eq!(peft::parse_npy(&bytes("peft/prompt.npy"), "prompt.npy").unwrap(), expected);
}
