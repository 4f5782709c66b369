//! How a search compares hypotheses: plain settings, compiled without the tensor library.

use serde::{Deserialize, Serialize};

/// How beams of different lengths are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LengthPenalty {
    /// T5X: `logp / ((5 + length) / 6) ^ alpha`, the end-of-sequence token counted.
    T5x,
    /// Hugging Face: `logp / length ^ alpha`.
    HuggingFace,
}
