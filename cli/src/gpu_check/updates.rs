//! Whole updates and decoding at T5's sizes: seconds, tokens, share of the card's peak, memory; and what fits.

use std::time::Instant;

use anyhow::ensure;
use promot_core::batch::Batch;
use promot_core::decode::{Batching, LengthPenalty, SearchSettings, generate};
use promot_core::loss::LossSettings;
use promot_core::model::{Dropout, Model, Rates};
use promot_core::optim::Optimizer;
use promot_core::rng::Streams;
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use serde_json::json;

use super::bench::Bench;
use super::cards;
use super::parity::{ADAFACTOR, by_name, examples, first as first_number};
use super::shapes::{self, BASE, LARGE, SMALL, Shape, TINY};
use crate::args::Numbers;
use crate::loaded;

/// What an update trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// All weights, without a prompt.
    FineTuning,
    /// A prompt before frozen weights.
    One,
    /// All weights behind a frozen prompt.
    Two,
}

impl Stage {
    const ALL: [Self; 3] = [Self::FineTuning, Self::One, Self::Two];

    fn name(self) -> &'static str {
        match self {
            Self::FineTuning => "fine-tuning",
            Self::One => "stage 1",
            Self::Two => "stage 2",
        }
    }

    fn method(self) -> &'static str {
        if self == Self::One { "prompt-tuning" } else { "fine-tuning" }
    }

    fn prompted(self) -> bool {
        self != Self::FineTuning
    }

    /// Forward passes that forward and backward cost together: frozen weights need no gradients of their own.
    fn passes(self) -> f64 {
        if self == Self::One { 2.0 } else { 3.0 }
    }
}

/// How large a batch is.
struct Sizes {
    rows: usize,
    micro_batch: usize,
    input: usize,
    target: usize,
    prompt: usize,
    /// Rows and tokens of greedy search and of beam search.
    greedy: (usize, usize),
    beam: (usize, usize),
    /// Seconds to measure for, after one update to warm up.
    seconds: f64,
}

const FULL: Sizes = Sizes {
    rows: 64,
    micro_batch: 8,
    input: 512,
    target: 64,
    prompt: 100,
    greedy: (32, 32),
    beam: (8, 32),
    seconds: 3.0,
};
const SOFTWARE: Sizes = Sizes {
    rows: 2,
    micro_batch: 1,
    input: 12,
    target: 4,
    prompt: 20,
    greedy: (2, 2),
    beam: (2, 2),
    seconds: 0.0,
};

pub fn run(bench: &Bench) -> anyhow::Result<()> {
    let (shapes, sizes): (&[Shape], Sizes) =
        if bench.tiny { (&[TINY], SOFTWARE) } else { (&[BASE, SMALL, LARGE], FULL) };
    for shape in shapes {
        let model = shape.model(&bench.gpu.device)?;
        for stage in Stage::ALL {
            update(bench, shape, &sizes, stage, &model)?;
        }
        for (what, beams, (rows, tokens)) in [("greedy", 1, sizes.greedy), ("beam 4", 4, sizes.beam)] {
            decode(bench, shape, &sizes, &model, what, beams, rows, tokens)?;
        }
        drop(model);
        bench.gpu.device.memory_cleanup();
    }
    Ok(())
}

/// An update that can be repeated.
struct Trainer {
    model: Option<Model>,
    optimizer: Optimizer,
    parts: Vec<MicroBatch>,
    stage: Stage,
    step: usize,
}

impl Trainer {
    fn new(bench: &Bench, shape: &Shape, sizes: &Sizes, stage: Stage, model: &Model) -> anyhow::Result<Self> {
        let method = by_name(stage.method())?;
        let prompt = stage.prompted().then(|| shapes::prompt(sizes.prompt, shape.d_model, &bench.gpu.device));
        let model = model.clone().with_prompt(prompt.transpose()?);
        let model = set_trainable(model, &|path| method.trainable(path));
        let rows = shapes::rows(sizes.rows, sizes.input, sizes.target, shape.vocabulary);
        let parts = Batch::micro_batches(rows, &bench.layout(), sizes.rows.div_ceil(sizes.micro_batch));
        let parts = parts.into_iter().map(MicroBatch::from).collect();
        Ok(Self { model: Some(model), optimizer: Optimizer::new(ADAFACTOR), parts, stage, step: 0 })
    }

    /// One update of the first `count` micro-batches, until its loss is on the host.
    fn update(&mut self, bench: &Bench, count: usize) -> anyhow::Result<f64> {
        let start = Instant::now();
        let method = by_name(self.stage.method())?;
        let Some(model) = self.model.take() else { anyhow::bail!("no model after a failed update") };
        let rng = Streams::new(0).stream(&format!("dropout/{}", self.step));
        let mut dropout = Dropout::new(Rates::uniform(0.1), rng);
        let parts = &self.parts[..count.min(self.parts.len())];
        let done = accumulate(&model, &*method, parts, 1, LossSettings::default(), &mut dropout);
        self.model = Some(self.optimizer.update(model, done.grads, 1e-3));
        self.step += 1;
        let loss = first_number(done.loss)?;
        bench.wait()?;
        ensure!(loss.is_finite(), "{}: the loss is {loss}", self.stage.name());
        Ok(start.elapsed().as_secs_f64())
    }
}

fn update(bench: &Bench, shape: &Shape, sizes: &Sizes, stage: Stage, model: &Model) -> anyhow::Result<()> {
    let mut trainer = Trainer::new(bench, shape, sizes, stage, model)?;
    // Kernels are compiled and tuned with one micro-batch.
    let warm_up = trainer.update(bench, 1)?;
    let start = Instant::now();
    let mut samples = Vec::new();
    while samples.is_empty() || (start.elapsed().as_secs_f64() < sizes.seconds && samples.len() < 5) {
        samples.push(trainer.update(bench, trainer.parts.len())?);
    }
    samples.sort_by(f64::total_cmp);
    let seconds = samples[samples.len() / 2];
    let input = sizes.input + if stage.prompted() { sizes.prompt } else { 0 };
    let flops = stage.passes() * shape.forward_flops(sizes.rows, input, sizes.target);
    let memory = bench.memory();
    bench.found(json!({
        "what": stage.name(),
        "shape": shape.name,
        "numbers": bench.numbers_name(),
        "seconds": seconds,
        "updates": samples.len(),
        "warm_up": warm_up,
        "tokens_per_second": (sizes.rows * (sizes.input + sizes.target)) as f64 / seconds,
        "tflops": flops / seconds / 1e12,
        "share_of_peak": share_of_peak(bench, flops / seconds / 1e12),
        "gb_in_use": memory.map(|(in_use, _)| in_use),
        "gb_reserved": memory.map(|(_, reserved)| reserved),
    }));
    Ok(())
}

/// Of what the maker states for this number format.
fn share_of_peak(bench: &Bench, tflops: f64) -> Option<f64> {
    let peaks = cards::peaks(&bench.setup.adapter.get_info().name)?;
    Some(tflops / if bench.numbers == Numbers::F16 { peaks.f16 } else { peaks.f32 })
}

#[allow(clippy::too_many_arguments)]
fn decode(
    bench: &Bench,
    shape: &Shape,
    sizes: &Sizes,
    model: &Model,
    what: &str,
    beams: usize,
    rows: usize,
    tokens: usize,
) -> anyhow::Result<()> {
    let inputs: Vec<Vec<u32>> =
        shapes::rows(rows, sizes.input, 1, shape.vocabulary).into_iter().map(|row| row.input).collect();
    let settings = |tokens| SearchSettings {
        beams,
        max_new_tokens: tokens,
        min_new_tokens: 0,
        length_penalty: LengthPenalty::HuggingFace,
        alpha: 1.0,
        decoder_start_id: 0,
        // No row ends early.
        eos: Vec::new(),
    };
    let once = |tokens: usize| -> anyhow::Result<f64> {
        let start = Instant::now();
        let batching = Batching { rows, layout: bench.layout(), suppressed: &[] };
        pollster::block_on(generate(model, &inputs, &settings(tokens), batching, &mut |_| Ok(())))?;
        Ok(start.elapsed().as_secs_f64())
    };
    let warm_up = once(tokens)?;
    let seconds = if bench.tiny { warm_up } else { once(tokens)? };
    bench.found(json!({
        "what": what, "shape": shape.name, "numbers": bench.numbers_name(), "rows": rows, "tokens": tokens,
        "seconds": seconds, "warm_up": warm_up, "tokens_per_second": (rows * tokens) as f64 / seconds,
        "ms_per_token": 1e3 * seconds / tokens as f64,
    }));
    Ok(())
}

/// The largest model of T5-large's width whose update fits, its layers doubled until one does not.
pub fn largest(bench: &Bench, stage: Stage) -> anyhow::Result<()> {
    let (widths, sizes, most) =
        if bench.tiny { (TINY, SOFTWARE, 2) } else { (LARGE, Sizes { rows: 8, ..FULL }, 768) };
    let mut layers = if bench.tiny { 1 } else { 6 };
    while layers <= most {
        let shape = Shape { layers, name: "t5-large widths", ..widths };
        let model = shape.model(&bench.gpu.device)?;
        let parameters = burn::module::Module::num_params(&model);
        let mut trainer = Trainer::new(bench, &shape, &sizes, stage, &model)?;
        drop(model);
        let seconds = trainer.update(bench, 1)?;
        let memory = bench.memory();
        let copies = if stage == Stage::One { 1.0 } else { 2.0 };
        bench.found(json!({
            "what": format!("{} fits", stage.name()),
            "layers": layers,
            "parameters": parameters,
            "numbers": bench.numbers_name(),
            "seconds": seconds,
            "gb_of_weights_and_gradients": 4e-9 * copies * parameters as f64,
            "gb_reserved": memory.map(|(_, reserved)| reserved),
        }));
        drop(trainer);
        bench.gpu.device.memory_cleanup();
        layers *= 2;
    }
    Ok(())
}

/// The first two updates of the bundled model in a new process: kernels are compiled and tuned in the first.
pub fn first(bench: &Bench) -> anyhow::Result<()> {
    let start = Instant::now();
    let (mut trainer, model) = if bench.tiny {
        let model = TINY.model(&bench.gpu.device)?;
        (Trainer::new(bench, &TINY, &SOFTWARE, Stage::FineTuning, &model)?, start.elapsed())
    } else {
        let loaded = loaded::model(crate::bundled::FIRST, &bench.gpu)?;
        let method = by_name(Stage::FineTuning.method())?;
        let parts = Batch::micro_batches(examples(&loaded, 32)?, &bench.layout(), 1);
        let model = Some(set_trainable(loaded.model, &|path| method.trainable(path)));
        let parts = parts.into_iter().map(MicroBatch::from).collect();
        let optimizer = Optimizer::new(ADAFACTOR);
        (Trainer { model, optimizer, parts, stage: Stage::FineTuning, step: 0 }, start.elapsed())
    };
    let count = trainer.parts.len();
    let (first, second) = (trainer.update(bench, count)?, trainer.update(bench, count)?);
    bench.found(json!({
        "what": "new process", "open": bench.opened, "load": model.as_secs_f64(), "first_update": first,
        "second_update": second,
    }));
    Ok(())
}
