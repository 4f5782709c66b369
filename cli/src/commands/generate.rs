//! `promot generate`: one JSON line out for each line in.

use indicatif::ProgressBar;
use promot_core::decode::{self, Batching, SearchSettings};
use promot_core::spec::LengthPenalty;
use promot_core::{Error, Result};
use serde::Serialize;

use crate::args::{GenerateArgs, Penalty};
use crate::output::{self, Lines};
use crate::{chat, device, interrupt, loaded};

/// Batches that are answered before lines are written: similar lengths are batched within this many lines.
const BATCHES: usize = 16;

#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    output: String,
    /// Whether the model ended it itself, before --max-new.
    ended: bool,
    /// Log-probability in nats over the length's normaliser.
    score: f64,
}

pub fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    if args.min_new >= args.max_new {
        let expected = format!("below --max-new ({})", args.max_new);
        return Err(Error::mismatch("--min-new", expected, args.min_new).into());
    }
    let inputs = output::read_lines(&args.input_file)?;
    let device = device::open(&args.device)?;
    let loaded = loaded::model_with_prompt(&args.model, &device)?;
    interrupt::listen()?;
    let tokenizer = &loaded.tokenizer;
    let settings = SearchSettings {
        beams: args.beams,
        max_new_tokens: args.max_new,
        min_new_tokens: args.min_new,
        length_penalty: match args.length_penalty {
            Penalty::HuggingFace => LengthPenalty::HuggingFace,
            Penalty::T5x => LengthPenalty::T5x,
        },
        alpha: args.alpha,
        decoder_start_id: loaded.config.start(),
        eos: tokenizer.stops.clone(),
    };
    let words = args.suppress.as_deref().map(output::read_words).transpose()?.unwrap_or_default();
    let suppressed = tokenizer.of_words(&words)?;
    let bar = ProgressBar::new(inputs.len() as u64);
    let mut lines = Lines::new(&args.json);
    for chunk in inputs.chunks(args.batch.saturating_mul(BATCHES)) {
        let encode = |input: &String| tokenizer.encode_input(&chat::asked(&args.chat, tokenizer, input)?);
        let ids = chunk.iter().map(encode).collect::<Result<Vec<_>>>()?;
        let before = bar.position();
        let mut progress = |done: usize| {
            bar.set_position(before + done as u64);
            if interrupt::asked() { Err(Error::Stopped { step: done }) } else { Ok(()) }
        };
        let batching =
            Batching { rows: args.batch, layout: device.layout_for(&loaded), suppressed: &suppressed };
        let found = decode::generate(&loaded.model, &ids, &settings, batching, &mut progress);
        for (input, found) in chunk.iter().zip(pollster::block_on(found)?) {
            let ended = found.is_ended(&settings.eos);
            lines.push(&Line {
                input,
                output: tokenizer.decode(&found.tokens)?,
                ended,
                score: found.score,
            })?;
        }
    }
    bar.finish_and_clear();
    lines.finish()
}
