//! Questions that are answered along training, for people to read: they change nothing, and a run that goes on knows what
//! was answered before.

use std::collections::BTreeMap;

use promot_core::checkpoint::Checkpoint;
use promot_core::model::tensors::{self, HostTensors};
use promot_core::record::{StepRecord, WatchedAnswer};
use promot_core::spec::RunSpec;
use promot_core::train::{Control, Event, Observer, Outcome, experiment};
use promot_core::{Error, Result};
use promot_world::catalog;

use crate::methods::{Lab, spec};

/// What was answered, at which step of which stage; stops once after so many steps in all.
#[derive(Default)]
struct Reader {
    answered: Vec<(usize, usize, Vec<WatchedAnswer>)>,
    restored: Vec<StepRecord>,
    checkpoints: BTreeMap<String, Checkpoint>,
    steps: usize,
    stop_after: usize,
}

impl Observer for Reader {
    fn now(&self) -> f64 {
        0.0
    }

    fn event(&mut self, event: &Event) -> Control {
        match event {
            Event::Answered { stage, step, answers } => {
                self.answered.push((stage.index, *step, answers.clone()));
            }
            Event::Restored { records } => self.restored.extend(records.clone()),
            Event::Step { .. } => self.steps += 1,
            _ => {}
        }
        if self.steps == self.stop_after { Control::Stop } else { Control::Continue }
    }

    fn save(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.checkpoints.insert(checkpoint.name.clone(), checkpoint);
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<Option<Checkpoint>> {
        Ok(self.checkpoints.get(name).cloned())
    }
}

/// Six steps of each of ProMoT's stages.
fn watched(tasks: &str) -> RunSpec {
    let mut spec = spec("promot");
    let tasks = [("target.task", "rte-mini"), ("eval.tasks", "[\"triviaqa-mini\"]"), ("eval.watch", tasks)];
    for (path, value) in tasks.into_iter().chain([("eval.shots", "[1]"), ("eval.limit", "1")]) {
        spec.set(path, value).unwrap();
    }
    spec
}

fn run(spec: &RunSpec, reader: &mut Reader) -> Result<Outcome> {
    let run = spec.resolve(&catalog().tasks)?;
    pollster::block_on(experiment(Lab::new().setup(&run), reader))
}

fn weights(outcome: &Outcome) -> HostTensors {
    let model = outcome.models[0].tuned.for_task(0);
    pollster::block_on(tensors::read(&model, &|_| true, &tensors::by_path)).unwrap()
}

const BOTH: &str = "[\"rte-mini\", \"triviaqa-mini\"]";

#[test]
fn what_people_watch_changes_no_number() {
    let mut reader = Reader { stop_after: usize::MAX, ..Reader::default() };
    let with = run(&watched(BOTH), &mut reader).unwrap();
    let without = run(&watched("[]"), &mut Reader { stop_after: usize::MAX, ..Reader::default() }).unwrap();
    assert_eq!(weights(&with), weights(&without));
    let numbers = |outcome: &Outcome| -> Vec<StepRecord> {
        let steps = outcome.report.runs[0].steps.clone().into_iter();
        let bare = steps.map(|record| StepRecord { answers: Vec::new(), ..record });
        bare.filter(|record| record.loss.is_some()).collect()
    };
    assert_eq!(numbers(&with), numbers(&without));
    assert_eq!(with.report.runs[0].target.score, without.report.runs[0].target.score);

    // Densely at first. In stage 1, which moves no weights, the held-out question is asked once.
    let tasks = |answers: &[WatchedAnswer]| answers.iter().map(|answer| answer.task.clone()).collect();
    let asked: Vec<(usize, usize, Vec<String>)> =
        reader.answered.iter().map(|(stage, step, answers)| (*stage, *step, tasks(answers))).collect();
    let (both, target) =
        (["rte-mini", "triviaqa-mini"].map(String::from).to_vec(), vec!["rte-mini".to_owned()]);
    let first = [(0, 0, both.clone())].into_iter().chain([1, 2, 4, 6].map(|step| (0, step, target.clone())));
    let second = [0, 1, 2, 4, 6].map(|step| (1, step, both.clone()));
    assert_eq!(asked, first.chain(second).collect::<Vec<_>>());
    for (_, _, answers) in &reader.answered {
        assert!(answers[0].prompt && answers[0].shots == 0, "the target behind its prompt, as it is trained");
        let held_out = answers.get(1);
        assert!(held_out.is_none_or(|answer| !answer.prompt && answer.shots == 1), "{held_out:?}");
    }
    let recorded = with.report.runs[0].steps.iter().filter(|record| !record.answers.is_empty()).count();
    assert_eq!(recorded, reader.answered.len());
}

#[test]
fn a_run_that_goes_on_knows_what_was_answered_before() {
    let whole = run(&watched(BOTH), &mut Reader { stop_after: usize::MAX, ..Reader::default() }).unwrap();
    let mut reader = Reader { stop_after: 9, ..Reader::default() };
    let stopped = run(&watched(BOTH), &mut reader).map(|_| ());
    assert!(matches!(stopped, Err(Error::Stopped { .. })), "{stopped:?}");
    reader.stop_after = usize::MAX;
    let resumed = run(&watched(BOTH), &mut reader).unwrap();
    assert_eq!(whole.report.runs[0].steps, resumed.report.runs[0].steps);
    // Stage 1 whole, and the three steps of stage 2.
    let restored: Vec<(usize, usize)> = reader
        .restored
        .iter()
        .filter(|record| !record.answers.is_empty())
        .map(|record| (record.stage.index, record.step))
        .collect();
    assert_eq!(restored, [(0, 0), (0, 1), (0, 2), (0, 4), (0, 6), (1, 0), (1, 1), (1, 2)]);
}

#[test]
fn a_task_that_the_run_does_not_have_is_refused() {
    let error = run(&watched("[\"wic-mini\"]"), &mut Reader::default()).map(|_| ()).unwrap_err().to_string();
    for part in ["eval.watch", "rte-mini, triviaqa-mini", "wic-mini"] {
        assert!(error.contains(part), "{error}");
    }
}
