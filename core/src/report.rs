//! What a run leaves behind: plain structs, no tensors. `report.json` is this, written by serde; the page and the
//! program show the same struct. The format is a contract: fields may be added, not renamed, and version 1 is read.

use serde::{Deserialize, Serialize};

pub use crate::record::*;
use crate::spec::RunSpec;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    pub spec: RunSpec,
    pub device: DeviceInfo,
    pub model: ModelInfo,
    pub runs: Vec<MethodRun>,
    pub examples: Vec<ExampleAnswers>,
    /// Checkpoints of all methods, seeds and points of the sweep, where held-out tasks were scored along with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<FrontierPoint>,
    /// The paper's claims, judged by this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<Sign>,
}
