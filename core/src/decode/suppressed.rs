//! Next-token scores without some tokens.

use super::NextToken;
use crate::error::Result;

/// `inner`, but these tokens never follow; the probabilities of the others are renormalised.
pub struct Suppressed<'a, N> {
    pub inner: N,
    pub tokens: &'a [u32],
}

/// Below every logit, and finite, so that sums stay ordered.
const NEVER: f32 = -1e9;

impl<N: NextToken> NextToken for Suppressed<'_, N> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let mut logits = self.inner.step(tokens).await?;
        if !self.tokens.is_empty() {
            for row in logits.chunks_mut(self.vocab_size()) {
                for token in self.tokens {
                    if let Some(logit) = row.get_mut(*token as usize) {
                        *logit = NEVER;
                    }
                }
            }
        }
        Ok(logits)
    }

    fn reorder_cache(&mut self, parents: &[usize]) {
        self.inner.reorder_cache(parents);
    }

    fn retain_inputs(&mut self, inputs: &[usize]) {
        self.inner.retain_inputs(inputs);
    }

    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }
}
