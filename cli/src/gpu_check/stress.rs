//! Many updates at changing shapes: whether memory stays bounded and losses finite.

use std::time::Instant;

use anyhow::ensure;
use promot_core::batch::{Batch, BatchLayout};
use promot_core::loss::LossSettings;
use promot_core::model::{Dropout, Rates};
use promot_core::optim::Optimizer;
use promot_core::rng::Streams;
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use serde_json::json;

use super::bench::Bench;
use super::parity::{ADAFACTOR, by_name, first};
use super::shapes::{self, SMALL, Shape, TINY};

/// Steps after which memory is looked at for the first time.
const EARLY: usize = 10;

pub fn run(bench: &Bench) -> anyhow::Result<()> {
    let (shape, steps, longest) =
        if bench.tiny { (TINY, 12, 32) } else { (Shape { layers: 2, ..SMALL }, 200, 384) };
    let method = by_name("fine-tuning")?;
    let model = shape.model(&bench.gpu.device)?;
    let mut model = set_trainable(model, &|path| method.trainable(path));
    let mut optimizer = Optimizer::new(ADAFACTOR);
    let layout = BatchLayout {
        pad_id: 0,
        decoder_start_id: 0,
        pad_to_multiple_of: bench.gpu.length_multiple,
        num_workers: 1,
    };
    let start = Instant::now();
    let (mut early, mut slowest, mut not_finite, mut done_steps) = (None, 0.0, 0, 0);
    for step in 0..steps {
        let begin = Instant::now();
        // Lengths go up and down through all multiples of 16, rows from 1 to 8.
        let input = 1 + (step * 37) % longest;
        let rows = shapes::rows(1 + (step * 5) % 8, input, 1 + input / 8, shape.vocabulary);
        let parts = [MicroBatch::from(Batch::new(&rows, &layout))];
        let rng = Streams::new(0).stream(&format!("dropout/{step}"));
        let mut dropout = Dropout::new(Rates::uniform(0.1), rng);
        let done = accumulate(&model, &*method, &parts, 1, LossSettings::default(), &mut dropout);
        model = optimizer.update(model, done.grads, 1e-3);
        not_finite += usize::from(!first(done.loss)?.is_finite());
        done_steps = step + 1;
        if done_steps == EARLY {
            early = bench.memory();
        }
        if done_steps > EARLY {
            slowest = f64::max(slowest, begin.elapsed().as_secs_f64());
        }
        // What was seen so far counts where the last steps do not fit into the minute.
        if start.elapsed().as_secs() >= 60 && done_steps > EARLY {
            break;
        }
    }
    let end = bench.memory();
    bench.found(json!({
        "what": "changing shapes", "steps": done_steps, "of": steps, "seconds": start.elapsed().as_secs_f64(),
        "losses_not_finite": not_finite, "slowest_step": slowest,
        "gb_reserved_after_10": early.map(|(_, reserved)| reserved), "gb_reserved": end.map(|(_, reserved)| reserved),
        "gb_in_use_after_10": early.map(|(in_use, _)| in_use), "gb_in_use": end.map(|(in_use, _)| in_use),
        "ok": not_finite == 0,
    }));
    ensure!(not_finite == 0, "{not_finite} losses are not finite");
    Ok(())
}
