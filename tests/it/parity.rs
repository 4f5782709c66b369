//! The T5 family against Hugging Face transformers: see `tests/golden/t5/make_t5.py`.

use burn::tensor::{Device, Int, Tensor, TensorData};
use promot_core::batch::Batch;
use promot_core::decode;
use promot_core::loss::{LossSettings, reduce, token_losses};
use promot_core::model::t5::bias::Buckets;
use promot_core::model::t5::names::hugging_face;
use promot_core::model::tensors::HostTensor;
use promot_core::model::{Dropout, Model, Pass};
use promot_core::train::{accumulate, set_trainable};
use serde_json::Value;

use crate::golden::{self, Family, TOLERANCE, assert_close, layout, method, values};

/// Both ways of running each family.
fn each(test: impl Fn(&Family, bool)) {
    for family in Family::all() {
        test(&family, false);
        test(&family, true);
    }
}

fn off() -> Dropout {
    Dropout::off()
}

#[test]
fn encoder_output_equals_the_reference() {
    each(|family, prompt| {
        let (batch, device) = (family.batch(), Device::flex());
        let ids = batch.input_ids(&device);
        let encoded = family.model(prompt).encode(ids, batch.input_mask(&device), &mut Pass::eval()).unwrap();
        let what = format!("encoder output of {}, prompt {prompt}", family.name);
        assert_close(
            &what,
            &values(encoded.hidden_states),
            family.expected("encoder_output", prompt),
            TOLERANCE,
        );
    });
}

#[test]
fn logits_and_token_losses_equal_the_reference() {
    each(|family, prompt| {
        let (batch, model) = (family.batch(), family.model(prompt));
        let what = format!("{}, prompt {prompt}", family.name);
        let logits = model.logits(&batch, &mut Pass::eval());
        let losses = token_losses(logits.clone(), batch.target_ids(&Device::flex()), plain());
        // Behind a row's end the two decoders are fed different padding.
        let real = |values: Vec<f32>, width: usize| only_real(&batch, &values, width);
        let vocabulary = family.loaded.config.vocab_size();
        assert_close(
            &format!("logits of {what}"),
            &real(values(logits), vocabulary),
            &real(family.expected("logits", prompt).to_vec(), vocabulary),
            TOLERANCE,
        );
        assert_close(
            &format!("token losses of {what}"),
            &real(values(losses), 1),
            &real(family.expected("token_nll", prompt).to_vec(), 1),
            TOLERANCE,
        );
    });
}

fn plain() -> LossSettings {
    LossSettings::default()
}

/// The values, `width` a position, of the real target positions.
pub fn only_real(batch: &Batch, values: &[f32], width: usize) -> Vec<f32> {
    let rows = values.chunks(batch.target_width() * width).zip(batch.target_lengths());
    rows.flat_map(|(row, length)| row[..length * width].to_vec()).collect()
}

#[test]
fn every_gradient_equals_the_reference() {
    each(|family, prompt| {
        let method = method(if prompt { "joint" } else { "fine-tuning" });
        let model = set_trainable(family.model(prompt), &|_| true);
        let done = accumulate(&model, &*method, &[family.batch().into()], 1, plain(), &mut off());
        let what = format!("{}, prompt {prompt}", family.name);
        assert_close(
            &format!("loss of {what}"),
            &values(done.loss),
            family.expected("loss", prompt),
            TOLERANCE,
        );
        let (_, gated) = family.loaded.config.t5().unwrap().activation().unwrap();
        let mut compared = Vec::new();
        for (path, grad) in &done.grads.0 {
            let (name, transposed) = reference_name(path, gated);
            let key = format!("{}grad.{name}", golden::prefix(prompt));
            compared.push(key.clone());
            // With the prompt the reference keeps the gradients of the first layers only.
            let Some(expected) = family.golden.get(&key) else {
                assert!(prompt, "{what}: the reference has no gradient of {name}");
                continue;
            };
            let found = HostTensor { shape: grad.dims().to_vec(), values: values(grad.clone()) };
            let found = if transposed { found.transposed() } else { found };
            assert_close(&format!("gradient of {name}, {what}"), &found.values, &expected.values, TOLERANCE);
        }
        let start = format!("{}grad.", golden::prefix(prompt));
        let missing: Vec<&String> = family
            .golden
            .keys()
            .filter(|key| key.starts_with(&start) && !key.ends_with("grad.logits") && !compared.contains(key))
            .collect();
        assert!(missing.is_empty(), "{what}: no gradient of {missing:?}");
    });
}

/// The reference's name of a parameter, and whether it is stored transposed there.
fn reference_name(path: &str, gated: bool) -> (String, bool) {
    if path == "prompt.value" {
        return ("prompt".into(), false);
    }
    hugging_face(&path.parse().unwrap(), gated).unwrap_or_else(|| panic!("no reference name for {path}"))
}

#[test]
fn label_smoothing_and_z_loss_equal_the_reference() {
    let smoothing = LossSettings { label_smoothing: 0.1, z_loss: 0.0 };
    let z_loss = LossSettings { label_smoothing: 0.0, z_loss: 1e-4 };
    let both = LossSettings { label_smoothing: 0.1, z_loss: 1e-4 };
    each(|family, prompt| {
        let losses = &family.json["losses"][format!("{}loss", golden::prefix(prompt))];
        let settings = [
            ("plain", plain()),
            ("label_smoothing_0.1", smoothing),
            ("z_loss_1e-4", z_loss),
            ("label_smoothing_0.1_z_loss_1e-4", both),
        ];
        for (name, settings) in settings {
            let expected = losses[name].as_f64().unwrap() as f32;
            let (loss, _) = loss_and_gradient(family, prompt, settings);
            assert_close(&format!("{name} of {}", family.name), &[loss], &[expected], 1e-6);
        }
        let (_, gradient) = loss_and_gradient(family, prompt, both);
        let expected = family.expected("smoothed.grad.logits", prompt);
        assert_close(&format!("smoothed gradient of {}", family.name), &gradient, expected, TOLERANCE);
        let (_, gradient) = loss_and_gradient(family, prompt, plain());
        let expected = family.expected("grad.logits", prompt);
        assert_close(&format!("gradient of {}", family.name), &gradient, expected, TOLERANCE);
    });
}

/// Of the reference's logits, so that the loss is judged alone.
fn loss_and_gradient(family: &Family, prompt: bool, settings: LossSettings) -> (f32, Vec<f32>) {
    let device = Device::flex().autodiff();
    let logits = &family.golden[&format!("{}logits", golden::prefix(prompt))];
    let shape: [usize; 3] = logits.shape.clone().try_into().unwrap();
    let logits =
        Tensor::<3>::from_data(TensorData::new(logits.values.clone(), shape), &device).require_grad();
    let batch = family.batch();
    let losses = token_losses(logits.clone(), batch.target_ids(&device), settings);
    let loss = reduce(losses, batch.target_mask(&device), batch.target_tokens() as f64);
    let gradients = loss.backward();
    (values(loss.inner())[0], values(logits.grad(&gradients).unwrap()))
}

#[test]
fn scores_of_given_targets_equal_the_reference() {
    for family in Family::all() {
        for (prompt, part) in family.json["score"].as_array().unwrap().iter().enumerate() {
            assert_eq!(part["prompt"].as_bool(), Some(prompt == 1));
            let pairs = part["pairs"].as_array().unwrap();
            let rows: Vec<_> =
                pairs.iter().map(|pair| (ids(&pair["input"]), ids(&pair["target"])).into()).collect();
            let model = family.model(prompt == 1);
            let scores = pollster::block_on(decode::score(&model, &rows, &layout(1, 1), 3)).unwrap();
            for (score, pair) in scores.iter().zip(pairs) {
                let found: Vec<f32> = score.token_logprobs.iter().map(|logprob| *logprob as f32).collect();
                let what = format!("log-probabilities of {}, prompt {prompt}", family.name);
                assert_eq!(score.token_ids, ids(&pair["target"]));
                assert_close(&what, &found, &floats(&pair["token_logprobs"]), TOLERANCE);
                let sum = pair["logprob"].as_f64().unwrap();
                assert!((score.logprob() - sum).abs() <= TOLERANCE * sum.abs(), "{what}: {sum}");
            }
            assert_eq!(scores.len(), pairs.len());
        }
    }
}

/// The golden scores say what the target's tokens have; all logits say which tokens are the likeliest.
#[test]
fn the_likeliest_tokens_are_those_of_all_logits() {
    const COUNT: usize = 5;
    for family in Family::all() {
        let model = family.model(true);
        for pair in family.json["score"][1]["pairs"].as_array().unwrap() {
            let row = (ids(&pair["input"]), ids(&pair["target"])).into();
            let places = pollster::block_on(decode::likeliest(&model, &row, &layout(1, 1), COUNT)).unwrap();
            let found: Vec<f32> = places.iter().map(|place| place.token.logprob as f32).collect();
            assert_close(family.name, &found, &floats(&pair["token_logprobs"]), TOLERANCE);
            let logits = values(model.logits(&Batch::new(&[row], &layout(1, 1)), &mut Pass::eval()));
            for (place, logits) in places.iter().zip(logits.chunks(model.vocab_size())) {
                let mut order: Vec<u32> = (0..logits.len() as u32).collect();
                order.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]));
                let likeliest: Vec<u32> = place.likeliest.iter().map(|scored| scored.id).collect();
                assert_eq!(likeliest, order[..COUNT], "{}", family.name);
                let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
                for scored in &place.likeliest {
                    let logprob = f64::from(logits[scored.id as usize]) - sum.ln();
                    assert!((scored.logprob - logprob).abs() < 1e-4, "{} for {logprob}", scored.logprob);
                }
            }
        }
    }
}

pub fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

#[test]
fn relative_position_buckets_equal_the_reference() {
    let tables = golden::json("t5/buckets.json");
    let tables = tables["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 6);
    for table in tables {
        let buckets = Buckets {
            count: table["buckets"].as_u64().unwrap() as usize,
            max_distance: table["max_distance"].as_u64().unwrap() as usize,
            bidirectional: table["bidirectional"].as_bool().unwrap(),
        };
        let first = table["first"].as_i64().unwrap();
        for (place, expected) in ids(&table["table"]).into_iter().enumerate() {
            let offset = first + place as i64;
            assert_eq!(
                buckets.relative_position_bucket(offset),
                expected as usize,
                "{buckets:?} at offset {offset}"
            );
        }
    }
}

/// Shards, the embedding table three times, a bias that no layer uses, and the older configuration keys.
#[test]
fn an_old_sharded_checkpoint_is_the_same_model() {
    let family = Family::new("t5-1.1");
    let index = golden::json("t5/sharded/model.safetensors.index.json");
    let mut shards: Vec<&str> =
        index["weight_map"].as_object().unwrap().values().map(|file| file.as_str().unwrap()).collect();
    shards.sort_unstable();
    shards.dedup();
    assert!(shards.len() > 1);
    let sharded = golden::load("sharded", &shards);
    let logits = |model: &Model| values(model.logits(&family.batch(), &mut Pass::eval()));
    assert_eq!(logits(&sharded.model), logits(&family.loaded.model));
}

#[test]
fn a_missing_shard_names_its_tensors() {
    let files = promot_core::model::folder::ModelFiles {
        config: golden::bytes("t5/sharded/config.json"),
        weights: vec![("shard".into(), golden::bytes("t5/sharded/model-00001-of-00003.safetensors"))],
        tokenizer: promot_core::model::folder::TokenizerFile::Json(golden::bytes(
            "t5/sharded/tokenizer.json",
        )),
        side: Default::default(),
    };
    let error = promot_core::model::folder::load("sharded", &files, &Device::flex()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
}

#[test]
fn ids_of_text_equal_the_reference() {
    for family in Family::all() {
        for row in family.json["tokenizer"].as_array().unwrap() {
            let text = row["text"].as_str().unwrap();
            assert_eq!(family.loaded.tokenizer.encode(text).unwrap(), ids(&row["ids"]), "{text}");
        }
    }
}

/// Guards the guard: the padding of the golden batch is real padding.
#[test]
fn the_golden_batch_has_padding() {
    for family in Family::all() {
        let batch = family.batch();
        let mask: Tensor<2> = batch.target_mask(&Device::flex());
        let real: f32 = mask.sum().into_scalar();
        assert_eq!(real as u64, family.json["losses"]["loss"]["tokens"].as_u64().unwrap());
        assert!((real as usize) < batch.rows() * batch.target_width());
        let inputs: Tensor<2, Int> = batch.input_ids(&Device::flex());
        assert_eq!(inputs.dims(), [batch.rows(), 24]);
    }
}
