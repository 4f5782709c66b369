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
}
