//! The answers that a model chooses among.

use super::{Candidates, Task};
use crate::data::Example;
use crate::error::{Error, Result};
use crate::rng::{Rng, choose};

/// Rows that are tried for each that is wanted: answers repeat.
const TRIES: usize = 8;

impl Candidates {
    /// Short, for a score's signature.
    pub fn describe(&self) -> String {
        match self {
            Self::Choices => "choices".to_owned(),
            Self::Field(field) => field.clone(),
            Self::Others(count) => format!("others:{count}"),
        }
    }
}

impl Task {
    /// The candidates of a row in alphabetical order, so that a tie does not favour the right one; nothing where the model
    /// writes its answer. Answers of other rows are drawn from `others`.
    ///
    /// # Errors
    /// A row without the field, or whose right answer is not among its candidates; too few different answers to draw from.
    pub fn candidates(&self, row: &Example, others: &[Example], rng: &mut Rng) -> Result<Vec<String>> {
        let Some(candidates) = &self.candidates else { return Ok(Vec::new()) };
        let rendered = self.render(row)?;
        let mut found = match candidates {
            Candidates::Choices => self.words().map(str::to_owned).collect(),
            Candidates::Field(field) => {
                let listed = row.list(field)?;
                if !listed.iter().any(|answer| rendered.references.contains(answer)) {
                    let what = format!("field `{field}` of task {}", self.name);
                    let expected = format!("the right answer `{}` among them", rendered.target);
                    return Err(Error::mismatch(what, expected, listed.join(", ")));
                }
                listed
            }
            Candidates::Others(count) => {
                let mut found = vec![rendered.target];
                for other in choose(others.len(), count * TRIES, rng) {
                    let answer = self.render(&others[other])?.target;
                    if found.len() <= *count
                        && !rendered.references.contains(&answer)
                        && !found.contains(&answer)
                    {
                        found.push(answer);
                    }
                }
                if found.len() <= *count {
                    let what = format!("answers of other rows for task {}", self.name);
                    return Err(Error::mismatch(
                        what,
                        format!("at least {count} different ones"),
                        found.len() - 1,
                    ));
                }
                found
            }
        };
        found.sort();
        Ok(found)
    }
}
