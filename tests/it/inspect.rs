//! What `inspect` tells of models whose change is known.

use promot_core::inspect::{Part, attended, map, moved, nearest};
use promot_core::model::path::{Component, StackKind};
use promot_core::model::{Dropout, Model, ParamPath, Pass, SoftPrompt, parameters, tensors};

use crate::golden::{self, Family, layout};

fn changed(model: &Model, of: impl Fn(&ParamPath) -> bool, factor: f64) -> Model {
    let weights = parameters::read(model, &of).map(|_, tensor| tensor * factor);
    parameters::replace(model.clone(), weights)
}

#[test]
fn only_what_has_moved_is_told_and_how_far() {
    let before = Family::new("t5-1.1").loaded.model;
    let second = |path: &ParamPath| {
        (path.stack, path.layer, path.component)
            == (Some(StackKind::Decoder), Some(0), Component::FeedForward)
    };
    let after = changed(&before, second, 1.25);
    let found = pollster::block_on(moved(&before, &after)).unwrap();
    assert!(
        found.iter().any(|row| row.stack == Some("encoder")) && found.iter().any(|row| row.stack.is_none())
    );
    for row in &found {
        let here = (row.stack, row.layer, row.part) == (Some("decoder"), Some(0), Part::FeedForward);
        let expected = if here { 0.25 } else { 0.0 };
        assert!((row.relative() - expected).abs() < 1e-6, "{row:?}");
    }
    let told: usize = found.iter().map(|row| row.parameters).sum();
    let weights = parameters::read(&before, &|path| path.is_weight());
    let all: usize = weights.0.values().map(|weight| weight.dims().iter().product::<usize>()).sum();
    assert_eq!(told, all);
}

#[test]
fn models_of_other_sizes_are_refused() {
    let (one, other) = (Family::new("t5-1.1").loaded.model, Family::causal("llama").loaded.model);
    let error = pollster::block_on(moved(&one, &other)).unwrap_err().to_string();
    assert!(error.contains("lm.") && error.contains("none such"), "{error}");
}

#[test]
fn a_vector_is_nearest_to_the_token_whose_direction_it_has() {
    let loaded = Family::causal("llama").loaded;
    let (model, width) = (&loaded.model, loaded.model.width());
    let table = pollster::block_on(tensors::to_vec(model.embedding())).unwrap();
    let row = |id: usize| table[id * width..(id + 1) * width].to_vec();
    let values: Vec<f32> =
        row(7).iter().map(|value| 3.0 * value).chain(row(9).iter().map(|value| -value)).collect();
    let prompt = SoftPrompt::from_values(values, 2, width, &model.device()).unwrap();
    let (vectors, mean) = pollster::block_on(nearest(&prompt, model, &loaded.tokenizer, 4)).unwrap();
    let length = |id: usize| row(id).iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    assert_eq!(vectors[0].near[0].token, loaded.tokenizer.token(7).unwrap());
    assert!(
        (vectors[0].near[0].cosine - 1.0).abs() < 1e-5 && (vectors[0].norm - 3.0 * length(7)).abs() < 1e-4
    );
    assert!(vectors.iter().all(|vector| vector.near.len() == 4));
    assert!(vectors.iter().all(|vector| vector.near.is_sorted_by(|one, next| one.cosine >= next.cosine)));
    assert_ne!(vectors[1].near[0].token, loaded.tokenizer.token(9).unwrap());
    assert!(mean > 0.0);
    let narrow = SoftPrompt::from_values(vec![0.0; 3], 1, 3, &model.device()).unwrap();
    let error = pollster::block_on(nearest(&narrow, model, &loaded.tokenizer, 1)).unwrap_err().to_string();
    assert!(error.contains(&format!("width {width}")) && error.contains("found 3"), "{error}");
}

#[test]
fn a_map_has_a_vector_where_the_token_of_its_direction_is() {
    let loaded = Family::causal("llama").loaded;
    let (model, width) = (&loaded.model, loaded.model.width());
    let table = pollster::block_on(tensors::to_vec(model.embedding())).unwrap();
    let row = |id: usize| &table[id * width..(id + 1) * width];
    // Ten times as long, and as the token itself: one direction each.
    let values: Vec<f32> = row(7).iter().map(|value| 10.0 * value).chain(row(9).iter().copied()).collect();
    let prompt = SoftPrompt::from_values(values, 2, width, &model.device()).unwrap();
    let found = pollster::block_on(map(&prompt, model, &[9, 7, 11])).unwrap();
    assert_eq!((found.vectors.len(), found.tokens.len()), (2, 3));
    let near = |one: [f64; 2], other: [f64; 2]| (one[0] - other[0]).hypot(one[1] - other[1]) < 1e-5;
    assert!(near(found.vectors[0], found.tokens[1]) && near(found.vectors[1], found.tokens[0]), "{found:?}");
    assert!(!near(found.tokens[0], found.tokens[2]), "{found:?}");
    let [first, second] = found.explained;
    assert!(
        first >= second && second > 0.0 && first + second > 0.99,
        "three directions lie in one plane: {found:?}"
    );
    let error = pollster::block_on(map(&prompt, model, &[1_000_000])).unwrap_err().to_string();
    assert!(error.contains("token id") && error.contains("1000000"), "{error}");
}

#[test]
fn attention_equals_the_reference() {
    let golden = golden::json("attention/golden.json");
    let ids = |name: &str| serde_json::from_value::<Vec<u32>>(golden[name].clone()).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let (name, prompt) = (case["family"].as_str().unwrap(), case["prompt"].as_u64().unwrap() as usize);
        let family = if name == "llama" { Family::causal("llama") } else { Family::new("t5-1.1") };
        let row = (ids("input"), ids("target")).into();
        // As wide as the GPU wants batches: what is padding must not be among the weights.
        let (model, layout) = (family.model(prompt > 0), layout(16, 1));
        let found = pollster::block_on(attended(&model, &row, &layout)).unwrap();
        assert_eq!((found.prompt, found.input), (prompt, ids("input").len()), "{name}");
        let expected: Vec<Vec<Vec<f32>>> = serde_json::from_value(case["layers"].clone()).unwrap();
        let flat =
            |layers: &[Vec<Vec<f32>>]| layers.iter().flatten().flatten().copied().collect::<Vec<f32>>();
        assert_eq!(
            (found.layers.len(), found.layers[0].len()),
            (expected.len(), expected[0].len()),
            "{name}"
        );
        golden::assert_close(name, &flat(&found.layers), &flat(&expected), golden::TOLERANCE);
    }
}

#[test]
fn whoever_looks_at_attention_changes_nothing() {
    for family in [Family::new("t5-1.1"), Family::causal("llama")] {
        let (model, batch) = (family.model(true), family.batch());
        let plain = tensors::to_vec(model.logits(&batch, &mut Pass::eval()));
        let watched = tensors::to_vec(model.logits(&batch, &mut Pass::new(Dropout::keeping_attention())));
        assert_eq!(
            pollster::block_on(plain).unwrap(),
            pollster::block_on(watched).unwrap(),
            "{}",
            family.name
        );
    }
}
