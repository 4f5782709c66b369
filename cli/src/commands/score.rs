//! `promot score`: log-probabilities of given targets, teacher forced, in nats.

use promot_core::{Error, Result, data, decode};
use serde::Serialize;

use crate::args::ScoreArgs;
use crate::output::{self, Lines};
use crate::{chat, device, loaded};

#[derive(Serialize)]
struct Line {
    token_ids: Vec<u32>,
    token_logprobs: Vec<f64>,
    logprob: f64,
}

pub fn run(args: &ScoreArgs) -> anyhow::Result<()> {
    let text = output::read_text(&args.pairs)?;
    let file = args.pairs.display().to_string();
    let rows = data::json(&file, text.as_bytes())?;
    if rows.is_empty() {
        return Err(Error::mismatch(file, "at least one row to score", "none").into());
    }
    let texts = rows
        .iter()
        .map(|row| {
            let field = |name: &str| {
                let problem = |problem: Error| Error::Row {
                    file: file.clone(),
                    at: row.at,
                    problem: problem.to_string(),
                };
                row.example.text(name).map_err(problem)
            };
            Ok((field("input")?, field("target")?))
        })
        .collect::<Result<Vec<_>>>()?;
    let device = device::open(&args.device)?;
    let loaded = loaded::model_with_prompt(&args.model, &device)?;
    let tokenizer = &loaded.tokenizer;
    let mut lines = Lines::new(&args.json);
    for chunk in texts.chunks(args.batch) {
        let rows = chunk
            .iter()
            .map(|(input, target)| {
                let input = chat::asked(&args.chat, tokenizer, input)?;
                Ok((tokenizer.encode_input(&input)?, tokenizer.encode_target(&input, target)?).into())
            })
            .collect::<Result<Vec<_>>>()?;
        let layout = device.layout_for(&loaded);
        let scores = pollster::block_on(decode::score(&loaded.model, &rows, &layout, args.batch))?;
        for score in scores {
            let logprob = score.logprob();
            lines.push(&Line {
                token_ids: score.token_ids,
                token_logprobs: score.token_logprobs,
                logprob,
            })?;
        }
    }
    lines.finish()
}
