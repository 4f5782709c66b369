//! Which checkpoint a stage keeps, in one that learns: the bundled model on a few rows.

use promot_core::device::{self, DeviceChoice};
use promot_core::model::tensors::{self, HostTensors};
use promot_core::record::StepRecord;
use promot_core::spec::RunSpec;
use promot_core::train::{Observer as _, Outcome, Setup, TunedModel, experiment, restore};
use promot_core::{Error, Result};
use promot_world::{Generated, catalog};

use crate::methods::{Kept, with};
use crate::shipped::bundled;

const STEPS: usize = 80;
const EVERY: usize = 10;
/// So many standard errors that a checkpoint is kept long before the best one, however the rounding of a machine leads the
/// training.
const WITHIN: f64 = 100.0;

fn spec(steps: usize, every: usize, within: f64) -> RunSpec {
    let own = [
        ("methods", "fine-tuning"),
        ("seeds", "3"),
        ("target.task", "rte-mini"),
        ("target.validation_limit", "24"),
        ("target.test_limit", "2"),
        ("stage.fine-tuning.steps", &steps.to_string()),
        ("stage.fine-tuning.checkpoint_every", &every.to_string()),
        ("stage.fine-tuning.keep_earliest_within", &within.to_string()),
        ("stage.fine-tuning.batch", "8"),
        ("eval.beams", "1"),
        ("eval.shots", "[]"),
        ("eval.tasks", "[\"triviaqa-mini\"]"),
        ("eval.frontier", "true"),
        ("eval.curve_limit", "1"),
        ("eval.limit", "1"),
    ];
    with(RunSpec::default(), &own)
}

struct Place {
    loaded: promot_core::model::folder::LoadedModel,
    device: device::OpenDevice,
}

impl Place {
    fn run(&self, spec: &RunSpec, observer: &mut Kept) -> Result<Outcome> {
        let run = spec.resolve(&catalog().tasks).unwrap();
        let setup = Setup { run: &run, loaded: &self.loaded, device: &self.device, rows: &Generated };
        pollster::block_on(experiment(setup, observer))
    }

    /// What the checkpoints give without a run.
    fn restored(&self, spec: &RunSpec, kept: &mut Kept) -> HostTensors {
        let run = spec.resolve(&catalog().tasks).unwrap();
        let setup = Setup { run: &run, loaded: &self.loaded, device: &self.device, rows: &Generated };
        let mut load = |name: &str| kept.load(name);
        let tuned = pollster::block_on(restore(setup, &run.recipes[0], 3, &mut load)).unwrap();
        read(&tuned.unwrap())
    }
}

fn weights(outcome: &Outcome) -> HostTensors {
    read(&outcome.models[0].tuned)
}

fn read(tuned: &TunedModel) -> HostTensors {
    pollster::block_on(tensors::read(&tuned.model, &|_| true, &tensors::by_path)).unwrap()
}

/// Step, validation score and its standard error.
fn scores(records: &[StepRecord]) -> Vec<(usize, f64, f64)> {
    let score = |record: &StepRecord| Some((record.step, record.validation?, record.validation_error?));
    records.iter().filter_map(score).collect()
}

#[test]
fn the_earliest_checkpoint_that_is_close_to_the_best_is_the_result() {
    let device = pollster::block_on(device::open(DeviceChoice::Cpu)).unwrap();
    let place = Place { loaded: bundled("mini"), device };
    let close = spec(STEPS, EVERY, WITHIN);
    let mut kept = Kept::default();
    let whole = place.run(&close, &mut kept).unwrap();
    let scores = scores(&whole.report.runs[0].steps);
    assert_eq!(scores.len(), STEPS / EVERY);
    for (_, score, error) in &scores {
        // Of a share p of 24 rows it is the root of p (1 - p) / 24.
        let expected = 100.0 * ((score / 100.0) * (1.0 - score / 100.0) / 24.0).sqrt();
        assert!((error - expected).abs() < 0.1 * expected + 0.01, "{error} of {score}, not {expected}");
    }
    let bound = scores.iter().map(|(_, score, error)| score - WITHIN * error).fold(f64::MIN, f64::max);
    let expected = scores.iter().find(|(_, score, _)| *score >= bound).unwrap().0;
    let best = scores.iter().map(|(_, score, _)| *score).fold(f64::MIN, f64::max);
    let first_best = scores.iter().find(|(_, score, _)| *score == best).unwrap().0;
    assert!(expected < first_best, "nothing is learnt: {scores:?}");

    let chosen: Vec<usize> =
        whole.report.frontier.iter().filter(|point| point.chosen).map(|point| point.step).collect();
    assert_eq!(chosen, [expected], "{scores:?}");
    // A constant rate: what comes later does not change what came before.
    let shorter = place.run(&spec(expected, expected, 0.0), &mut Kept::default()).unwrap();
    assert!(weights(&whole) == weights(&shorter), "not the weights of step {expected}");
    assert!(place.restored(&close, &mut kept) == weights(&whole));
    let usual = place.run(&spec(STEPS, EVERY, 0.0), &mut Kept::default()).unwrap();
    assert!(weights(&whole) != weights(&usual));

    // Between two checkpoints, with several candidates in the one before.
    for stop_after in [STEPS / 2 + 1, STEPS - 1] {
        let mut kept = Kept { stop_after: Some(stop_after), ..Kept::default() };
        let stopped = place.run(&close, &mut kept).err().unwrap();
        assert!(matches!(stopped, Error::Stopped { step } if step == stop_after), "{stopped}");
        let resumed = place.run(&close, &mut kept).unwrap();
        assert_eq!(resumed.report.runs[0].steps, whole.report.runs[0].steps);
        assert!(weights(&resumed) == weights(&whole), "stopped after {stop_after} steps");
    }
}
