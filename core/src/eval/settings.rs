//! How models are evaluated: plain settings, compiled without the tensor library.

use serde::{Deserialize, Serialize};

use crate::decode::LengthPenalty;

/// How the models are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalSpec {
    /// The held-out tasks, never used for any choice; tuned ones among them are left out.
    pub tasks: Vec<String>,
    /// Numbers of answered examples before the question.
    pub shots: Vec<usize>,
    /// In-context examples are drawn from so many of the first training rows; 0 for all.
    pub shot_pool: usize,
    /// Most rows a task; 0 for all.
    pub limit: usize,
    /// Longest input in tokens when finished models are scored; 0 for the limit of training. Along training that one
    /// holds.
    pub max_input: usize,
    pub beams: usize,
    pub batch: usize,
    /// Exponent of the length normalisation; see `length_penalty`.
    pub alpha: f64,
    pub length_penalty: LengthPenalty,
    /// Tokens that every answer has before it may end; 0 allows an empty answer.
    pub min_new_tokens: usize,
    /// Words whose tokens no answer may have. As `suppress_tokens` with `renormalize_logits` of Hugging Face's
    /// `generate`.
    pub suppress: Vec<String>,
    /// Score the held-out tasks a second time with the target's soft prompt in front, where a method has one.
    pub prompt_on: bool,
    /// A task whose test rows give the cross-entropy of plain text, soft prompt off and on; empty for none.
    pub text: String,
    /// Score the held-out tasks for the curves before the first step, after 1, 2, 4, 8, ... steps, and after every this
    /// many; 0 for never.
    pub curve_every: usize,
    /// Rows a task in those curves.
    pub curve_limit: usize,
    /// Questions of each task whose answers the report shows, model beside model.
    pub examples: usize,
    /// Tasks, tuned or held-out ones, whose first row is answered along training, greedily and in few tokens, for people to
    /// read: before the first step, after 1, 2, 4, 8, ... steps, at every point of the curves and after the last step. It
    /// changes no number.
    pub watch: Vec<String>,
    /// Also score them at every checkpoint, so that each has a place in the report's frontier.
    pub frontier: bool,
    /// Compare the gradient with its format's before the first step and after every this many; 0 for never.
    pub alignment_every: usize,
    /// Training rows in that comparison.
    pub alignment_rows: usize,
}

impl Default for EvalSpec {
    fn default() -> Self {
        Self {
            tasks: Vec::new(),
            shots: vec![1],
            shot_pool: 1000,
            limit: 0,
            max_input: 0,
            beams: 4,
            batch: 32,
            alpha: 0.6,
            length_penalty: LengthPenalty::T5x,
            min_new_tokens: 0,
            suppress: Vec::new(),
            prompt_on: false,
            text: String::new(),
            curve_every: 0,
            curve_limit: 32,
            examples: 3,
            watch: Vec::new(),
            frontier: false,
            alignment_every: 0,
            alignment_rows: 64,
        }
    }
}
