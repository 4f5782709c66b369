//! mT5's vocabulary: tables and logits around and beyond what one buffer of a GPU may hold.

use std::time::Instant;

use anyhow::ensure;
use promot_core::batch::Batch;
use promot_core::decode::{Batching, LengthPenalty, SearchSettings, generate};
use promot_core::device::{self, DeviceChoice};
use promot_core::loss::LossSettings;
use promot_core::model::{Dropout, Model};
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use serde_json::{Value, json};

use super::bench::Bench;
use super::parity::{by_name, distance, first, relative, values};
use super::shapes::{self, Shape, TINY};

const MT5: usize = 250_112;

pub fn run(bench: &Bench) -> anyhow::Result<()> {
    let vocabulary = if bench.tiny { 4_000 } else { MT5 };
    let narrow = if bench.tiny {
        Shape { vocabulary, ..TINY }
    } else {
        Shape {
            name: "mt5-small widths, 1 layer",
            vocabulary,
            d_model: 512,
            d_ff: 1_024,
            layers: 1,
            heads: 6,
            d_kv: 64,
        }
    };
    beside_cpu(bench, &narrow)?;
    if bench.tiny {
        return Ok(());
    }
    // 4,096 positions: logits of 4.1 GB.
    alone(bench, "logits of 4.1 GB", &narrow, 64)?;
    // A table of 2.05 GB is just below the limit of 2^31 - 1 bytes, one of 4.1 GB beyond it.
    alone(bench, "tables of 2.05 GB", &Shape { name: "mt5-xl width, 1 layer", d_model: 2_048, ..narrow }, 1)?;
    alone(bench, "tables of 4.1 GB", &Shape { name: "mt5-xxl width, 1 layer", d_model: 4_096, ..narrow }, 1)
}

/// Loss, the gradients of both tables and beam search, beside the CPU's.
fn beside_cpu(bench: &Bench, shape: &Shape) -> anyhow::Result<()> {
    let cpu = pollster::block_on(device::open(DeviceChoice::Cpu))?;
    let (gpu, cpu) = (shape.same_model(&bench.gpu.device)?, shape.same_model(&cpu.device)?);
    let start = Instant::now();
    let (found, found_tables) = gradients(bench, shape, &gpu, 2)?;
    let seconds = start.elapsed().as_secs_f64();
    let (expected, expected_tables) = gradients(bench, shape, &cpu, 2)?;
    let tables =
        found_tables.iter().zip(&expected_tables).map(|(gpu, cpu)| distance(gpu, cpu)).fold(0.0, f64::max);
    let loss = relative(found, expected);
    let same = texts(bench, shape, &gpu)? == texts(bench, shape, &cpu)?;
    let ok = loss < 1e-3 && tables < 2e-3 && same;
    bench.found(json!({
        "what": "beside the CPU", "shape": shape.name, "vocabulary": shape.vocabulary, "loss": found,
        "loss_error": loss, "gradient_error": tables, "same_beam_4": same, "seconds": seconds, "ok": ok,
    }));
    ensure!(ok, "a vocabulary of {}: not the CPU's numbers", shape.vocabulary);
    Ok(())
}

/// Loss and gradients by themselves: a new model's loss is close to that of a uniform guess.
fn alone(bench: &Bench, what: &str, shape: &Shape, rows: usize) -> anyhow::Result<()> {
    bench.gpu.device.memory_cleanup();
    let start = Instant::now();
    let model = shape.model(&bench.gpu.device)?;
    let (loss, tables) = gradients(bench, shape, &model, rows)?;
    let uniform = (shape.vocabulary as f64).ln();
    let finite = tables.iter().flatten().all(|value| value.is_finite());
    let ok = finite && (loss - uniform).abs() < 1.0;
    let memory = bench.memory();
    bench.found(json!({
        "what": what, "shape": shape.name, "vocabulary": shape.vocabulary, "loss": loss, "loss_of_a_guess": uniform,
        "seconds": start.elapsed().as_secs_f64(), "gb_reserved": memory.map(|(_, reserved)| reserved), "ok": ok,
    }));
    ensure!(ok, "{what}: the loss is {loss}, that of a guess {uniform}");
    Ok(())
}

/// The loss, and a corner of the gradients of table and head: ids of the last rows are among the targets.
fn gradients(
    bench: &Bench,
    shape: &Shape,
    model: &Model,
    rows: usize,
) -> anyhow::Result<(f64, Vec<Vec<f32>>)> {
    let method = by_name("fine-tuning")?;
    let model = set_trainable(model.clone(), &|path| method.trainable(path));
    let mut rows = shapes::rows(rows, 16, 64, shape.vocabulary);
    for row in &mut rows {
        let last = shape.vocabulary as u32 - 1;
        row.input[0] = last;
        row.target[0] = last;
    }
    let parts = [MicroBatch::from(Batch::new(&rows, &bench.layout()))];
    let done = accumulate(&model, &*method, &parts, 1, LossSettings::default(), &mut Dropout::off());
    let wide = shape.vocabulary;
    let mut corners = Vec::new();
    for gradient in done.grads.0.into_values().filter(|gradient| gradient.dims().contains(&wide)) {
        let [rows, columns] = gradient.dims();
        let corner = gradient.slice([rows.saturating_sub(64)..rows, columns.saturating_sub(64)..columns]);
        corners.push(values(corner)?);
    }
    ensure!(corners.len() == 2, "{} gradients as wide as the vocabulary, not 2", corners.len());
    Ok((first(done.loss)?, corners))
}

fn texts(bench: &Bench, shape: &Shape, model: &Model) -> anyhow::Result<Value> {
    let inputs: Vec<Vec<u32>> =
        shapes::rows(2, 16, 1, shape.vocabulary).into_iter().map(|row| row.input).collect();
    let settings = SearchSettings {
        beams: 4,
        max_new_tokens: 3,
        min_new_tokens: 0,
        length_penalty: LengthPenalty::HuggingFace,
        alpha: 1.0,
        decoder_start_id: 0,
        eos: Vec::new(),
    };
    let batching = Batching { rows: inputs.len(), layout: bench.layout(), suppressed: &[] };
    let found = pollster::block_on(generate(model, &inputs, &settings, batching, &mut |_| Ok(())))?;
    Ok(json!(found.into_iter().map(|found| found.tokens).collect::<Vec<_>>()))
}
