//! Runs that the user keeps, side by side: their scores in one table, their curves in one chart.

use std::collections::{BTreeMap, BTreeSet};

use promot_core::report::{MethodRun, Report};
use promot_core::spec::RunSpec;

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

    /// Whether the run of this report is among them, kept now or on an earlier visit.
    pub fn holds(&self, report: &Report) -> bool {
        let time = KeptRun::time_of(report);
        self.runs.iter().any(|run| run.took == time && run.task == report.spec.target.task)
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
    /// those of the run that is shown anyway, where it is none of them.
    pub fn compared(&self, training: &Training) -> Vec<MethodRun> {
        self.all(training).into_iter().map(|(run, _)| run).collect()
    }

    /// Their curves, the pretrained model's empty one among them, so that lines have the colours of the table's rows.
    pub fn curves(&self, training: &Training) -> Curves {
        let mut curves = Curves::default();
        self.all(training).iter().for_each(|(run, spec)| curves.run(run, spec));
        curves
    }

    fn all<'a>(&'a self, training: &'a Training) -> Vec<(MethodRun, &'a RunSpec)> {
        let mut all: Vec<(MethodRun, &RunSpec)> = Vec::new();
        for (name, report) in self.chosen() {
            for run in &report.runs {
                if !run.steps.is_empty() || !all.iter().any(|(known, _)| same(known, run)) {
                    all.push((named(name, run), &report.spec));
                }
            }
        }
        let own = training.runs.iter().filter(|run| !all.iter().any(|(known, _)| same(known, run)));
        let own: Vec<MethodRun> = own.map(|run| named("this run", run)).collect();
        if let (Some(spec), false) = (&training.spec, all.is_empty()) {
            all.extend(own.into_iter().map(|run| (run, spec)));
        }
        all
    }

    /// Why the scores of the chosen runs say nothing about each other, where that is so.
    pub fn unlike(&self) -> Option<&'static str> {
        let differ = |of: fn(&RunSpec) -> &str| {
            let mut all = self.chosen().map(|(_, report)| of(&report.spec));
            let first = all.next();
            all.any(|other| Some(other) != first)
        };
        if differ(|spec| &spec.target.task) {
            return Some(
                "These runs were tuned on different tasks: their scores say nothing about each other.",
            );
        }
        differ(|spec| &spec.model).then_some(
            "These runs are of different models: compare each method with its own pretrained model only.",
        )
    }

    fn chosen(&self) -> impl Iterator<Item = (&str, &Report)> {
        let chosen = self.runs.iter().filter(|run| self.chosen.contains(&run.id));
        chosen.filter_map(|run| Some((run.name.as_str(), self.reports.get(&run.id)?)))
    }
}

/// A method under its run's name.
fn named(run: &str, method: &MethodRun) -> MethodRun {
    MethodRun { method: format!("{run}: {}", method.method), ..method.clone() }
}

/// Whether two runs of a method are one: what they did and what came out, to the last digit.
fn same(one: &MethodRun, other: &MethodRun) -> bool {
    (one.seed, &one.steps, &one.unseen) == (other.seed, &other.steps, &other.unseen)
}

#[cfg(test)]
mod tests {
    use promot_core::report::{DeviceInfo, ModelInfo, StepRecord};

    use super::*;

    fn run(method: &str) -> MethodRun {
        let steps = match method {
            "pretrained" => Vec::new(),
            "lora" => vec![StepRecord { step: 1, loss: Some(2.0), ..StepRecord::default() }],
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
        KeptRun {
            id,
            name: name.into(),
            model: "mini".into(),
            task: "rte-mini".into(),
            methods: Vec::new(),
            bytes: 10,
            took: 0,
        }
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
        assert_eq!(lines, names(&compared), "the same colours");
        assert!(Kept::default().compared(&training).is_empty(), "nothing to compare with");
        assert_eq!(all.bytes(), 20);
        let kept = Training { runs: vec![run("promot")], ..training };
        assert_eq!(all.compared(&kept).len(), 3, "this run is the one that is kept");
    }

    #[test]
    fn a_run_is_fetched_once_and_one_that_is_deleted_is_not_compared() {
        let mut all = two();
        assert!(!all.choose(0, false) && !all.choose(0, true), "its report is here");
        all.take(vec![kept(1, "second")]);
        assert_eq!(names(&all.compared(&Training::default())), ["second: pretrained", "second: promot"]);
        assert_eq!(all.unlike(), None);
        all.take(vec![kept(1, "second"), kept(2, "third")]);
        assert!(all.choose(2, true));
        all.report(2, report("wic-mini"));
        assert!(all.unlike().unwrap().contains("different tasks"));
        let mut other = report("rte-mini");
        other.spec.model = "mini-llama".into();
        all.report(2, other);
        assert!(all.unlike().unwrap().contains("different models"));
    }

    #[test]
    fn only_so_many_stand_side_by_side() {
        let mut all = Kept::default();
        all.take((0..9).map(|id| kept(id, "run")).collect());
        let chosen = (0..9).filter(|id| all.choose(*id, true)).count();
        assert!(chosen == MOST && all.is_full() && all.is_chosen(3) && !all.is_chosen(4));
    }
}
