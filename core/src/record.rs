//! The parts of a report that say what happened: scores, curves, devices and models. They know no settings, so that
//! everything that measures can use them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::metrics::{RowScores, Surface};
pub use crate::stage_id::StageId;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// "flex (CPU)", "wgpu (Vulkan, <adapter>)", ...
    pub name: String,
    /// Why this one was taken.
    pub reason: String,
    /// Whether a graphics driver computes on the CPU, which is slower than the CPU device itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub software: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub name: String,
    pub model_type: String,
    pub parameters: usize,
    /// SHA-256 of the weights file(s), hexadecimal.
    pub sha256: String,
}

/// One method with one seed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MethodRun {
    pub method: String,
    pub seed: u64,
    /// The tuned task, with the prompt where the method has one.
    pub target: TaskScore,
    /// The tasks tuned together with it, each with its own prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<TaskScore>,
    /// The other tasks, with the prompt taken off; also with it, where that was asked for.
    pub unseen: Vec<TaskScore>,
    /// Cross-entropy of plain text, prompt off and, where the method has one, on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<TextLoss>,
    /// Plain mean of the held-out scores with the prompt taken off, by number of shots ("1", "4").
    pub norm_avg: BTreeMap<String, f64>,
    /// The values of the sweep that this run had, by the path of their fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub swept: BTreeMap<String, String>,
    /// Where validation chose among points of the sweep: the chosen one's values, by the path of their fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chosen: BTreeMap<String, String>,
    /// All points that it chose among, in the order of the spec's values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<SweepPoint>,
    /// Training curve, stages in order; of the chosen point alone.
    pub steps: Vec<StepRecord>,
    /// Wall time by part: "stage 1", "stage 2", "evaluation"; the only fields that differ between equal runs.
    pub seconds: BTreeMap<String, f64>,
}

/// A point of a sweep and what it was chosen by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Its values, by the path of their fields.
    pub swept: BTreeMap<String, String>,
    /// The best checkpoint's score of the target on the validation rows, in [0, 100]; absent where training diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
}

/// Cross-entropy of given text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextLoss {
    pub task: String,
    /// Whether the soft prompt was in front.
    pub prompt: bool,
    /// Mean over all target tokens.
    pub nats_per_token: f64,
    pub tokens: usize,
    pub rows: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskScore {
    pub task: String,
    pub shots: usize,
    /// Whether the soft prompt was in front.
    pub prompt: bool,
    pub metric: String,
    /// In [0, 100].
    pub score: f64,
    /// Rows scored.
    pub n: usize,
    /// Rows among them whose input was longer than the limit and has been cut.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated: usize,
    /// Share of answers in the format of the tuned task, in [0, 100]; absent where that has no fixed format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_format_rate: Option<f64>,
    /// Length, copying, case and punctuation of the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<Surface>,
    /// What each row adds to the score, for paired intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowScores>,
    pub signature: String,
    /// What a reader must know to read the score rightly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// One point of the curves. Losses are nats per real target token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub stage: StageId,
    pub step: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Target score on the validation rows, at checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// Its standard error over rows, where a stage is asked to keep an earlier checkpoint than the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_error: Option<f64>,
    /// Scores of held-out tasks along training, by task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<String, f64>,
    /// Target-format rates along training, by task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub format_rate: BTreeMap<String, f64>,
    /// Cosines of the task's gradient and its format's, by family of weights, after this step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alignment: BTreeMap<String, f64>,
    /// Answers to the questions of `eval.watch`, for people to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<WatchedAnswer>,
}

/// A question that is asked along training, and its answer at one point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchedAnswer {
    pub task: String,
    /// In-context examples before it.
    pub shots: usize,
    /// Whether a soft prompt was in front.
    pub prompt: bool,
    pub input: String,
    /// All accepted answers.
    pub references: Vec<String>,
    pub output: String,
}

/// A checkpoint of a method's last stage: what the target gained and what the held-out tasks kept, as scored along
/// training. All scores in [0, 100].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrontierPoint {
    pub method: String,
    pub seed: u64,
    /// The values of the sweep's point, by the path of their fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub swept: BTreeMap<String, String>,
    pub stage: StageId,
    pub step: usize,
    /// Of the target, on the validation rows.
    pub validation: f64,
    /// Mean of the held-out tasks.
    pub held_out: f64,
    /// Mean of those whose answers have another format than the target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_format: Option<f64>,
    /// Means by kind of task: classification, question answering, summarization, translation.
    pub groups: BTreeMap<String, f64>,
    /// Whether it is the point and the checkpoint that validation chose.
    pub chosen: bool,
}

/// A claim of the paper and what a run says to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    pub id: String,
    /// One sentence.
    pub claim: String,
    /// The paper's numbers.
    pub paper: String,
    /// Means of the two that are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<(f64, f64)>,
    /// Their mean difference, and its paired 95 % interval over rows and seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Seeds compared.
    pub seeds: usize,
    pub verdict: Verdict,
}

/// In the order in which a reader should see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval lies on the other side.
    Disagrees,
    /// The interval has both sides, or there is none.
    NotResolved,
    Agrees,
    /// The run lacks a method or a task, or is tuned on another one.
    #[default]
    NotRun,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Disagrees, Self::NotResolved, Self::Agrees, Self::NotRun];

    pub fn name(self) -> &'static str {
        match self {
            Self::Disagrees => "disagrees",
            Self::NotResolved => "not resolved",
            Self::Agrees => "agrees",
            Self::NotRun => "not run",
        }
    }
}

/// One question and what each method's model answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExampleAnswers {
    pub task: String,
    pub input: String,
    pub reference: String,
    pub outputs: BTreeMap<String, String>,
}

impl MethodRun {
    /// The scores of all tuned tasks.
    pub fn targets(&self) -> impl Iterator<Item = &TaskScore> {
        std::iter::once(&self.target).chain(&self.also)
    }
}

/// The methods of runs, each once, in the order in which they come.
pub fn methods(runs: &[MethodRun]) -> Vec<&str> {
    distinct(runs.iter().map(|run| run.method.as_str()))
}

/// Items, such as names, each once, in the order in which they come.
pub fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for item in items {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

/// The paper's Norm. Avg.: the plain mean of the tasks' scores, each already in [0, 100].
pub fn norm_avg<'a>(scores: impl IntoIterator<Item = &'a TaskScore>) -> Option<f64> {
    let scores: Vec<f64> = scores.into_iter().map(|score| score.score).collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}
