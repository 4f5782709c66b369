//! What training left in a model, as worker and page exchange it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspected {
    /// Kinds of weights, in the order in which they are shown.
    pub kinds: Vec<String>,
    pub changes: Vec<Change>,
    /// Whether an adapter stands beside the weights: what it adds is not among the changes.
    pub adapter: bool,
    pub prompt: Option<Prompt>,
}

/// How far one kind of weights has moved in one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// "decoder 2"
    pub place: String,
    pub kind: String,
    /// Length of the difference over that of the pretrained weights.
    pub relative: f64,
}

/// A soft prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    pub vectors: Vec<Vector>,
    /// Mean length of the model's own embeddings.
    pub embedding_norm: f64,
    /// Tokens that vectors are near to, with their place on the map.
    pub tokens: Vec<(String, [f64; 2])>,
    /// The share of the variance along the map's axes, in [0, 1].
    pub explained: [f64; 2],
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    pub norm: f64,
    /// The nearest tokens with their cosine, the nearest first; a word's first piece has `\u{2581}` before it.
    pub near: Vec<(String, f64)>,
    /// On the map.
    pub at: [f64; 2],
}

/// What a decoder attends to: means over heads, by layer and token of the answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// Vectors of the soft prompt, which come before the input's tokens.
    pub prompt: usize,
    /// Tokens of the input and of the answer.
    pub input: Vec<String>,
    pub answer: Vec<String>,
    /// By layer, token of the answer, and vector or token in front of it.
    pub layers: Vec<Vec<Vec<f32>>>,
}
