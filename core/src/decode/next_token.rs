//! What a search asks of a model, and its settings.

use super::LengthPenalty;
use crate::error::Result;

/// What a search asks of a model. Rows are hypotheses: `inputs * beams`, those of one input side by side.
#[allow(async_fn_in_trait)] // used with one thread only
pub trait NextToken {
    /// Feeds one token to each row and gives the logits of what may follow, row after row, `vocab_size` each.
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>>;

    /// Row i goes on from what row `parents[i]` was fed.
    fn reorder_cache(&mut self, parents: &[usize]);

    /// Drops every input but these (with all their rows).
    fn retain_inputs(&mut self, inputs: &[usize]);

    fn vocab_size(&self) -> usize;
}

/// Settings of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSettings {
    /// 1 is greedy search.
    pub beams: usize,
    /// Longest output, the end-of-sequence token included.
    pub max_new_tokens: usize,
    /// Fewest tokens before the end-of-sequence token, as `min_new_tokens` of Hugging Face's `generate`: until then it is
    /// passed over, and the other tokens' log-probabilities stay as they are. 0 also allows an empty output.
    pub min_new_tokens: usize,
    pub length_penalty: LengthPenalty,
    pub alpha: f64,
    /// What the first step feeds.
    pub decoder_start_id: u32,
    /// The tokens that end an output, each an end-of-sequence token.
    pub eos: Vec<u32>,
}

impl SearchSettings {
    /// What a summed log-probability is divided by at a length that counts the end-of-sequence token.
    pub fn normaliser(&self, length: usize) -> f64 {
        let length = length as f64;
        match self.length_penalty {
            LengthPenalty::T5x => ((5.0 + length) / 6.0).powf(self.alpha),
            LengthPenalty::HuggingFace => length.powf(self.alpha),
        }
    }

    /// How a score's signature names the search.
    pub fn signature(&self) -> String {
        let rule = match self.length_penalty {
            LengthPenalty::T5x => "t5x",
            LengthPenalty::HuggingFace => "hf",
        };
        let search = if self.beams == 1 {
            "greedy".into()
        } else {
            format!("beam{}:{rule}{}", self.beams, self.alpha)
        };
        if self.min_new_tokens == 0 { search } else { format!("{search}:min{}", self.min_new_tokens) }
    }
}
