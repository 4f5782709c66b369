//! The learning rate of a step.

use super::{Schedule, StageSpec};

/// The rate of the 0-based `step`: linear warm-up, then the schedule.
pub fn rate(stage: &StageSpec, step: usize) -> f64 {
    let base = stage.learning_rate;
    if step < stage.warmup {
        return base * (step + 1) as f64 / stage.warmup as f64;
    }
    match stage.schedule {
        Schedule::Constant => base,
        Schedule::Linear => {
            let left = stage.steps.saturating_sub(step) as f64;
            base * left / stage.steps.saturating_sub(stage.warmup).max(1) as f64
        }
        // Continuous with the warm-up: `base` at its end.
        Schedule::InverseSqrt => base * (stage.warmup.max(1) as f64 / step.max(1) as f64).sqrt().min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_then_decay() {
        let stage = |schedule| StageSpec {
            steps: 110,
            warmup: 10,
            learning_rate: 2.0,
            schedule,
            ..Default::default()
        };
        assert_eq!(rate(&stage(Schedule::Constant), 0), 0.2);
        assert_eq!(rate(&stage(Schedule::Constant), 50), 2.0);
        assert_eq!(rate(&stage(Schedule::Linear), 10), 2.0);
        assert_eq!(rate(&stage(Schedule::Linear), 60), 1.0);
        assert_eq!(rate(&stage(Schedule::InverseSqrt), 40), 1.0);
    }
}
