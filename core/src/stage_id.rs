//! Names a stage of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Stage by its position in the recipe; with several target tasks, a stage that trains soft prompts runs once for each.
/// Serialised as its display text, so that report files have kept their format: "stage 1", "stage 1, rte-mini".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StageId {
    /// Counted from 0; the display text counts from 1.
    pub index: usize,
    pub task: Option<String>,
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}", self.index + 1)?;
        self.task.iter().try_for_each(|task| write!(f, ", {task}"))
    }
}

/// Reads the display text back.
impl FromStr for StageId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stage, task) = text.split_once(", ").map_or((text, None), |(stage, task)| (stage, Some(task)));
        let number = stage.strip_prefix("stage ").and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if task != Some("") => Ok(Self { index, task: task.map(str::to_owned) }),
            _ => Err(format!("expected a stage such as `stage 1` or `stage 1, rte-mini`, found `{text}`")),
        }
    }
}

impl TryFrom<String> for StageId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<StageId> for String {
    fn from(stage: StageId) -> Self {
        stage.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let prompt = StageId { index: 0, task: Some("rte-mini".into()) };
        for (stage, text) in [(StageId { index: 1, task: None }, "stage 2"), (prompt, "stage 1, rte-mini")] {
            assert_eq!(stage.to_string(), text);
            assert_eq!(serde_json::to_string(&stage).unwrap(), format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<StageId>(&format!("\"{text}\"")).unwrap(), stage);
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "stage", "stage 0", "stage one", "stage 1, ", "pretraining"] {
            let error = text.parse::<StageId>().unwrap_err();
            assert!(
                error.contains("expected a stage") && error.ends_with(&format!("found `{text}`")),
                "{error}"
            );
        }
    }
}
