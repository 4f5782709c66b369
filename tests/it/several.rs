//! Training on several tasks at once: which rows a step has, and behind which prompt each stands.

use std::collections::BTreeSet;

use promot_core::batch::TokenizedExample;
use promot_core::data::{Example, Split};
use promot_core::loss::LossSettings;
use promot_core::model::{Dropout, SoftPrompt};
use promot_core::render::Renderer;
use promot_core::rng::Streams;
use promot_core::task::Task;
use promot_core::tokenizer::Tokenizer;
use promot_core::train::{Attached, MicroBatch, Mixture, Source, TrainingSet, accumulate, set_trainable};

use crate::golden::{Family, assert_close, batch, method, values};

fn set<'a>((task, rows): &'a (&'a Task, Vec<Example>), tokenizer: &'a Tokenizer) -> TrainingSet<'a> {
    let renderer = Renderer { task, tokenizer, shots: 0, max_input: 0 };
    TrainingSet::new(renderer, 0, rows, Streams::new(1))
}

#[test]
fn tasks_take_turns_and_every_row_has_its_turn() {
    let family = Family::new("t5-1.1");
    let tokenizer = &family.loaded.tokenizer;
    let task = |name: &str, rows: usize| {
        let task = promot_world::catalog().tasks.by_name(name).unwrap();
        (task, promot_world::rows(name, Split::Train, rows).unwrap())
    };
    // Batches of 5: neither a multiple of the tasks nor of the rows.
    let (rte, french, size) = (task("rte-mini", 6), task("wmt_enfr-mini", 9), 5);
    let both = Mixture(vec![set(&rte, tokenizer), set(&french, tokenizer)]);
    let alone = [&rte, &french].map(|task| Mixture(vec![set(task, tokenizer)]));
    let mut seen: [Vec<TokenizedExample>; 2] = Default::default();
    for step in 0..4 {
        let lists = both.rows(step, size).unwrap();
        let counts: Vec<usize> = lists.iter().map(Vec::len).collect();
        assert_eq!(counts, if step % 2 == 0 { [3, 2] } else { [2, 3] }, "step {step}");
        // Found again by the step's number alone.
        assert_eq!(both.rows(step, size).unwrap(), lists);
        for (seen, list) in seen.iter_mut().zip(lists) {
            seen.extend(list);
        }
    }
    for (place, seen) in seen.iter().enumerate() {
        // Ten rows of each: the task's own order, as if it were tuned alone.
        assert_eq!(*seen, alone[place].rows(0, 10).unwrap().concat(), "task {place}");
    }
    assert_eq!(seen[0][..6].iter().collect::<BTreeSet<_>>().len(), 6, "an epoch has every row once");
}

#[test]
fn every_row_stands_behind_its_own_prompt() {
    for family in Family::all() {
        let model = set_trainable(family.model(false), &|path| path.is_weight());
        let own = family.prompt();
        let (length, width) = (own.length(), own.width());
        let other: Vec<f32> = values(own.value.val()).iter().rev().copied().collect();
        let device = model.device();
        let other = SoftPrompt::from_values(other, length, width, &device).unwrap();
        let (first, rest) = family.pairs.split_at(1);
        let part = |pairs: &[(Vec<u32>, Vec<u32>)], prompt: Option<&SoftPrompt>| MicroBatch {
            batch: batch(pairs, 1),
            attached: Some(Attached { prompt: prompt.cloned(), ..Attached::default() }),
        };
        let gradients = |parts: &[MicroBatch]| {
            let settings = LossSettings { label_smoothing: 0.1, z_loss: 0.0 };
            let done = accumulate(&model, &*method("fine-tuning"), parts, 2, settings, &mut Dropout::off());
            let tokens: usize = parts.iter().map(|part| part.batch.target_tokens()).sum();
            (values(done.loss)[0], done.grads, tokens as f32)
        };
        let mixed = gradients(&[part(first, Some(&own)), part(rest, Some(&other))]);
        let one = gradients(&[part(first, Some(&own))]);
        let two = gradients(&[part(rest, Some(&other))]);
        // The mean over all tokens of what each part gives by itself.
        let (a, b) = (one.2 / mixed.2, two.2 / mixed.2);
        assert_close("loss", &[mixed.0], &[a * one.0 + b * two.0], 1e-5);
        assert!(!mixed.1.0.contains_key("prompt.value"), "{}: a frozen prompt has a gradient", family.name);
        for (path, grad) in &mixed.1.0 {
            let (one, two) = (values(one.1.0[path].clone()), values(two.1.0[path].clone()));
            let sum: Vec<f32> = one.iter().zip(two).map(|(one, two)| a * one + b * two).collect();
            assert_close(path, &values(grad.clone()), &sum, 1e-4);
        }
        // And the prompts matter.
        let swapped = gradients(&[part(first, Some(&other)), part(rest, Some(&own))]);
        assert!((swapped.0 - mixed.0).abs() > 1e-4, "{}: {} either way", family.name, mixed.0);
    }
}
