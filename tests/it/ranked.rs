//! Answers that are chosen among candidates by their likelihood.

use promot_core::batch::TokenizedExample;
use promot_core::data::Split;
use promot_core::decode;
use promot_core::eval::{Evaluation, Evaluator, TaskRows};
use promot_core::model::folder::LoadedModel;
use promot_core::rng::Streams;
use promot_core::spec::EvalSpec;
use promot_core::task::{Candidates, Task};
use promot_core::train::DatasetProvider as _;
use promot_world::{Generated, catalog};

use crate::golden::{Family, layout};
use crate::shipped;

fn ranked(name: &str, candidates: Candidates) -> Task {
    Task { candidates: Some(candidates), ..catalog().tasks.by_name(name).unwrap().clone() }
}

fn evaluate(loaded: &LoadedModel, task: &Task, shots: usize, batch: usize, limit: usize) -> Evaluation {
    let evaluator = Evaluator {
        tokenizer: &loaded.tokenizer,
        layout: layout(1, 1),
        spec: &EvalSpec { batch, ..EvalSpec::default() },
        max_input: 0,
        shot_seed: 0,
        targets: vec![catalog().tasks.by_name("rte-mini").unwrap()],
    };
    let rows = Generated.rows(task, Split::Test, limit).unwrap();
    let shot_rows = Generated.rows(task, Split::Train, 100).unwrap();
    let rows = TaskRows { task, rows: &rows, shot_rows: &shot_rows, origin: "" };
    let mut done = Vec::new();
    let mut progress = |rows, _| {
        done.push(rows);
        Ok(())
    };
    let found =
        pollster::block_on(evaluator.evaluate(&loaded.model, &rows, shots, 0, &mut progress)).unwrap();
    assert_eq!(done.last(), Some(&limit));
    found
}

/// Scored one by one and by hand, the chosen candidate has the largest log-probability by byte.
#[test]
fn the_likeliest_candidate_is_the_answer() {
    let task = ranked("triviaqa-mini", Candidates::Others(3));
    for family in [Family::new("t5-1.1"), Family::causal("llama"), Family::causal("gpt2")] {
        let loaded = &family.loaded;
        let found = evaluate(loaded, &task, 1, 5, 6);
        let rows = Generated.rows(&task, Split::Test, 6).unwrap();
        let others = Generated.rows(&task, Split::Train, 100).unwrap();
        let mut rng = Streams::new(0).stream("candidates/triviaqa-mini");
        for (row, prediction) in rows.iter().zip(&found.predictions) {
            let candidates = task.candidates(row, &others, &mut rng).unwrap();
            let by_byte = |candidate: &String| {
                let input = loaded.tokenizer.encode_input(&prediction.input).unwrap();
                let mut target = loaded.tokenizer.encode_target(&prediction.input, candidate).unwrap();
                target.pop();
                let pair = TokenizedExample { input, target, ..TokenizedExample::default() };
                let scores = pollster::block_on(decode::score(&loaded.model, &[pair], &layout(1, 1), 1));
                scores.unwrap()[0].logprob() / candidate.len() as f64
            };
            let best = candidates.iter().max_by(|a, b| by_byte(a).total_cmp(&by_byte(b))).unwrap();
            assert_eq!(&prediction.output, best, "{}: {}", family.name, prediction.input);
        }
        assert!(found.score.signature.contains("|pool:100|prompt:off|decode:ranked(others:3),norm:bytes"));
        assert_eq!(found.score.target_format_rate, None, "a chosen answer has no form of its own");
        let other_batch: Vec<String> =
            evaluate(loaded, &task, 1, 64, 6).predictions.into_iter().map(|row| row.output).collect();
        assert!(other_batch.iter().eq(found.predictions.iter().map(|row| &row.output)));
    }
}

/// The bundled models know their people better than chance, and more of them than they can write.
#[test]
fn choosing_is_easier_than_writing() {
    shipped::BUNDLED.map(shipped::bundled).iter().for_each(chooses_better_than_it_writes);
}

fn chooses_better_than_it_writes(loaded: &LoadedModel) {
    let chosen = evaluate(loaded, &ranked("triviaqa-mini", Candidates::Others(3)), 1, 32, 48);
    let written = evaluate(loaded, catalog().tasks.by_name("triviaqa-mini").unwrap(), 1, 32, 48);
    assert!(chosen.score.score > written.score.score, "{} {}", chosen.score.score, written.score.score);
    let classes = evaluate(loaded, &ranked("rte-mini", Candidates::Choices), 1, 32, 16);
    assert!(classes.predictions.iter().all(|row| ["True", "False"].contains(&row.output.as_str())));
}
