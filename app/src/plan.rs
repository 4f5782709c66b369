//! How much of a run is left, and at the pace so far how long that takes. Steps and scored rows are counted apart,
//! since they cost differently.

use std::collections::BTreeSet;

use promot_core::spec::RunSpec;
use promot_core::train::{Recipe, curve_due, planned, settings};

/// What is still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Left {
    pub steps: f64,
    pub rows: f64,
}

/// The stages of every method of every seed, in order.
pub struct Plan {
    runs: Vec<Vec<Part>>,
    /// Rows of a point of the curves.
    point: f64,
    /// Rows that score one method at its end.
    rows: f64,
}

/// One stage of one method.
struct Part {
    steps: usize,
    /// Rows that choose the checkpoint, a step.
    rows_per_step: f64,
    /// Steps after which the curves have a point; 0 is before the first one.
    points: Vec<usize>,
}

/// Where the run stands: method and stage by number, steps done in that stage, rows done since its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct At {
    pub run: usize,
    pub stage: usize,
    pub step: usize,
    /// Whether the stages are over and the method is being scored.
    pub scoring: bool,
    pub rows: usize,
}

/// Rows of a split whose limit the spec leaves open.
const ALL: usize = 500;

impl Plan {
    /// `spec` must be resolved. Unknown methods have no stages: the run itself refuses them.
    pub fn new(spec: &RunSpec) -> Self {
        let limit = |rows: usize| if rows == 0 { ALL } else { rows } as f64;
        let mut runs = Vec::new();
        for seed in &spec.seeds {
            // A stage that an earlier method has done is not done again.
            let mut known = BTreeSet::new();
            for method in &spec.methods {
                let Ok(recipe) = Recipe::by_name(method) else { continue };
                let parts = planned(spec, recipe, *seed).into_iter().map(|planned| {
                    let stage = planned.stage;
                    let stage_spec = settings(spec, stage.settings);
                    let steps = if known.insert(planned.name) { stage_spec.steps } else { 0 };
                    let mut rows_per_step = 0.0;
                    if stage_spec.checkpoint_every > 0 {
                        let rows = limit(spec.target.validation_limit);
                        rows_per_step += rows / stage_spec.checkpoint_every as f64;
                    }
                    let curves = steps > 0 && stage.method.trains_weights();
                    let end = if curves { steps + 1 } else { 0 };
                    let points = (0..end).filter(|step| curve_due(*step, spec.eval.curve_every)).collect();
                    Part { steps, rows_per_step, points }
                });
                runs.push(parts.collect());
            }
        }
        let unseen = (spec.eval.tasks.len() * spec.eval.shots.len()) as f64;
        let point = spec.eval.tasks.len() as f64 * limit(spec.eval.curve_limit);
        Self { runs, point, rows: limit(spec.target.test_limit) + unseen * limit(spec.eval.limit) }
    }

    pub fn left(&self, at: At) -> Left {
        let mut left = Left::default();
        for (number, parts) in self.runs.iter().enumerate().skip(at.run) {
            let now = number == at.run;
            left.rows += self.rows;
            if now && at.scoring {
                continue;
            }
            for (stage, part) in parts.iter().enumerate() {
                let done = match stage.cmp(&at.stage) {
                    _ if !now => 0,
                    std::cmp::Ordering::Less => part.steps,
                    std::cmp::Ordering::Equal => at.step.min(part.steps),
                    std::cmp::Ordering::Greater => 0,
                };
                let steps = (part.steps - done) as f64;
                let points = part.points.iter().filter(|step| done == 0 || **step > done).count();
                left.steps += steps;
                left.rows += steps * part.rows_per_step + points as f64 * self.point;
            }
        }
        left.rows = (left.rows - at.rows as f64).max(0.0);
        left
    }
}

/// Seconds a step and a row take, and real tokens a second.
#[derive(Default)]
pub struct Pace {
    /// Of the last event, whatever it was.
    last: Option<f64>,
    step: Mean,
    row: Mean,
    /// Seconds and tokens of the last steps, newest last.
    recent: std::collections::VecDeque<(f64, usize)>,
}

/// Steps that the tokens a second are taken over.
const RECENT: usize = 10;

/// A mean that forgets slowly, since the first steps warm up.
#[derive(Default)]
struct Mean {
    value: Option<f64>,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.value = Some(self.value.map_or(value, |mean| 0.9 * mean + 0.1 * value));
    }
}

impl Pace {
    /// Work begins, or goes on after something that is not counted.
    pub fn mark(&mut self, now: f64) {
        self.last = Some(now);
    }

    fn since(&mut self, now: f64) -> Option<f64> {
        Some(now - self.last.replace(now)?)
    }

    pub fn step(&mut self, now: f64, tokens: usize) {
        if let Some(seconds) = self.since(now) {
            self.step.add(seconds);
            self.recent.push_back((seconds, tokens));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    pub fn rows(&mut self, now: f64, rows: usize) {
        if let Some(seconds) = self.since(now)
            && rows > 0
        {
            self.row.add(seconds / rows as f64);
        }
    }

    pub fn tokens_per_second(&self) -> f64 {
        let seconds: f64 = self.recent.iter().map(|(seconds, _)| seconds).sum();
        let tokens: usize = self.recent.iter().map(|(_, tokens)| tokens).sum();
        if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 }
    }

    /// `None` before the first step and the first rows, where there are such to come.
    pub fn seconds(&self, left: Left) -> Option<f64> {
        let part = |count: f64, mean: &Mean| if count == 0.0 { Some(0.0) } else { Some(count * mean.value?) };
        Some(part(left.steps, &self.step)? + part(left.rows, &self.row)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promot_core::spec::preset;

    fn plan() -> Plan {
        let mut spec = preset("quick").unwrap();
        spec.methods.push("prompt-tuning".into());
        for stage in [&mut spec.prompt_tuning, &mut spec.fine_tuning] {
            (stage.steps, stage.checkpoint_every) = (20, 10);
        }
        Plan::new(&spec)
    }

    #[test]
    fn everything_is_left_at_first_and_shared_stages_count_once() {
        // 20 steps of fine-tuning, 20 + 20 of ProMoT; the first of these is prompt tuning's, too.
        let left = plan().left(At::default());
        assert_eq!(left.steps, 60.0);
        // Four methods, 64 + 4 * 16 rows each; 32 rows every 10 steps; 4 * 8 rows after 0, 1, 2, 4, 8, 10 and 20 steps of
        // fine-tuning.
        assert_eq!(left.rows, 4.0 * 128.0 + 60.0 * 3.2 + 2.0 * 7.0 * 32.0);
    }

    #[test]
    fn what_is_done_is_not_left() {
        let plan = plan();
        let left = plan.left(At { run: 2, stage: 1, step: 15, scoring: false, rows: 0 });
        assert_eq!((left.steps, left.rows), (5.0, 2.0 * 128.0 + 5.0 * 3.2 + 32.0));
        let left = plan.left(At { run: 3, stage: 1, step: 20, scoring: true, rows: 100 });
        assert_eq!((left.steps, left.rows), (0.0, 28.0));
        assert_eq!(plan.left(At { run: 4, ..At::default() }), Left::default());
    }

    #[test]
    fn the_pace_is_seconds_a_step_and_a_row() {
        let mut pace = Pace::default();
        let left = Left { steps: 10.0, rows: 100.0 };
        pace.mark(0.0);
        pace.step(2.0, 100);
        assert_eq!(pace.seconds(left), None);
        pace.rows(3.0, 10);
        assert!((pace.seconds(left).unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(pace.tokens_per_second(), 50.0);
    }
}
