//! Optimizers against independent references over twenty steps: see `tests/golden/adafactor/make_adafactor.py`.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use promot_core::model::folder;
use promot_core::model::tensors::{self, HostTensor, HostTensors};
use promot_core::model::{Model, SoftPrompt, T5Config};
use promot_core::optim::{Grads, Optimizer};
use promot_core::rng::Streams;
use promot_core::spec::OptimizerSpec;
use promot_core::train::set_trainable;
use serde_json::Value;

use crate::golden::{self, assert_close, values};

/// Where each golden tensor stands in a model made for the purpose.
const PLACES: [(&str, &str); 4] = [
    ("factored", "lm.shared"),
    ("just_below", "prompt.value"),
    ("narrow", "lm.encoder.blocks.0.feed_forward.wi_0.weight"),
    ("vector", "lm.encoder.final_norm.weight"),
];

struct Reference {
    tensors: HostTensors,
    ints: BTreeMap<String, Vec<i32>>,
    json: Value,
}

impl Reference {
    fn new() -> Self {
        let (tensors, ints) = golden::tensors("adafactor/golden.safetensors");
        Self { tensors, ints, json: golden::json("adafactor/golden.json") }
    }

    fn steps(&self) -> usize {
        self.json["steps"].as_u64().unwrap() as usize
    }

    fn rate(&self) -> f64 {
        self.json["rate"].as_f64().unwrap()
    }

    /// `base` rolled by the step, times a number per row, times a number per column.
    fn gradient(&self, tensor: &str, step: usize) -> HostTensor {
        let base = &self.tensors[&format!("{tensor}.base")];
        let width = *base.shape.last().unwrap();
        let height = base.values.len() / width;
        let matrix = base.shape.len() == 2;
        let columns = &self.tensors[&format!("{tensor}.columns")].values[step * width..][..width];
        let rows = self.tensors.get(&format!("{tensor}.rows"));
        let mut values = Vec::with_capacity(base.values.len());
        for row in 0..height {
            for (column, factor) in columns.iter().enumerate() {
                let (from_row, from_column) = if matrix {
                    ((row + height - step % height) % height, (column + 3 * width - 3 * step) % width)
                } else {
                    (row, column)
                };
                let value = base.values[from_row * width + from_column];
                let by_row = rows.map_or(1.0, |rows| rows.values[step * height + row]);
                values.push(value * by_row * factor);
            }
        }
        HostTensor { shape: vec![height, width], values }
    }
}

/// A model that has a parameter of every golden shape, at the golden start.
fn model(reference: &Reference) -> Model {
    let config = br#"{"model_type": "t5", "vocab_size": 130, "d_model": 128, "d_kv": 4, "d_ff": 20,
        "num_layers": 1, "num_heads": 2}"#;
    let config = T5Config::from_json(config).unwrap();
    let device = Device::flex();
    let prompt = SoftPrompt::from_values(vec![0.0; 127 * 128], 127, 128, &device).unwrap();
    let model = folder::random(&config.into(), Streams::new(0).stream("init"), &device).unwrap();
    let starts: HostTensors =
        PLACES.map(|(name, _)| (name.to_owned(), reference.tensors[&format!("{name}.start")].clone())).into();
    let model = model.with_prompt(Some(prompt));
    tensors::load(model, &starts, &named, &[], "the golden start").unwrap()
}

/// The golden name of a parameter.
fn named(path: &str) -> Option<(String, bool)> {
    let found = PLACES.iter().find(|(_, place)| path == *place);
    found.map(|(name, _)| ((*name).to_owned(), false))
}

/// The parameters that have a golden name, under it.
fn read(model: &Model) -> HostTensors {
    pollster::block_on(tensors::read(model, &|path| named(path).is_some(), &named)).unwrap()
}

fn check(case: &str, spec: OptimizerSpec, tolerance: f64) {
    let reference = Reference::new();
    let mut model = set_trainable(model(&reference), &|path| named(&path.to_string()).is_some());
    assert_eq!(read(&model).len(), PLACES.len());
    let mut optimizer = Optimizer::new(spec);
    for step in 0..reference.steps() {
        let grads = PLACES.map(|(name, path)| (path.to_owned(), matrix(reference.gradient(name, step))));
        model = optimizer.update(model, Grads(grads.into()), reference.rate());
        let now = read(&model);
        for (name, _) in PLACES {
            compare(&reference, case, name, step, &now[name].values, tolerance);
        }
    }
}

/// Compares what the parameter moved, not what it is: far from zero, a wrong update would be lost in the digits.
fn compare(reference: &Reference, case: &str, name: &str, step: usize, now: &[f32], tolerance: f64) {
    let start = &reference.tensors[&format!("{name}.start")].values;
    let places: Vec<usize> =
        reference.ints[&format!("{name}.places")].iter().map(|place| *place as usize).collect();
    let key = format!("{case}.{name}");
    let what = format!("{key} after step {}", step + 1);
    let moved = |values: &mut dyn Iterator<Item = (f32, usize)>| -> Vec<f32> {
        values.map(|(value, place)| value - start[place]).collect()
    };
    let found = moved(&mut places.iter().map(|place| (now[*place], *place)));
    let expected = &reference.tensors[&key].values[step * places.len()..][..places.len()];
    let expected = moved(&mut expected.iter().copied().zip(places.iter().copied()));
    assert_close(&what, &found, &expected, tolerance);
    let distance = now.iter().zip(start).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
    let expected = reference.tensors[&format!("{key}.moved")].values[step];
    assert_close(&format!("distance of {what}"), &[distance as f32], &[expected], tolerance);
}

fn matrix(tensor: HostTensor) -> Tensor<2> {
    let shape: [usize; 2] = tensor.shape.try_into().unwrap();
    Tensor::from_data(TensorData::new(tensor.values, shape), &Device::flex())
}

#[test]
fn adafactor_equals_the_reference_over_twenty_steps() {
    let cases = Reference::new().json["adafactor"].clone();
    let cases = cases.as_object().unwrap();
    assert_eq!(cases.len(), 4);
    for (case, settings) in cases {
        let number = |name: &str| settings[name].as_f64().unwrap();
        let spec = OptimizerSpec::Adafactor {
            decay: number("decay"),
            weight_decay: number("weight_decay"),
            scale_parameter: settings["scale_parameter"].as_bool().unwrap(),
        };
        check(case, spec, 1e-4);
    }
}

#[test]
fn adamw_equals_the_reference_over_twenty_steps() {
    let cases = Reference::new().json["adamw"].clone();
    for (case, settings) in cases.as_object().unwrap() {
        let number = |value: &Value| value.as_f64().unwrap();
        let spec = OptimizerSpec::AdamW {
            beta_1: number(&settings["betas"][0]),
            beta_2: number(&settings["betas"][1]),
            epsilon: number(&settings["eps"]),
            weight_decay: number(&settings["weight_decay"]),
        };
        check(case, spec, 1e-4);
    }
}

/// The reference iterates in bfloat16: a few parts in a hundred of what was moved. Here the embedding, which is no
/// matrix of a block, must move as under AdamW, to the bit.
#[test]
fn muon_follows_the_reference_and_leaves_embeddings_to_adamw() {
    let (golden, _) = golden::tensors("muon/golden.safetensors");
    let settings = golden::json("muon/golden.json");
    let number = |name: &str| settings[name].as_f64().unwrap();
    let config = br#"{"model_type": "t5", "vocab_size": 24, "d_model": 16, "d_kv": 4, "d_ff": 24,
        "num_layers": 1, "num_heads": 2}"#;
    let config = T5Config::from_json(config).unwrap().into();
    let (matrix_path, table_path) = ("lm.encoder.blocks.0.feed_forward.wi_0.weight", "lm.shared");
    let trained = |path: &str| [matrix_path, table_path].contains(&path);
    let naming = |path: &str| trained(path).then(|| (path.to_owned(), false));
    let run = |spec: OptimizerSpec| {
        let model = folder::random(&config, Streams::new(0).stream("init"), &Device::flex()).unwrap();
        let table = HostTensor { shape: vec![24, 16], values: golden["start"].values.clone() };
        let starts = [(matrix_path, golden["start"].clone()), (table_path, table)];
        let starts: HostTensors = starts.map(|(name, tensor)| (name.to_owned(), tensor)).into();
        let model = tensors::load(model, &starts, &naming, &[], "the golden start").unwrap();
        let mut model = set_trainable(model, &|path| trained(&path.to_string()));
        let mut optimizer = Optimizer::new(spec);
        for grad in golden["grads"].values.chunks(16 * 24) {
            let grad = |shape: [usize; 2]| HostTensor { shape: shape.to_vec(), values: grad.to_vec() };
            let grads = [
                (matrix_path.to_owned(), matrix(grad([16, 24]))),
                (table_path.to_owned(), matrix(grad([24, 16]))),
            ];
            model = optimizer.update(model, Grads(grads.into()), number("rate"));
        }
        pollster::block_on(tensors::read(&model, &trained, &naming)).unwrap()
    };
    let (beta_1, beta_2, epsilon) = (0.9, 0.99, 1e-8);
    let muon = run(OptimizerSpec::Muon { momentum: number("momentum"), beta_1, beta_2, epsilon });
    let adamw = run(OptimizerSpec::AdamW { beta_1, beta_2, epsilon, weight_decay: 0.0 });
    assert_eq!(muon[table_path], adamw[table_path]);
    let moved = |values: &[f32]| -> Vec<f64> {
        values.iter().zip(&golden["start"].values).map(|(now, start)| f64::from(now - start)).collect()
    };
    let distance = |ours: &[f32]| {
        let (ours, theirs) = (moved(ours), moved(&golden["end"].values));
        let apart: f64 = ours.iter().zip(&theirs).map(|(a, b)| (a - b).powi(2)).sum();
        (apart / theirs.iter().map(|b| b.powi(2)).sum::<f64>()).sqrt()
    };
    assert!(distance(&muon[matrix_path].values) < 0.03, "{}", distance(&muon[matrix_path].values));
    assert!(distance(&adamw[matrix_path].values) > 0.3, "AdamW's way must not pass for Muon's");
}

/// A state that went through its stored form goes on as if it had not, and threads change nothing.
#[test]
fn neither_storing_nor_threads_change_a_bit() {
    let adafactor = OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 1e-5, scale_parameter: true };
    let adamw = OptimizerSpec::AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
    let muon = OptimizerSpec::Muon { momentum: 0.95, beta_1: 0.9, beta_2: 0.99, epsilon: 1e-8 };
    let reference = Reference::new();
    for spec in [adafactor, adamw, muon] {
        let run = |pause: bool, side_by_side: bool| {
            let mut model = set_trainable(model(&reference), &|path| named(&path.to_string()).is_some());
            let mut optimizer = Optimizer::new(spec).side_by_side(side_by_side);
            for step in 0..4 {
                let grads =
                    PLACES.map(|(name, path)| (path.to_owned(), matrix(reference.gradient(name, step))));
                model = optimizer.update(model, Grads(grads.into()), 0.05);
                if pause && step == 1 {
                    let state = pollster::block_on(optimizer.state()).unwrap();
                    assert!(!state.is_empty());
                    optimizer = Optimizer::restore(spec, step + 1, state, &Device::flex()).unwrap();
                }
            }
            read(&model)
        };
        let plain = run(false, false);
        assert_eq!(run(true, false), plain, "{spec:?} stored");
        assert_eq!(run(false, true), plain, "{spec:?} in threads");
    }
}

#[test]
fn clipping_bounds_the_norm_of_all_gradients_together() {
    let reference = Reference::new();
    let grads =
        || Grads(PLACES.map(|(name, _)| (name.to_owned(), matrix(reference.gradient(name, 3)))).into());
    let norm = |grads: &Grads| {
        let squares = grads.0.values().flat_map(|grad| values(grad.clone())).map(|x| f64::from(x).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let before = norm(&grads());
    let mut clipped = grads();
    clipped.clip(before / 3.0);
    assert!((norm(&clipped) - before / 3.0).abs() < 1e-5 * before);
    let mut small = grads();
    small.clip(before * 2.0);
    assert!((norm(&small) - before).abs() < 1e-6 * before);
}
