//! Greedy and beam search against Hugging Face's `generate`: see `tests/golden/t5/make_t5.py`.

use promot_core::decode::{Batching, Hypothesis, SearchSettings, generate};
use promot_core::model::Model;
use promot_core::spec::LengthPenalty;
use serde_json::Value;

use crate::golden::{Family, TOLERANCE, layout};
use crate::parity::ids;

struct Case {
    prompt: bool,
    settings: SearchSettings,
    ids: Vec<Vec<u32>>,
    scores: Vec<f64>,
}

fn inputs(family: &Family) -> Vec<Vec<u32>> {
    family.json["generation"]["inputs"].as_array().unwrap().iter().map(ids).collect()
}

fn cases(family: &Family) -> Vec<Case> {
    let generation = &family.json["generation"];
    let max_new = generation["max_new_tokens"].as_u64().unwrap() as usize;
    generation["cases"].as_array().unwrap().iter().map(|case| read(case, max_new)).collect()
}

fn read(case: &Value, max_new: usize) -> Case {
    let beams = case["beams"].as_u64().unwrap() as usize;
    // Greedy scores of the reference are plain sums.
    let alpha = if beams == 1 { 0.0 } else { case["length_penalty"].as_f64().unwrap() };
    Case {
        prompt: case["prompt"].as_bool().unwrap(),
        settings: SearchSettings {
            beams,
            max_new_tokens: max_new,
            min_new_tokens: case["min_new_tokens"].as_u64().unwrap_or(0) as usize,
            length_penalty: LengthPenalty::HuggingFace,
            alpha,
            decoder_start_id: 0,
            eos: vec![1],
        },
        ids: case["ids"].as_array().unwrap().iter().map(ids).collect(),
        scores: case["scores"].as_array().unwrap().iter().map(|score| score.as_f64().unwrap()).collect(),
    }
}

pub fn run(
    model: &Model,
    inputs: &[Vec<u32>],
    settings: &SearchSettings,
    batch: usize,
    multiple: usize,
) -> Vec<Hypothesis> {
    let run = |at_once| {
        let batching = Batching { rows: batch, layout: layout(multiple, at_once), suppressed: &[] };
        pollster::block_on(generate(model, inputs, settings, batching, &mut |_| Ok(()))).unwrap()
    };
    let found = run(1);
    // Parts side by side give the same tokens; sums in another grouping may differ in the last bits.
    for (one, parts) in found.iter().zip(run(2)) {
        assert_eq!(one.tokens, parts.tokens);
        assert!((one.score - parts.score).abs() < 1e-5, "{} {}", one.score, parts.score);
    }
    found
}

#[test]
fn greedy_and_beam_search_equal_the_reference() {
    for family in Family::all() {
        let inputs = inputs(&family);
        for case in cases(&family) {
            let found = run(&family.model(case.prompt), &inputs, &case.settings, inputs.len(), 1);
            let what = format!("{}, prompt {}, {}", family.name, case.prompt, case.settings.signature());
            let tokens: Vec<&Vec<u32>> = found.iter().map(|hypothesis| &hypothesis.tokens).collect();
            assert_eq!(tokens, case.ids.iter().collect::<Vec<_>>(), "{what}");
            for (found, expected) in found.iter().zip(&case.scores) {
                let error = (found.score - expected).abs();
                assert!(error <= TOLERANCE * expected.abs(), "{what}: {} for {expected}", found.score);
            }
        }
    }
}

/// Padding, and beams that end earlier than others of the batch, change nothing.
#[test]
fn outputs_do_not_depend_on_the_batch() {
    for family in Family::all() {
        let inputs = inputs(&family);
        for case in
            cases(&family).iter().filter(|case| case.settings.alpha == 1.0 || case.settings.beams == 1)
        {
            let model = family.model(case.prompt);
            for (batch, multiple) in [(1, 1), (4, 16)] {
                let found = run(&model, &inputs, &case.settings, batch, multiple);
                let tokens: Vec<Vec<u32>> = found.into_iter().map(|hypothesis| hypothesis.tokens).collect();
                assert_eq!(tokens, case.ids, "{}, batch {batch}", family.name);
            }
        }
    }
}

/// The goldens would catch a search that never stops early or never runs to the end.
#[test]
fn the_golden_outputs_end_in_both_ways() {
    for family in Family::all() {
        let cases = cases(&family);
        let rows =
            || cases.iter().flat_map(|case| case.ids.iter().map(|row| (row, case.settings.max_new_tokens)));
        assert!(rows().any(|(row, _)| row.last() != Some(&1)), "{}: every row ends", family.name);
        assert!(rows().any(|(row, longest)| row.len() < longest), "{}: no row ends early", family.name);
        let beam = |alpha: f64| {
            let wanted = |case: &&Case| case.settings.beams == 4 && case.settings.alpha == alpha;
            cases.iter().filter(|case| case.settings.min_new_tokens == 0).find(wanted)
        };
        assert_ne!(beam(0.0).unwrap().ids, beam(2.0).unwrap().ids, "{}", family.name);
        let longer: Vec<&Case> = cases.iter().filter(|case| case.settings.min_new_tokens > 0).collect();
        assert!(!longer.is_empty(), "{}: a least length is nowhere", family.name);
        let shortest = |case: &Case| case.ids.iter().map(Vec::len).min();
        assert!(longer.iter().all(|case| shortest(case) > Some(case.settings.min_new_tokens)));
    }
}
