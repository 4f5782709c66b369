//! The question in the editor, and the answers to it.

use promot_core::report::ExampleAnswers;

use super::attention::Attending;
use super::weights::Weights;

/// The question in the editor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The number of the request that it answers, so that an earlier, slower one is not taken for it.
    pub id: u64,
    pub task: String,
    pub row: usize,
    /// In-context examples before it, where it is a row of its task.
    pub shots: usize,
    /// How many rows the task has, once the worker has reported it.
    pub rows: Option<usize>,
    /// Whether its text is still to come.
    pub awaited: bool,
    /// As the user sees and edits it.
    pub text: String,
    /// As it was rendered; the references hold for this text only.
    pub rendered: String,
    pub references: Vec<String>,
    /// Its tokens, once a model was asked.
    pub seen: Vec<String>,
    /// Why it was not asked.
    pub refused: Option<String>,
}

impl Question {
    /// Row `row` of a task, whose text is still to come.
    pub fn awaited(id: u64, task: &str, row: usize, shots: usize) -> Self {
        Self { id, task: task.to_owned(), row, shots, awaited: true, ..Self::default() }
    }

    /// A precomputed one.
    pub fn recorded(id: u64, example: &ExampleAnswers, row: usize, shots: usize) -> Self {
        let references = vec![example.reference.clone()];
        Self { references, awaited: false, ..Self::awaited(id, &example.task, row, shots) }
            .with_text(example.input.clone())
    }

    /// With its text, which nobody has edited.
    pub fn with_text(self, text: String) -> Self {
        Self { rendered: text.clone(), text, awaited: false, ..self }
    }

    /// Whether the text is the user's own.
    pub fn is_own(&self) -> bool {
        !self.awaited && self.text != self.rendered
    }

    /// The accepted answers, or none where the user has written a question of their own.
    pub fn known_references(&self) -> &[String] {
        if self.text == self.rendered { &self.references } else { &[] }
    }
}

/// A question without the examples before it, where these can be told from it: what begins as the whole text does.
pub fn without_examples(input: &str) -> &str {
    let opening = input.find(": ").map_or(input, |end| &input[..end + 2]);
    let at = input.rfind(opening).filter(|at| *at > 0);
    match at {
        Some(at) => &input[at..],
        None => last_words(input),
    }
}

/// About as much of the end of a text as fits beside the answers.
fn last_words(text: &str) -> &str {
    const MOST: usize = 90;
    let cut = text.len().saturating_sub(MOST);
    let at = text.char_indices().find(|(at, letter)| *at >= cut && (*at == 0 || *letter == ' '));
    at.map_or(text, |(at, _)| text[at..].trim_start())
}

/// What one model answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub text: String,
    /// The task that the model was tuned on; empty for the pretrained one.
    pub target: String,
    /// Read from precomputed results, not computed here.
    pub recorded: bool,
    /// Whether the model has ended its answer.
    pub complete: bool,
    /// Its tokens, where it was computed here.
    pub ids: Vec<u32>,
    pub seconds: f64,
    /// Vectors of the soft prompt in front of the question; 0 without one.
    pub prompt: usize,
    /// Width of the search; 1 is greedy.
    pub beams: usize,
    /// How likely its tokens are.
    pub weights: Weights,
    /// What the decoder attended to.
    pub attention: Attending,
}
