//! A training run as the page shows it.

use promot_core::report::{MethodRun, Report, StepRecord};
use promot_core::report_html::Course;
use promot_core::spec::RunSpec;

use super::curves::Curves;
use super::watched::Watched;
use crate::protocol::{Status, Tick};

#[derive(Clone, Debug, Default)]
pub struct Training {
    pub status: Status,
    /// What the run was started with.
    pub spec: Option<RunSpec>,
    pub tick: Option<Tick>,
    /// The task that is being answered, while one is.
    pub evaluating: Option<Evaluating>,
    pub curves: Curves,
    /// What the questions that are watched were answered.
    pub watched: Watched,
    /// The records of the method in training, which a saved page shows beside the finished ones.
    pub unfinished: Option<Course>,
    /// Finished methods.
    pub runs: Vec<MethodRun>,
    pub report: Option<Report>,
}

/// How far the answers to a task are.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluating {
    pub method: String,
    pub task: String,
    pub done: usize,
    pub rows: usize,
}

impl Training {
    /// Whether a run is under way, paused or not.
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Loading | Status::Stage(_) | Status::Evaluating | Status::Paused)
    }

    pub fn status(&mut self, status: Status) {
        if status != Status::Evaluating {
            self.evaluating = None;
        }
        self.status = status;
    }

    pub fn tick(&mut self, tick: Tick) {
        let spec = self.spec.clone().unwrap_or_default();
        self.curves.tick(&tick, &spec);
        let (stage, step, loss) = (tick.stage.clone(), tick.step, Some(tick.loss));
        self.watch(&tick.method, StepRecord { stage, step, loss, ..StepRecord::default() });
        self.tick = Some(tick);
        self.evaluating = None;
    }

    pub fn curve(&mut self, method: &str, record: StepRecord) {
        let spec = self.spec.clone().unwrap_or_default();
        self.curves.record(method, &record, &spec);
        self.watched.record(method, &record);
        self.watch(method, record);
    }

    /// A stage goes on where it was: its records up to there.
    pub fn restored(&mut self, method: &str, records: Vec<StepRecord>) {
        let spec = self.spec.clone().unwrap_or_default();
        self.curves.restore(method, &records, &spec);
        for record in records {
            self.watched.record(method, &record);
            self.watch(method, record);
        }
    }

    pub fn run_done(&mut self, run: MethodRun) {
        let spec = self.spec.clone().unwrap_or_default();
        self.curves.run(&run, &spec);
        self.watched.run(&run);
        self.unfinished.take_if(|course| course.method == run.method);
        self.runs.retain(|known| (&known.method, known.seed) != (&run.method, run.seed));
        self.runs.push(run);
    }

    pub fn finished(&mut self, report: Report) {
        self.spec = Some(report.spec.clone());
        self.runs = report.runs.clone();
        self.report = Some(report);
    }

    fn watch(&mut self, method: &str, record: StepRecord) {
        self.unfinished.take_if(|course| course.method != method);
        let new = || Course { method: method.to_owned(), steps: Vec::new() };
        self.unfinished.get_or_insert_with(new).push(record);
    }

    /// A new run with this spec, or none: what was shown of the last one goes. The version of the curves keeps growing, so
    /// that a chart notices that the old ones are gone.
    pub fn anew(&self, status: Status, spec: Option<RunSpec>) -> Self {
        let curves = Curves { version: self.curves.version + 1, ..Curves::default() };
        Self { status, spec, curves, ..Self::default() }
    }

    /// The name under which the run is kept where the user gives none.
    pub fn usual_name(&self) -> String {
        let spec = self.spec.as_ref();
        spec.map_or_else(String::new, |spec| format!("{} on {}", spec.name, spec.target.task))
    }

    /// Whether there is anything to save.
    pub fn has_results(&self) -> bool {
        self.tick.is_some() || !self.runs.is_empty() || self.report.is_some()
    }
}
