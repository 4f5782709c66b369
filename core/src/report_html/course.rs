//! What a report has no place for: the curve of a method that is not finished.

use serde::{Deserialize, Serialize};

use crate::report::StepRecord;

/// The curve so far of a method that is still in training; a report holds finished ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    pub method: String,
    pub steps: Vec<StepRecord>,
}

impl Course {
    /// Adds what became known at a step; several records of one step are merged.
    pub fn push(&mut self, record: StepRecord) {
        match self.steps.last_mut() {
            Some(last) if (&last.stage, last.step) == (&record.stage, record.step) => {
                last.loss = record.loss.or(last.loss);
                last.validation = record.validation.or(last.validation);
                last.unseen.extend(record.unseen);
                last.format_rate.extend(record.format_rate);
                last.alignment.extend(record.alignment);
                last.answers.extend(record.answers);
            }
            _ => self.steps.push(record),
        }
    }
}
