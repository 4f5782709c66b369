//! The GPU's numbers beside the CPU's: logits, loss, gradients, ten steps of both stages, texts.

use std::collections::BTreeMap;

use anyhow::ensure;
use burn::tensor::Tensor;
use promot_core::batch::{Batch, BatchLayout, TokenizedExample};
use promot_core::data::Split;
use promot_core::decode::{Batching, LengthPenalty, SearchSettings, generate};
use promot_core::device::{self, DeviceChoice, OpenDevice};
use promot_core::loss::LossSettings;
use promot_core::method::{self, Method};
use promot_core::model::tensors::{self, to_vec};
use promot_core::model::{Dropout, Model, Pass, Rates};
use promot_core::optim::Optimizer;
use promot_core::render::Renderer;
use promot_core::rng::Streams;
use promot_core::spec::OptimizerSpec;
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use serde_json::json;

use super::bench::Bench;
use super::shapes::{self, TINY};
use crate::args::Numbers;
use crate::{catalog, loaded};

/// A model on one device.
struct Side {
    device: OpenDevice,
    model: Model,
}

/// The same model on both devices, and the rows it is compared on.
struct Pair {
    gpu: Side,
    cpu: Side,
    batch: Batch,
    inputs: Vec<Vec<u32>>,
    layout: BatchLayout,
    eos: u32,
}

pub const ADAFACTOR: OptimizerSpec =
    OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 0.0, scale_parameter: false };

pub fn run(bench: &Bench) -> anyhow::Result<()> {
    let pair = Pair::new(bench)?;
    let mut wrong = Vec::new();
    let mut judge = |what: &str, error: f64, allowed: f64, more: serde_json::Value| {
        let ok = error.is_finite() && error <= allowed;
        bench.found(json!({
            "what": what, "numbers": bench.numbers_name(), "error": error, "allowed": allowed, "ok": ok, "more": more,
        }));
        if !ok {
            wrong.push(what.to_owned());
        }
    };
    let reduced = bench.numbers == Numbers::F16;
    let (close, far) = if reduced { (2e-2, 1e-1) } else { (1e-4, 2e-3) };

    let logits = |side: &Side| values(side.model.logits(&pair.batch, &mut Pass::eval()));
    judge("logits", distance(&logits(&pair.gpu)?, &logits(&pair.cpu)?), close, json!(null));

    for (what, name, prompted) in GRADIENTS {
        let (gpu, cpu) =
            (pair.gpu.gradients(name, prompted, &pair)?, pair.cpu.gradients(name, prompted, &pair)?);
        judge(&format!("{what}: loss"), relative(gpu.loss, cpu.loss), close, json!(null));
        let (path, worst) = worst(&gpu.by_path, &cpu.by_path);
        judge(
            &format!("{what}: gradients"),
            worst,
            far,
            json!({ "worst": path, "parameters": cpu.by_path.len() }),
        );
    }
    let steps = if bench.tiny { 2 } else { 10 };
    for (what, name, prompted) in STAGES {
        let (gpu, cpu) =
            (pair.gpu.stage(name, prompted, steps, &pair)?, pair.cpu.stage(name, prompted, steps, &pair)?);
        let worst = gpu.iter().zip(&cpu).map(|(gpu, cpu)| relative(*gpu, *cpu)).fold(0.0, nan_max);
        judge(&format!("{what}: losses of {steps} steps"), worst, far, json!({ "last": cpu.last() }));
    }
    let (gpu, cpu) = (pair.gpu.texts(&pair, bench.tiny)?, pair.cpu.texts(&pair, bench.tiny)?);
    let different = gpu.iter().zip(&cpu).filter(|(gpu, cpu)| gpu != cpu).count();
    let share = different as f64 / cpu.len().max(1) as f64;
    judge("beam-4 texts that differ", share, if reduced { 0.5 } else { 0.0 }, json!({ "texts": cpu.len() }));
    ensure!(wrong.is_empty(), "not the CPU's numbers: {}", wrong.join(", "));
    Ok(())
}

/// What is compared, the method, and whether a prompt is in front. Stage 1 is the gradient of a prompt before frozen
/// weights.
const GRADIENTS: [(&str, &str, bool); 2] =
    [("fine-tuning", "fine-tuning", false), ("stage 1", "prompt-tuning", true)];
const STAGES: [(&str, &str, bool); 2] =
    [("stage 1", "prompt-tuning", true), ("stage 2", "fine-tuning", true)];

struct Gradients {
    loss: f64,
    by_path: BTreeMap<String, Vec<f32>>,
}

impl Pair {
    fn new(bench: &Bench) -> anyhow::Result<Self> {
        let cpu = pollster::block_on(device::open(DeviceChoice::Cpu))?;
        let layout = bench.layout();
        let side = |device: &OpenDevice, model| Side { device: device.clone(), model };
        if bench.tiny {
            let rows = shapes::rows(2, 12, 4, TINY.vocabulary);
            let gpu = side(&bench.gpu, TINY.same_model(&bench.gpu.device)?);
            let cpu = side(&cpu, TINY.same_model(&cpu.device)?);
            return Ok(Self::of(gpu, cpu, rows, layout, u32::MAX));
        }
        let on_gpu = loaded::model(crate::bundled::FIRST, &bench.gpu)?;
        let on_cpu = loaded::model(crate::bundled::FIRST, &cpu)?;
        let rows = examples(&on_cpu, 16)?;
        let (gpu, cpu) = (side(&bench.gpu, on_gpu.model), side(&cpu, on_cpu.model));
        Ok(Self::of(gpu, cpu, rows, layout, on_cpu.tokenizer.eos))
    }

    fn of(gpu: Side, cpu: Side, rows: Vec<TokenizedExample>, layout: BatchLayout, eos: u32) -> Self {
        let inputs = rows.iter().map(|row| row.input.clone()).collect();
        Self { gpu, cpu, batch: Batch::new(&rows, &layout), inputs, layout, eos }
    }
}

/// Training rows of the bundled model's target task, as ids.
pub fn examples(model: &loaded::LoadedModel, count: usize) -> anyhow::Result<Vec<TokenizedExample>> {
    const TASK: &str = "rte-mini";
    let task = catalog::tasks().by_name(TASK)?;
    let renderer = Renderer { task, tokenizer: &model.tokenizer, shots: 0, max_input: 64 };
    let rows = promot_world::rows(TASK, Split::Train, count)?;
    let mut made = Vec::new();
    for row in &rows {
        let rendered = renderer.render(&[], row)?;
        let target = model.tokenizer.encode(&rendered.text.target)?;
        made.push((rendered.input, target).into());
    }
    Ok(made)
}

impl Side {
    fn prepared(&self, method: &dyn Method, prompted: bool) -> anyhow::Result<Model> {
        let length = 20;
        let prompt =
            prompted.then(|| shapes::prompt(length, self.model.width(), &self.device.device)).transpose()?;
        Ok(set_trainable(self.model.clone().with_prompt(prompt), &|path| method.trainable(path)))
    }

    fn gradients(&self, name: &str, prompted: bool, pair: &Pair) -> anyhow::Result<Gradients> {
        let method = by_name(name)?;
        let model = self.prepared(&*method, prompted)?;
        let parts = [MicroBatch::from(pair.batch.clone())];
        let done = accumulate(&model, &*method, &parts, 1, LossSettings::default(), &mut Dropout::off());
        let mut by_path = BTreeMap::new();
        for (path, gradient) in done.grads.0 {
            by_path.insert(path, values(gradient)?);
        }
        Ok(Gradients { loss: first(done.loss)?, by_path })
    }

    /// The losses of some updates, with dropout whose masks are the same on every device.
    fn stage(&self, name: &str, prompted: bool, steps: usize, pair: &Pair) -> anyhow::Result<Vec<f64>> {
        let method = by_name(name)?;
        let mut model = self.prepared(&*method, prompted)?;
        let mut optimizer = Optimizer::new(ADAFACTOR);
        let parts = [MicroBatch::from(pair.batch.clone())];
        let mut losses = Vec::new();
        for step in 0..steps {
            let rng = Streams::new(0).stream(&format!("dropout/{step}"));
            let mut dropout = Dropout::new(Rates::uniform(0.1), rng);
            let done = accumulate(&model, &*method, &parts, 1, LossSettings::default(), &mut dropout);
            losses.push(first(done.loss)?);
            model = optimizer.update(model, done.grads, 1e-3);
        }
        Ok(losses)
    }

    fn texts(&self, pair: &Pair, tiny: bool) -> anyhow::Result<Vec<Vec<u32>>> {
        let settings = SearchSettings {
            beams: 4,
            max_new_tokens: if tiny { 3 } else { 16 },
            min_new_tokens: 1,
            length_penalty: LengthPenalty::HuggingFace,
            alpha: 1.0,
            decoder_start_id: pair.layout.decoder_start_id,
            eos: vec![pair.eos],
        };
        let batching = Batching { rows: pair.inputs.len(), layout: pair.layout, suppressed: &[] };
        let mut quiet = |_| Ok(());
        let search = generate(&self.model, &pair.inputs, &settings, batching, &mut quiet);
        Ok(pollster::block_on(search)?.into_iter().map(|found| found.tokens).collect())
    }
}

/// A method with its default settings.
pub fn by_name(name: &str) -> anyhow::Result<Box<dyn Method>> {
    let info = method::by_name(name)?;
    Ok(info.build(&info.defaults()))
}

pub fn values<const R: usize>(tensor: Tensor<R>) -> anyhow::Result<Vec<f32>> {
    Ok(pollster::block_on(to_vec(tensor))?)
}

/// The one number of a loss.
pub fn first(tensor: Tensor<1>) -> anyhow::Result<f64> {
    let values = pollster::block_on(tensors::to_vec(tensor))?;
    Ok(values.first().copied().map_or(f64::NAN, f64::from))
}

pub fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(1e-6)
}

/// The larger number; one that is not a number wins.
fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The Euclidean norm of the difference over the norm of what is expected.
pub fn distance(found: &[f32], expected: &[f32]) -> f64 {
    if found.len() != expected.len() {
        return f64::NAN;
    }
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let size = norm(&mut expected.iter().map(|x| f64::from(*x)));
    if difference == 0.0 { 0.0 } else { difference / size }
}

/// The parameter whose gradient differs most, and by how much. One that is missing is not a number.
fn worst(found: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Vec<f32>>) -> (String, f64) {
    let none = Vec::new();
    let mut worst = (String::new(), 0.0);
    for (path, expected) in expected {
        let error = distance(found.get(path).unwrap_or(&none), expected);
        if error.is_nan() || error > worst.1 {
            worst = (path.clone(), error);
        }
        if error.is_nan() {
            break;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_missing_is_the_worst() {
        let of = |values: &[f32]| BTreeMap::from([("a".to_owned(), values.to_vec())]);
        assert_eq!(worst(&of(&[1.0, 2.0]), &of(&[1.0, 2.0])).1, 0.0);
        assert!(worst(&of(&[1.0, f32::NAN]), &of(&[1.0, 2.0])).1.is_nan());
        assert!(worst(&BTreeMap::new(), &of(&[1.0])).1.is_nan());
        assert!(nan_max(0.0, f64::NAN).is_nan() && nan_max(f64::NAN, 1.0).is_nan());
        assert!((distance(&[3.0, 4.5], &[3.0, 4.0]) - 0.1).abs() < 1e-9);
    }
}
