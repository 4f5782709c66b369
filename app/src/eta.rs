//! The time that a run still takes, from the steps and scored rows that are left and the pace so far. The two are counted
//! apart, since they cost differently.

use std::collections::BTreeSet;

use promot_core::spec::Run;
use promot_core::train::{held_out_due, planned};

/// Follows a run and estimates its end.
pub struct Eta {
    workload: Workload,
    pace: Pace,
    at: Position,
    /// Rows of the task under evaluation that are done.
    rows: usize,
    in_stage: bool,
    /// The number of the first stage of the sweep's point that is trained.
    first: usize,
}

impl Eta {
    /// # Errors
    /// Settings that cannot be written down, such as a rate that is no number.
    pub fn new(run: &Run) -> promot_core::Result<Self> {
        let (workload, pace, at) = (Workload::new(run)?, Pace::default(), Position::default());
        Ok(Self { workload, pace, at, rows: 0, in_stage: false, first: 0 })
    }

    pub fn run_started(&mut self, index: usize, now: f64) {
        self.at = Position { run: index, ..Position::default() };
        self.first = 0;
        self.pace.mark(now);
    }

    /// The `index`-th of the sweep's points that validation chooses among.
    pub fn point_started(&mut self, index: usize, now: f64) {
        let starts = self.workload.starts.get(self.at.run);
        self.first = starts.and_then(|starts| starts.get(index)).copied().unwrap_or(0);
        self.pace.mark(now);
    }

    pub fn stage_started(&mut self, index: usize, from: usize, now: f64) {
        (self.at.stage, self.at.step) = (self.first + index, from);
        self.in_stage = true;
        self.pace.mark(now);
    }

    pub fn stage_done(&mut self) {
        self.in_stage = false;
    }

    pub fn step_done(&mut self, step: usize, tokens: usize, now: f64) {
        self.pace.step(now, tokens);
        (self.at.step, self.at.rows) = (step, 0);
    }

    /// So many rows of a task are done; 0 is the start of the next task.
    pub fn evaluated(&mut self, done: usize, now: f64) {
        let new = if done == 0 { 0 } else { done.saturating_sub(self.rows) };
        self.rows = done;
        self.at.scoring |= !self.in_stage;
        self.at.rows += new;
        self.pace.rows(now, new);
    }

    pub fn tokens_per_second(&self) -> f64 {
        self.pace.tokens_per_second()
    }

    /// `None` before the first step and the first rows, where there are such to come.
    pub fn seconds_left(&self) -> Option<f64> {
        self.pace.seconds(self.workload.left(self.at))
    }
}

/// What is still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Left {
    steps: f64,
    rows: f64,
}

/// The stages of every method of every seed, in order.
struct Workload {
    runs: Vec<Vec<StageWork>>,
    /// The number of the first stage of each point of the sweep, for each of the runs.
    starts: Vec<Vec<usize>>,
    /// Rows of a point of the curves.
    point: f64,
    /// Rows that score one method at its end.
    rows: f64,
}

/// One stage of one method.
struct StageWork {
    steps: usize,
    /// Rows that choose the checkpoint, a step.
    rows_per_step: f64,
    /// Steps after which the curves have a point; 0 is before the first one.
    points: Vec<usize>,
}

/// Where the run stands: method and stage by number, steps done in that stage, rows done since its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    run: usize,
    stage: usize,
    step: usize,
    /// Whether the stages are over and the method is being scored.
    scoring: bool,
    rows: usize,
}

/// Rows of a split whose limit the spec leaves open.
const ALL: usize = 500;

impl Workload {
    fn new(run: &Run) -> promot_core::Result<Self> {
        let limit = |rows: usize| if rows == 0 { ALL } else { rows } as f64;
        let (mut runs, mut starts) = (Vec::new(), Vec::new());
        for seed in &run.seeds {
            // A stage that an earlier method has done is not done again.
            let mut known = BTreeSet::new();
            for recipe in &run.recipes {
                let (mut stages, mut firsts) = (Vec::new(), Vec::new());
                for point in recipe.trained() {
                    firsts.push(stages.len());
                    stages.extend(planned(run, point, *seed)?);
                }
                starts.push(firsts);
                let parts = stages.into_iter().map(|planned| {
                    let training = planned.stage.training;
                    let steps = if known.insert(planned.name) { training.steps } else { 0 };
                    let mut rows_per_step = 0.0;
                    if training.checkpoint_every > 0 {
                        let rows = limit(run.target.validation_limit);
                        rows_per_step += rows / training.checkpoint_every as f64;
                    }
                    let curves = steps > 0 && planned.method.moves().weights();
                    let end = if curves { steps + 1 } else { 0 };
                    let points = (0..end).filter(|step| held_out_due(*step, &training, &run.eval)).collect();
                    StageWork { steps, rows_per_step, points }
                });
                runs.push(parts.collect());
            }
        }
        let held_out = (run.eval.tasks.len() * run.eval.shots.len()) as f64;
        let point = run.eval.tasks.len() as f64 * limit(run.eval.curve_limit);
        Ok(Self {
            runs,
            starts,
            point,
            rows: limit(run.target.test_limit) + held_out * limit(run.eval.limit),
        })
    }

    fn left(&self, at: Position) -> Left {
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
struct Pace {
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
    fn mark(&mut self, now: f64) {
        self.last = Some(now);
    }

    fn since(&mut self, now: f64) -> Option<f64> {
        Some(now - self.last.replace(now)?)
    }

    fn step(&mut self, now: f64, tokens: usize) {
        if let Some(seconds) = self.since(now) {
            self.step.add(seconds);
            self.recent.push_back((seconds, tokens));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    fn rows(&mut self, now: f64, rows: usize) {
        if let Some(seconds) = self.since(now)
            && rows > 0
        {
            self.row.add(seconds / rows as f64);
        }
    }

    fn tokens_per_second(&self) -> f64 {
        let seconds: f64 = self.recent.iter().map(|(seconds, _)| seconds).sum();
        let tokens: usize = self.recent.iter().map(|(_, tokens)| tokens).sum();
        if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 }
    }

    fn seconds(&self, left: Left) -> Option<f64> {
        let part = |count: f64, mean: &Mean| if count == 0.0 { Some(0.0) } else { Some(count * mean.value?) };
        Some(part(left.steps, &self.step)? + part(left.rows, &self.row)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{presets, tasks};

    fn workload() -> Workload {
        let mut spec = presets().by_name("quick").unwrap();
        spec.methods.push("prompt-tuning".into());
        for stage in ["prompt-tuning", "fine-tuning"] {
            spec.set_stage(stage, &[("steps", 20.into()), ("checkpoint_every", 10.into())]);
        }
        Workload::new(&spec.resolve(tasks()).unwrap()).unwrap()
    }

    #[test]
    fn everything_is_left_at_first_and_shared_stages_count_once() {
        // 20 steps of fine-tuning, 20 + 20 of ProMoT; the first of these is prompt tuning's, too.
        let left = workload().left(Position::default());
        assert_eq!(left.steps, 60.0);
        // Four methods, 64 + 4 * 16 rows each; 32 rows every 10 steps; 4 * 8 rows after 10 and 20 steps of
        // fine-tuning.
        assert_eq!(left.rows, 4.0 * 128.0 + 60.0 * 3.2 + 2.0 * 2.0 * 32.0);
    }

    #[test]
    fn what_is_done_is_not_left() {
        let workload = workload();
        let left = workload.left(Position { run: 2, stage: 1, step: 15, scoring: false, rows: 0 });
        assert_eq!((left.steps, left.rows), (5.0, 2.0 * 128.0 + 5.0 * 3.2 + 32.0));
        let left = workload.left(Position { run: 3, stage: 1, step: 20, scoring: true, rows: 100 });
        assert_eq!((left.steps, left.rows), (0.0, 28.0));
        assert_eq!(workload.left(Position { run: 4, ..Position::default() }), Left::default());
    }

    #[test]
    fn the_estimate_follows_the_run() {
        let mut spec = presets().by_name("quick").unwrap();
        spec.methods = vec!["fine-tuning".into()];
        spec.set_stage("fine-tuning", &[("steps", 4.into()), ("checkpoint_every", 0.into())]);
        (spec.eval.curve_every, spec.eval.frontier) = (0, false);
        let mut eta = Eta::new(&spec.resolve(tasks()).unwrap()).unwrap();
        eta.run_started(0, 0.0);
        eta.stage_started(0, 0, 0.0);
        assert_eq!(eta.seconds_left(), None);
        // Two seconds a step, and one a row: 3 steps and 128 rows are left.
        eta.step_done(1, 100, 2.0);
        eta.evaluated(0, 2.0);
        eta.evaluated(4, 6.0);
        assert_eq!(eta.seconds_left(), Some(3.0 * 2.0 + 124.0));
        eta.step_done(2, 100, 8.0);
        assert_eq!(eta.seconds_left(), Some(2.0 * 2.0 + 128.0), "the next step's rows are counted anew");
        eta.stage_done();
        eta.evaluated(0, 8.0);
        eta.evaluated(28, 36.0);
        assert_eq!(eta.seconds_left(), Some(100.0), "no step is left once the method is scored");
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
