//! Adapters that PEFT wrote: what is read of them gives PEFT's outputs.

use promot_core::model::folder::{self, ModelFiles, TokenizerFile};
use promot_core::model::tensors::{HostTensors, Precision, from_safetensors, to_safetensors};
use promot_core::model::{Pass, T5Config};
use promot_core::peft::{self, Adapter, LoraLayers, Matrix, TaskType};

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
    let files =
        peft::write_lora(&lora(), &|module| Some(module.to_owned()), "t5-1.1", TaskType::Seq2SeqLm).unwrap();
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
