//! How a new soft prompt begins: plain settings, compiled without the tensor library.

use serde::{Deserialize, Serialize};

/// The soft prompt: `length` vectors in front of the embedded encoder input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptSpec {
    pub length: usize,
    pub init: PromptInit,
    /// Bound of the uniform initialisation.
    pub range: f64,
    /// How many of the first vocabulary entries `vocabulary` and `classes` sample from; 0 for all.
    pub vocabulary: usize,
    /// The text of `text`, or the file of `file`.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptInit {
    /// Uniform in +-range.
    Uniform,
    /// Embeddings of vocabulary entries, drawn without replacement.
    Vocabulary,
    /// Each class word's mean embedding first, vocabulary for the rest.
    Classes,
    /// The embeddings of `text`, repeated or cut to length.
    Text,
    /// A prompt folder or `.npy` named by `text`.
    File,
}

/// Longest soft prompt: beyond this attention over it costs more than it can hold.
pub const MAX_PROMPT: usize = 4096;

impl Default for PromptSpec {
    fn default() -> Self {
        Self { length: 100, init: PromptInit::Vocabulary, range: 0.5, vocabulary: 5000, text: String::new() }
    }
}
