//! An answer chosen among candidates by its likelihood.

use crate::batch::{BatchLayout, TokenizedExample};
use crate::data::Example;
use crate::decode;
use crate::error::Result;
use crate::model::Model;
use crate::render::RenderedRow;
use crate::rng::Streams;
use crate::task::Task;
use crate::tokenizer::Tokenizer;

/// A model that is asked, and how.
pub struct Ranking<'a> {
    pub model: &'a Model,
    pub tokenizer: &'a Tokenizer,
    pub layout: &'a BatchLayout,
    /// Rows that are computed together.
    pub batch: usize,
    /// Of the draw of other rows' answers.
    pub seed: u64,
}

impl Ranking<'_> {
    /// For each row the candidate with the largest log-probability by byte of its text, its end not counted (as `acc_norm`
    /// of lm-evaluation-harness). `inputs` are the rows' ids, `others` the rows whose answers may be candidates.
    ///
    /// # Errors
    /// Those of `Task::candidates`; logits that are not finite; what `progress` says, which hears how many rows are done.
    pub async fn answers(
        &self,
        task: &Task,
        (rows, rendered, inputs): (&[Example], &[RenderedRow], &[Vec<u32>]),
        others: &[Example],
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<String>> {
        let mut rng = Streams::new(self.seed).stream(&format!("candidates/{}", task.name));
        let candidates =
            rows.iter().map(|row| task.candidates(row, others, &mut rng)).collect::<Result<Vec<_>>>()?;
        let mut chosen = Vec::with_capacity(rows.len());
        // So many rows that their candidates fill a batch.
        let at_once = (self.batch / candidates.first().map_or(1, Vec::len).max(1)).max(1);
        for from in (0..rows.len()).step_by(at_once) {
            let range = from..(from + at_once).min(rows.len());
            let mut pairs = Vec::new();
            for row in range.clone() {
                for candidate in &candidates[row] {
                    pairs.push(self.pair(&rendered[row].text.input, &inputs[row], candidate)?);
                }
            }
            let scores = decode::score(self.model, &pairs, self.layout, self.batch).await?;
            let mut scores = scores.iter().map(decode::TokenScores::logprob);
            for row in range {
                let by_byte = |candidate: &String| candidate.len().max(1) as f64;
                let mut best: Option<(f64, &String)> = None;
                for candidate in &candidates[row] {
                    let score = scores.next().unwrap_or(f64::NEG_INFINITY) / by_byte(candidate);
                    if best.is_none_or(|(most, _)| score > most) {
                        best = Some((score, candidate));
                    }
                }
                chosen.push(best.map(|(_, candidate)| candidate.clone()).unwrap_or_default());
            }
            progress(chosen.len())?;
        }
        Ok(chosen)
    }

    fn pair(&self, text: &str, input: &[u32], candidate: &str) -> Result<TokenizedExample> {
        let target = self.tokenizer.encode_open_target(text, candidate)?;
        Ok(TokenizedExample { input: input.to_vec(), target, ..TokenizedExample::default() })
    }
}
