//! Runs that the user keeps, side by side: their scores in one table, their curves in one chart.

use std::collections::{BTreeMap, BTreeSet};

use promot_core::report::{MethodRun, Report};

use super::curves::Curves;
use super::training::Training;
use crate::protocol::KeptRun;

/// As many runs stand side by side.
pub const MOST: usize = 4;

#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub runs: Vec<KeptRun>,
    /// Those that were fetched.
    reports: BTreeMap<u64, Report>,
    /// Those that are compared.
    chosen: BTreeSet<u64>,
    /// Grows with every change of what is compared.
    pub version: u64,
}

impl Kept {
    /// The list as it is in storage now.
    pub fn take(&mut self, runs: Vec<KeptRun>) {
        let there = |id: &u64| runs.iter().any(|run| run.id == *id);
        self.reports.retain(|id, _| there(id));
        self.chosen.retain(there);
        self.runs = runs;
        self.version += 1;
    }

    pub fn report(&mut self, id: u64, report: Report) {
        self.reports.insert(id, report);
        self.version += 1;
    }

    /// The user compares a run, or no longer: whether its report is to be fetched.
    pub fn choose(&mut self, id: u64, wanted: bool) -> bool {
        self.version += 1;
        if !wanted {
            self.chosen.remove(&id);
            return false;
        }
        self.chosen.len() < MOST && self.chosen.insert(id) && !self.reports.contains_key(&id)
    }

    pub fn is_chosen(&self, id: u64) -> bool {
        self.chosen.contains(&id)
    }

    pub fn is_full(&self) -> bool {
        self.chosen.len() >= MOST
    }

    /// Of all kept runs.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.bytes).sum()
    }

    /// The methods of the chosen runs, each under its run's name; the pretrained model, which is the same in all, once. Then
    /// those of the run that is shown anyway.
    pub fn compared(&self, training: &Training) -> Vec<MethodRun> {
        let mut all: Vec<MethodRun> = Vec::new();
        for (name, report) in self.chosen() {
            all.extend(report.runs.iter().filter_map(|run| named(name, run, &all)).collect::<Vec<_>>());
        }
        if !all.is_empty() {
            let own = training.runs.iter().filter_map(|run| named("this run", run, &all));
            all.extend(own.collect::<Vec<_>>());
        }
        all
    }

    /// Their curves.
    pub fn curves(&self, training: &Training) -> Curves {
        let mut curves = Curves::default();
        for (name, report) in self.chosen() {
            for run in report.runs.iter().filter(|run| !run.steps.is_empty()) {
                let run = MethodRun { method: label(name, &run.method), ..run.clone() };
                curves.run(&run, &report.spec);
            }
        }
        if let Some(spec) = training.spec.as_ref().filter(|_| !curves.methods.is_empty()) {
            for run in training.runs.iter().filter(|run| !run.steps.is_empty()) {
                curves.run(&MethodRun { method: label("this run", &run.method), ..run.clone() }, spec);
            }
        }
        curves
    }

    /// Whether the chosen runs were tuned on different tasks, whose scores say nothing about each other.
    pub fn targets_differ(&self) -> bool {
        let mut targets = self.chosen().map(|(_, report)| &report.spec.target.task);
        let first = targets.next();
        targets.any(|target| Some(target) != first)
    }

    fn chosen(&self) -> impl Iterator<Item = (&str, &Report)> {
        let chosen = self.runs.iter().filter(|run| self.chosen.contains(&run.id));
        chosen.filter_map(|run| Some((run.name.as_str(), self.reports.get(&run.id)?)))
    }
}

fn label(run: &str, method: &str) -> String {
    format!("{run}: {method}")
}

/// A method under its run's name; nothing for a model without training that is there already.
fn named(run: &str, method: &MethodRun, known: &[MethodRun]) -> Option<MethodRun> {
    let untrained = method.steps.is_empty();
    let same = |other: &MethodRun| other.steps.is_empty() && other.unseen == method.unseen;
    if untrained && known.iter().any(same) {
        return None;
    }
    Some(MethodRun { method: label(run, &method.method), ..method.clone() })
}

#[cfg(test)]
mod tests {
    use promot_core::report::{DeviceInfo, ModelInfo, StepRecord};
    use promot_core::spec::RunSpec;

    use super::*;

    fn run(method: &str) -> MethodRun {
        let steps = match method {
            "pretrained" => Vec::new(),
            _ => vec![StepRecord { step: 1, loss: Some(1.0), ..StepRecord::default() }],
        };
        MethodRun { method: method.into(), steps, ..MethodRun::default() }
    }

    fn report(task: &str) -> Report {
        let mut spec = RunSpec::default();
        spec.target.task = task.into();
        let (device, model) = (DeviceInfo::default(), ModelInfo::default());
        let runs = vec![run("pretrained"), run("promot")];
        let (examples, frontier, signs) = Default::default();
        Report { version: 2, spec, device, model, runs, examples, frontier, signs }
    }

    fn kept(id: u64, name: &str) -> KeptRun {
        KeptRun { id, name: name.into(), task: "rte-mini".into(), methods: Vec::new(), bytes: 10 }
    }

    fn two() -> Kept {
        let mut all = Kept::default();
        all.take(vec![kept(0, "first"), kept(1, "second")]);
        assert!(all.choose(0, true) && all.choose(1, true));
        all.report(0, report("rte-mini"));
        all.report(1, report("rte-mini"));
        all
    }

    fn names(runs: &[MethodRun]) -> Vec<&str> {
        runs.iter().map(|run| run.method.as_str()).collect()
    }

    #[test]
    fn methods_stand_under_their_runs_names_and_the_start_once() {
        let all = two();
        let training = Training {
            runs: vec![run("pretrained"), run("lora")],
            spec: Some(RunSpec::default()),
            ..Training::default()
        };
        let compared = all.compared(&training);
        assert_eq!(
            names(&compared),
            ["first: pretrained", "first: promot", "second: promot", "this run: lora"]
        );
        let curves = all.curves(&training);
        let lines: Vec<&str> = curves.methods.iter().map(|line| line.method.as_str()).collect();
        assert_eq!(lines, ["first: promot", "second: promot", "this run: lora"]);
        assert!(Kept::default().compared(&training).is_empty(), "nothing to compare with");
        assert_eq!(all.bytes(), 20);
    }

    #[test]
    fn a_run_is_fetched_once_and_one_that_is_deleted_is_not_compared() {
        let mut all = two();
        assert!(!all.choose(0, false) && !all.choose(0, true), "its report is here");
        all.take(vec![kept(1, "second")]);
        assert_eq!(names(&all.compared(&Training::default())), ["second: pretrained", "second: promot"]);
        assert!(!all.targets_differ());
        all.take(vec![kept(1, "second"), kept(2, "third")]);
        assert!(all.choose(2, true));
        all.report(2, report("wic-mini"));
        assert!(all.targets_differ());
    }

    #[test]
    fn only_so_many_stand_side_by_side() {
        let mut all = Kept::default();
        all.take((0..9).map(|id| kept(id, "run")).collect());
        let chosen = (0..9).filter(|id| all.choose(*id, true)).count();
        assert!(chosen == MOST && all.is_full() && all.is_chosen(3) && !all.is_chosen(4));
    }
}
