//! What must hold exactly in ProMoT: who moves in which stage, and what a prompt, padding, a cache or a split batch
//! may change.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use promot_core::Result;
use promot_core::data::{Example, Split};
use promot_core::decode::{NextToken, SearchSettings, search};
use promot_core::eval::{Evaluator, TaskRows};
use promot_core::loss::{LossSettings, token_losses};
use promot_core::method::Method;
use promot_core::model::pass::{After, HiddenAt};
use promot_core::model::path::StackKind;
use promot_core::model::prompt::{EmbeddingTable, from_ids};
use promot_core::model::tensors::{self, HostTensors};
use promot_core::model::{Dropout, Model, Pass, SoftPrompt};
use promot_core::optim::Grads;
use promot_core::render::Renderer;
use promot_core::report::StageId;
use promot_core::rng::Streams;
use promot_core::spec::{EvalSpec, LengthPenalty, OptimizerSpec, StageSpec};
use promot_core::train::{
    MicroBatch, Mixture, Observer, StageContext, StageResult, TrainingSet, Validation, accumulate, run_stage,
    set_trainable,
};

use crate::generate::run;
use crate::golden::{Family, assert_close, batch, layout, method, values};

fn off() -> Dropout {
    Dropout::off()
}

fn logits(model: &Model, family: &Family) -> Vec<f32> {
    values(model.logits(&family.batch(), &mut Pass::eval()))
}

/// Every parameter of the model under its path.
fn parameters(model: &Model) -> HostTensors {
    pollster::block_on(tensors::read(model, &|_| true, &tensors::by_path)).unwrap()
}

fn bits(model: &Model) -> BTreeMap<String, Vec<u32>> {
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    parameters(model).into_iter().map(|(path, tensor)| (path, bits(tensor.values))).collect()
}

#[test]
fn a_prompt_of_length_zero_is_no_prompt() {
    for family in Family::all() {
        let width = family.loaded.config.d_model();
        let empty = SoftPrompt::from_values(Vec::new(), 0, width, &Device::flex()).unwrap();
        let model = family.model(false).with_prompt(Some(empty));
        assert_eq!(logits(&model, &family), logits(&family.model(false), &family), "{}", family.name);
    }
}

#[test]
fn a_prompt_of_real_token_embeddings_equals_those_tokens() {
    for family in Family::all() {
        let tokens = [7, 90, 3, 41];
        let table = EmbeddingTable {
            values: values(family.loaded.model.embedding()),
            width: family.loaded.config.d_model(),
        };
        let rows = from_ids(tokens.len(), &table, &tokens).unwrap();
        let prompt = SoftPrompt::from_values(rows, tokens.len(), table.width, &Device::flex()).unwrap();
        let prompted = logits(&family.model(false).with_prompt(Some(prompt)), &family);
        let written: Vec<_> = family
            .pairs
            .iter()
            .map(|(input, target)| ([tokens.as_slice(), input].concat(), target.clone()))
            .collect();
        let written = values(family.model(false).logits(&batch(&written, 1), &mut Pass::eval()));
        assert_close(family.name, &prompted, &written, 1e-6);
    }
}

#[test]
fn right_padding_does_not_change_the_losses() {
    for family in Family::all() {
        for prompt in [false, true] {
            let model = family.model(prompt);
            let tight = family.batch();
            let padded = batch(&family.pairs, 16);
            assert!(padded.target_width() > tight.target_width());
            let (tight, padded) = (losses(&model, &tight), losses(&model, &padded));
            for (row, pair) in family.pairs.iter().enumerate() {
                let alone = losses(&model, &batch(std::slice::from_ref(pair), 1));
                let what = format!("row {row} of {}, prompt {prompt}", family.name);
                assert_close(&what, &tight[row], &alone[0], 1e-5);
                assert_close(&what, &padded[row], &alone[0], 1e-5);
            }
        }
    }
}

/// Losses of each row's real tokens.
fn losses(model: &Model, batch: &promot_core::batch::Batch) -> Vec<Vec<f32>> {
    let logits = model.logits(batch, &mut Pass::eval());
    let losses = token_losses(logits, batch.target_ids(&Device::flex()), LossSettings::default());
    let losses = values(losses);
    let rows = losses.chunks(batch.target_width()).zip(batch.target_lengths());
    rows.map(|(row, length)| row[..*length].to_vec()).collect()
}

#[test]
fn parts_of_a_batch_sum_to_the_gradients_of_the_whole() {
    for family in Family::all() {
        let model = set_trainable(family.model(true), &|_| true);
        let settings = LossSettings { label_smoothing: 0.1, z_loss: 1e-4 };
        let gradients = |parts: &[MicroBatch], at_once: usize| {
            let done = accumulate(&model, &*method("joint"), parts, at_once, settings, &mut off());
            (values(done.loss), done.grads)
        };
        let (loss, whole) = gradients(&[family.batch().into()], 1);
        // Parts with unequal numbers of tokens: a mean of means would differ.
        let (first, rest) = family.pairs.split_at(1);
        let parts = [batch(first, 1).into(), batch(rest, 1).into()];
        let (split_loss, split) = gradients(&parts, 1);
        let (threads_loss, threads) = gradients(&parts, 2);
        assert_eq!(threads_loss, split_loss);
        assert_close("loss", &split_loss, &loss, 1e-5);
        assert_eq!(split.0.len(), whole.0.len());
        for (path, grad) in whole.0 {
            let split = values(split.0[&path].clone());
            assert_close(&path, &split, &values(grad), 1e-4);
            // Threads change no bit.
            assert_eq!(values(threads.0[&path].clone()), split, "{path}");
        }
    }
}

#[test]
fn each_method_has_gradients_of_what_it_trains_alone() {
    let family = Family::new("t5-1.1");
    let gradients = |method: &dyn Method| -> Grads {
        let model = set_trainable(family.model(true), &|path| method.trainable(path));
        accumulate(&model, method, &[family.batch().into()], 1, LossSettings::default(), &mut off()).grads
    };
    let all = parameters(&family.model(true)).len();
    let gradients = |name: &str| gradients(&*method(name));
    assert_eq!(gradients("joint").0.len(), all);
    assert_eq!(gradients("prompt-tuning").0.into_keys().collect::<Vec<_>>(), ["prompt.value"]);
    for name in ["fine-tuning", "random-prompt"] {
        let grads = gradients(name);
        assert_eq!(grads.0.len(), all - 1, "{name}");
        assert!(!grads.0.contains_key("prompt.value"), "{name}");
    }
    // Freezing the model changes nothing for the prompt.
    let (alone, joint) = (gradients("prompt-tuning"), gradients("joint"));
    let value = |grads: &Grads| values(grads.0["prompt.value"].clone());
    assert_close("gradient of the prompt", &value(&alone), &value(&joint), 1e-5);
}

/// Stage 1 and stage 2 by the real training loop, with dropout and weight decay, where a frozen parameter could
/// move by mistake.
#[test]
fn stage_one_moves_the_prompt_alone_and_stage_two_the_model_alone() {
    for family in Family::all() {
        let base = family.model(true);
        let after_one = train(&family, &*method("prompt-tuning"), base.clone());
        let after_two = train(&family, &*method("fine-tuning"), after_one.clone());
        let (base_bits, one, two) = (bits(&base), bits(&after_one), bits(&after_two));
        assert_eq!(base_bits.len(), two.len());
        for path in base_bits.keys() {
            let prompt = path == "prompt.value";
            assert_eq!(base_bits[path] != one[path], prompt, "{path} of {}, stage 1", family.name);
            assert_eq!(one[path] != two[path], !prompt, "{path} of {}, stage 2", family.name);
        }
        let bare = logits(&after_one.with_prompt(None), &family);
        assert_eq!(bare, logits(&family.model(false), &family), "{}: the prompt taken off", family.name);
    }
}

/// Where every label is the same, shuffling them changes nothing; where they differ, it does. Looking changes no
/// weight.
#[test]
fn gradients_of_task_and_format_align_where_labels_say_nothing() {
    let family = &Family::all().nth(1).expect("a gated model");
    let rows = promot_world::rows("rte-mini", Split::Train, 40).unwrap();
    let one_label: Vec<Example> =
        rows.iter().filter(|row| row.text("label").unwrap() == "entailment").cloned().collect();
    let result = stage(family, &*method("fine-tuning"), family.model(false), &one_label, 1);
    let steps: Vec<usize> = result.records.iter().map(|record| record.step).collect();
    assert_eq!(steps, [0, 1, 2, 3]);
    for cosine in result.records.iter().flat_map(|record| record.alignment.values()) {
        assert!((cosine - 1.0).abs() < 1e-5, "{cosine}");
    }
    let mixed = stage(family, &*method("fine-tuning"), family.model(false), &rows, 1);
    let worst =
        mixed.records.iter().flat_map(|record| record.alignment.values()).copied().fold(1.0, f64::min);
    assert!(worst < 0.999, "{worst}");
    let unseen = stage(family, &*method("fine-tuning"), family.model(false), &rows, 0);
    assert!(unseen.records.iter().all(|record| record.alignment.is_empty()));
    assert_eq!(bits(&mixed.model), bits(&unseen.model));
}

fn train(family: &Family, method: &dyn Method, model: Model) -> Model {
    let rows = promot_world::rows("rte-mini", Split::Train, 12).unwrap();
    let result = stage(family, method, model, &rows, 0);
    assert_eq!(result.records.len(), 3);
    result.model
}

fn stage(
    family: &Family,
    method: &dyn Method,
    model: Model,
    rows: &[Example],
    alignment_every: usize,
) -> StageResult {
    let task = promot_world::catalog().tasks.by_name("rte-mini").unwrap();
    let validation = promot_world::rows("rte-mini", Split::Validation, 12).unwrap();
    let spec = StageSpec {
        steps: 3,
        batch: 4,
        accumulate: 2,
        checkpoint_every: 2,
        clip_norm: 1.0,
        optimizer: OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 1e-3, scale_parameter: false },
        ..StageSpec::default()
    };
    let eval = EvalSpec { beams: 1, alignment_every, alignment_rows: 8, ..EvalSpec::default() };
    let (tokenizer, streams) = (&family.loaded.tokenizer, Streams::new(3));
    let evaluator = Evaluator {
        tokenizer,
        layout: layout(1, 2),
        spec: &eval,
        max_input: 64,
        shot_seed: 0,
        targets: vec![task],
    };
    let renderer = Renderer { task, tokenizer, shots: 0, max_input: 64 };
    let source = Mixture(vec![TrainingSet::new(renderer, 0, rows, streams)]);
    let validation = TaskRows { task, rows: &validation, shot_rows: rows, origin: "" };
    let context = StageContext {
        name: "stage".into(),
        id: StageId::default(),
        method,
        spec: &spec,
        source: &source,
        attached: &[],
        validation: Some(Validation {
            evaluator: &evaluator,
            rows: vec![validation],
            limit: 2,
            shots: 0,
            held_out: &[],
            watch: None,
        }),
        streams,
        layout: layout(1, 2),
        threads: true,
        fingerprint: String::new(),
    };
    pollster::block_on(run_stage(&context, model, &mut Silent)).unwrap()
}

struct Silent;

impl Observer for Silent {
    fn now(&self) -> f64 {
        0.0
    }
}

/// A decoder without a cache: every step runs the whole target again.
struct Uncached<'a> {
    model: &'a Model,
    /// Each input, once per beam.
    inputs: Vec<Vec<u32>>,
    beams: usize,
    fed: Vec<Vec<u32>>,
}

impl NextToken for Uncached<'_> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        for (row, token) in self.fed.iter_mut().zip(tokens) {
            row.push(*token);
        }
        // Targets whose shifted form is what was fed, behind the start token 0.
        let (count, length) = (self.fed.len(), self.fed[0].len());
        let pairs: Vec<(Vec<u32>, Vec<u32>)> = (self.inputs.iter().zip(&self.fed))
            .map(|(input, fed)| (input.clone(), [&fed[1..], &[1]].concat()))
            .collect();
        let logits = self.model.logits(&batch(&pairs, 1), &mut Pass::eval());
        Ok(values(logits.slice([0..count, length - 1..length, 0..self.vocab_size()])))
    }

    fn reorder_cache(&mut self, parents: &[usize]) {
        self.fed = parents.iter().map(|parent| self.fed[*parent].clone()).collect();
    }

    fn retain_inputs(&mut self, inputs: &[usize]) {
        let rows: Vec<usize> =
            inputs.iter().flat_map(|input| input * self.beams..(input + 1) * self.beams).collect();
        self.reorder_cache(&rows);
        self.inputs = rows.iter().map(|row| self.inputs[*row].clone()).collect();
    }

    fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }
}

fn settings(beams: usize) -> SearchSettings {
    SearchSettings {
        beams,
        max_new_tokens: 10,
        min_new_tokens: 0,
        length_penalty: LengthPenalty::T5x,
        alpha: 0.6,
        decoder_start_id: 0,
        eos: vec![1],
    }
}

#[test]
fn decoding_with_a_cache_equals_decoding_without() {
    for family in Family::all() {
        let inputs: Vec<Vec<u32>> = family.pairs.iter().map(|(input, _)| input.clone()).collect();
        for (prompt, beams) in [(false, 1), (true, 1), (false, 4), (true, 4)] {
            let model = family.model(prompt);
            let repeated = inputs.iter().flat_map(|input| vec![input.clone(); beams]).collect();
            let fed = vec![Vec::new(); inputs.len() * beams];
            let mut uncached = Uncached { model: &model, inputs: repeated, beams, fed };
            let expected = pollster::block_on(search(&mut uncached, inputs.len(), &settings(beams))).unwrap();
            let found = run(&model, &inputs, &settings(beams), inputs.len(), 1);
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.tokens, expected.tokens, "{}, prompt {prompt}", family.name);
                assert!((found.score - expected.score).abs() < 1e-5, "{found:?}, {expected:?}");
            }
        }
    }
}

#[test]
fn beam_width_one_is_greedy() {
    for family in Family::all() {
        let inputs: Vec<Vec<u32>> = family.pairs.iter().map(|(input, _)| input.clone()).collect();
        let model = family.model(true);
        let found = run(&model, &inputs, &settings(1), inputs.len(), 1);
        for (input, found) in inputs.iter().zip(found) {
            assert_eq!(found.tokens, greedy(&model, input, 10), "{}", family.name);
        }
    }
}

/// The most likely token at each step until the end, without any search.
fn greedy(model: &Model, input: &[u32], longest: usize) -> Vec<u32> {
    let mut decoder = Uncached { model, inputs: vec![input.to_vec()], beams: 1, fed: vec![Vec::new()] };
    let mut tokens = vec![0];
    while tokens.len() <= longest && tokens.last() != Some(&1) {
        let logits = pollster::block_on(decoder.step(&tokens[tokens.len() - 1..])).unwrap();
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
        tokens.push(best as u32);
    }
    tokens.split_off(1)
}

/// A hook sees the embedding, every block and the final norm of both stacks, and what it gives back is gone on with.
#[test]
fn a_hook_captures_and_replaces_hidden_states() {
    for family in Family::all() {
        let (model, config) = (family.model(true), family.loaded.config.t5().unwrap());
        let mut seen = Vec::new();
        let mut captured = None;
        let mut capture = |at: HiddenAt, x: Tensor<3>| {
            seen.push(at);
            if at == (HiddenAt { stack: StackKind::Decoder, after: After::Norm }) {
                captured = Some(x.clone());
            }
            x
        };
        let plain = logits(&model, &family);
        let found = model.logits(&family.batch(), &mut Pass::eval().with_hook(&mut capture));
        assert_eq!(values(found), plain, "{}: capturing changes nothing", family.name);
        assert_eq!(values(model.lm_head(captured.unwrap())), plain, "{}", family.name);
        let of = |stack: StackKind, blocks: usize| {
            let blocks = (0..blocks).map(After::Block);
            let all = std::iter::once(After::Embedding).chain(blocks).chain([After::Norm]);
            all.map(move |after| HiddenAt { stack, after })
        };
        let expected: Vec<HiddenAt> = of(StackKind::Encoder, config.num_layers)
            .chain(of(StackKind::Decoder, config.decoder_layers()))
            .collect();
        assert_eq!(seen, expected);
        let mut replace = |at: HiddenAt, x: Tensor<3>| match at.after {
            After::Norm if at.stack == StackKind::Decoder => x.zeros_like(),
            _ => x,
        };
        let zeros = model.logits(&family.batch(), &mut Pass::eval().with_hook(&mut replace));
        assert!(values(zeros).iter().all(|logit| *logit == 0.0), "{}", family.name);
    }
}
