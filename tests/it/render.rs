//! What models read: the same in a run, in an evaluation of its own and in training, and cut at the same length.

use std::collections::BTreeMap;

use promot_core::data::{Example, Split};
use promot_core::decode::{Batching, SearchSettings, generate};
use promot_core::eval::{Evaluation, Evaluator, TaskRows};
use promot_core::render::{Renderer, ShotPool};
use promot_core::rng::Streams;
use promot_core::spec::{EvalSpec, LengthPenalty};
use promot_core::task::Task;
use promot_core::tokenizer::Tokenizer;
use promot_core::train::DatasetProvider as _;
use promot_world::{Generated, catalog};

use crate::golden::{Family, layout};
use crate::shipped;

fn task(name: &str) -> &'static Task {
    catalog().tasks.by_name(name).unwrap()
}

fn evaluate(family: &Family, spec: &EvalSpec, max_input: usize, shots: usize, rows: &TaskRows) -> Evaluation {
    let evaluator = Evaluator {
        tokenizer: &family.loaded.tokenizer,
        layout: layout(1, 2),
        spec,
        max_input,
        shot_seed: 0,
        targets: Vec::new(),
    };
    let mut quiet = |_, _| Ok(());
    let found = evaluator.evaluate(&family.loaded.model, rows, shots, 3, &mut quiet);
    pollster::block_on(found).unwrap()
}

/// A run reads as many training rows as it draws examples from; `promot eval` may have all of them at hand.
#[test]
fn equal_signatures_have_equal_in_context_examples() {
    let family = Family::new("t5-1.1");
    let (task, spec) = (task("cb-mini"), EvalSpec { beams: 1, shot_pool: 20, ..EvalSpec::default() });
    let rows = Generated.rows(task, Split::Test, 3).unwrap();
    let train = Generated.rows(task, Split::Train, 0).unwrap();
    let found = |shot_rows: &[Example], spec: &EvalSpec| {
        evaluate(&family, spec, 0, 1, &TaskRows { task, rows: &rows, shot_rows, origin: "" })
    };
    let inputs = |found: &Evaluation| -> Vec<String> {
        found.predictions.iter().map(|prediction| prediction.input.clone()).collect()
    };
    let (run, eval) = (found(&train[..20], &spec), found(&train, &spec));
    assert_eq!(run.score.signature, eval.score.signature);
    assert_eq!(inputs(&run), inputs(&eval));
    // Another pool draws other rows, and its signature says so.
    let all = found(&train, &EvalSpec { shot_pool: 0, ..spec });
    assert_ne!(inputs(&run), inputs(&all));
    assert!(run.score.signature.contains("|pool:20|"), "{}", run.score.signature);
    assert!(all.score.signature.contains(&format!("|pool:{}|", train.len())), "{}", all.score.signature);
}

/// The questions in the recorded reports are asked today, word for word: their scores still hold.
#[test]
fn recorded_questions_are_rendered_again() {
    let tokenizer = Tokenizer::from_json(&shipped::read("models/mini/tokenizer.json")).unwrap();
    for recording in shipped::recordings() {
        let (report, name) = (recording.report(), &recording.name);
        let (eval, targets) = (&report.spec.eval, report.spec.target.tasks());
        let mut recorded: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for example in &report.examples {
            recorded.entry(&example.task).or_default().push(&example.input);
        }
        assert!(recorded.len() > 1, "{name}");
        for (task_name, inputs) in recorded {
            let task = task(task_name);
            let shots = if targets.contains(&task_name) { 0 } else { eval.shots[0] };
            let rows = Generated.rows(task, Split::Test, 3).unwrap();
            let train = Generated.rows(task, Split::Train, 0).unwrap();
            let renderer =
                Renderer { task, tokenizer: &tokenizer, shots, max_input: report.spec.target.max_input };
            let rendered = renderer.evaluation(&rows, &ShotPool::new(&train, eval.shot_pool, 0)).unwrap();
            // A method with examples in its training has them before the target's questions, too.
            for row in rendered {
                assert!(inputs.contains(&row.text.input.as_str()), "{name}: {}", row.text.input);
            }
        }
    }
}

#[test]
fn too_few_rows_for_the_examples_are_an_error() {
    let family = Family::new("t5-1.1");
    let renderer =
        Renderer { task: task("cb-mini"), tokenizer: &family.loaded.tokenizer, shots: 4, max_input: 0 };
    let rows = Generated.rows(renderer.task, Split::Train, 3).unwrap();
    let error = renderer.evaluation(&rows, &ShotPool::new(&rows, 0, 0)).unwrap_err().to_string();
    assert_eq!(error, "in-context examples of cb-mini: expected at least 4 training rows, found 3");
}

#[test]
fn evaluation_cuts_as_training_does_and_counts() {
    let family = Family::new("t5-1.1");
    let (tokenizer, task) = (&family.loaded.tokenizer, task("rte-mini"));
    let rows = Generated.rows(task, Split::Test, 3).unwrap();
    let whole = Renderer { task, tokenizer, shots: 0, max_input: 0 };
    let pool = ShotPool::new(&[], 0, 0);
    let lengths: Vec<usize> =
        whole.evaluation(&rows, &pool).unwrap().iter().map(|row| row.input.len()).collect();
    // The longest of the three is cut by one token.
    let limit = lengths.iter().max().unwrap() - 1;
    let renderer = Renderer { max_input: limit, ..whole };
    let cut = renderer.evaluation(&rows, &pool).unwrap();
    for (index, (row, length)) in cut.iter().zip(&lengths).enumerate() {
        assert_eq!(row.truncated, *length > limit);
        assert_eq!(row.input.len(), *length.min(&limit));
        assert_eq!(row.input.last(), Some(&tokenizer.eos));
        assert_eq!(*row, renderer.training(&rows, index, &mut Streams::new(0).stream("none")).unwrap());
    }

    let spec = EvalSpec { beams: 1, ..EvalSpec::default() };
    let scored =
        evaluate(&family, &spec, limit, 0, &TaskRows { task, rows: &rows, shot_rows: &[], origin: "" });
    assert_eq!(scored.score.truncated, cut.iter().filter(|row| row.truncated).count());
    let said = format!("|cut:{}@{limit}|", scored.score.truncated);
    assert!(scored.score.signature.contains(&said), "{}", scored.score.signature);
    let settings = SearchSettings {
        beams: 1,
        max_new_tokens: task.max_new_tokens,
        min_new_tokens: 0,
        length_penalty: LengthPenalty::T5x,
        alpha: 0.6,
        decoder_start_id: 0,
        eos: tokenizer.stops.clone(),
    };
    let inputs: Vec<Vec<u32>> = cut.into_iter().map(|row| row.input).collect();
    let batching = Batching { rows: 3, layout: layout(1, 2), suppressed: &[] };
    let mut quiet = |_| Ok(());
    let expected = generate(&family.loaded.model, &inputs, &settings, batching, &mut quiet);
    for (found, expected) in scored.predictions.iter().zip(pollster::block_on(expected).unwrap()) {
        assert_eq!(found.output, tokenizer.decode(&expected.tokens).unwrap());
    }
}

/// So the limit changes no number of the presets of the bundled models, which read texts as the same ids.
#[test]
fn no_evaluation_input_of_the_bundled_presets_is_cut() {
    let loaded = shipped::bundled("mini");
    for name in ["tour", "quick", "paper-mini"] {
        let spec = catalog().presets.by_name(name).unwrap().resolve(&catalog().tasks).unwrap();
        let (eval, max_input) = (&spec.eval, spec.eval.max_input);
        assert!(max_input > spec.target.max_input, "{name}");
        let asked = spec.target.tasks().into_iter().map(|task| (task, 0, spec.target.test_limit));
        let unseen = eval
            .tasks
            .iter()
            .flat_map(|task| eval.shots.iter().map(move |shots| (task.as_str(), *shots, eval.limit)));
        for (task_name, shots, limit) in asked.chain(unseen) {
            let task = task(task_name);
            let rows = Generated.rows(task, Split::Test, limit).unwrap();
            let train = Generated.rows(task, Split::Train, eval.shot_pool).unwrap();
            let renderer = Renderer { task, tokenizer: &loaded.tokenizer, shots, max_input };
            let rendered = renderer.evaluation(&rows, &ShotPool::new(&train, eval.shot_pool, 0)).unwrap();
            let cut = rendered.iter().filter(|row| row.truncated).count();
            assert_eq!(cut, 0, "{name}: {task_name} with {shots} examples is cut at {max_input} tokens");
        }
    }
}
