//! The sweep of a spec: lists of values for fields of stages, and what becomes of the points that they span.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

/// `[sweep]`: methods run once for each combination of the values that concern them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// What becomes of the points.
    #[serde(default, skip_serializing_if = "Select::is_all")]
    pub select: Select,
    /// Lists of values by the path of a field.
    #[serde(flatten)]
    pub axes: BTreeMap<String, Vec<Value>>,
}

/// Which points of a sweep are scored and reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// Each is a row of the report.
    #[default]
    All,
    /// Each is trained, with each seed. The one whose last stage has the best validation score of the target is the
    /// method's row, and the only one that is scored on test rows and held-out tasks. Of equal ones the earlier.
    Validation,
}

impl Select {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Sweep {
    pub fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// Whether every method is one row whatever its points.
    pub fn selects(&self) -> bool {
        self.select == Select::Validation
    }
}
