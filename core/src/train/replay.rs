//! What a stage with a replay share mixes into its batches.

use super::restore::Setup;
use super::rows::Replay;
use super::tuned::bare;
use crate::batch::{RowId, TokenizedExample};
use crate::decode::{self, Batching, SearchSettings};
use crate::error::{Error, Result};
use crate::render::Renderer;
use crate::rng::{Streams, permutation};
use crate::spec::ReplayAnswers;

/// The replay task's rows as ids, in an order that the seed fixes. `task` is their index, behind the tuned tasks'.
///
/// # Errors
/// No rows.
pub(super) async fn replayed(
    setup: Setup<'_>,
    replay: &Replay,
    answers: ReplayAnswers,
    task: usize,
    streams: Streams,
) -> Result<Vec<TokenizedExample>> {
    let Setup { run, loaded, device, .. } = setup;
    let tokenizer = &loaded.tokenizer;
    let renderer = Renderer { task: &replay.task, tokenizer, shots: 0, max_input: run.target.max_input };
    if replay.rows.is_empty() {
        let rows = format!("training rows of {}", replay.task.name);
        return Err(Error::mismatch(rows, "at least one", "none"));
    }
    let mut rows = Vec::with_capacity(replay.rows.len());
    for row in permutation(replay.rows.len(), &mut streams.stream("replay")) {
        let rendered = renderer.render(&[], &replay.rows[row])?;
        let target = tokenizer.encode_target(&rendered.text.input, &rendered.text.target)?;
        rows.push(TokenizedExample {
            id: RowId { task, row },
            input: rendered.input,
            target,
            truncated: rendered.truncated,
        });
    }
    if answers == ReplayAnswers::Given {
        return Ok(rows);
    }
    let settings = SearchSettings {
        beams: 1,
        max_new_tokens: replay.task.max_new_tokens,
        min_new_tokens: 0,
        length_penalty: run.eval.length_penalty,
        alpha: run.eval.alpha,
        decoder_start_id: device.layout_for(loaded).decoder_start_id,
        eos: tokenizer.stops.clone(),
    };
    let inputs: Vec<Vec<u32>> = rows.iter().map(|row| row.input.clone()).collect();
    let batching = Batching { rows: run.eval.batch, layout: device.layout_for(loaded), suppressed: &[] };
    let pretrained = bare(loaded.model.clone());
    let found = decode::generate(&pretrained, &inputs, &settings, batching, &mut |_| Ok(())).await?;
    for (row, answer) in rows.iter_mut().zip(found) {
        row.target = answer.tokens;
        if row.target.last() != Some(&tokenizer.eos) {
            row.target.push(tokenizer.eos);
        }
    }
    Ok(rows)
}
