//! Precomputed reports: made with the native program and shipped with the page.

use std::sync::Arc;

use promot_core::report::{ExampleAnswers, Report};
use promot_core::spec::RunSpec;

use super::curves::Curves;
use super::methods::{FINE_TUNING, training};

#[derive(Clone, Debug)]
pub enum Recorded {
    Loading,
    /// Nothing is shipped of the open model.
    None(Elsewhere),
    /// What is shipped cannot be read.
    Broken(String),
    /// The first report, whose questions can be looked at, and the names of the others.
    Here(Arc<Report>, Vec<String>),
}

/// What is shipped of other models.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// The names of the reports.
    pub others: Vec<String>,
    /// The first one without its answers: its questions can be asked of any model.
    questions: Option<Arc<Report>>,
}

impl Elsewhere {
    pub fn new(others: Vec<String>, first: Option<Report>) -> Self {
        let questions = first.map(|mut report| {
            report.examples.iter_mut().for_each(|example| example.outputs.clear());
            Arc::new(report)
        });
        Self { others, questions }
    }
}

impl Recorded {
    /// A report with questions of every task, and with answers where these are of the open model.
    pub fn questions(&self) -> Option<&Arc<Report>> {
        match self {
            Recorded::None(elsewhere) => elsewhere.questions.as_ref(),
            _ => self.report(),
        }
    }

    /// The first report.
    pub fn report(&self) -> Option<&Arc<Report>> {
        match self {
            Recorded::Here(report, _) => Some(report),
            _ => None,
        }
    }

    /// What the first report was made with.
    pub fn spec(&self) -> Option<&RunSpec> {
        self.report().map(|report| &report.spec)
    }

    /// The curves of the first report's first seed.
    pub fn curves(&self) -> Curves {
        let mut curves = Curves::default();
        let Some(report) = self.report() else { return curves };
        let seed = report.runs.first().map(|run| run.seed);
        for run in report.runs.iter().filter(|run| Some(run.seed) == seed && !run.steps.is_empty()) {
            curves.run(run, &report.spec);
        }
        curves
    }

    /// The task that its models were tuned on; empty where there is none.
    pub fn target(&self) -> &str {
        self.spec().map_or("", |spec| &spec.target.task)
    }

    /// The `row`-th precomputed question of a task, if it has that many in-context examples.
    pub fn example(&self, task: &str, row: usize, shots: usize) -> Option<&ExampleAnswers> {
        let report = self.report().filter(|report| asked_with(&report.spec, task) == Some(shots))?;
        report.examples.iter().filter(|example| example.task == task).nth(row)
    }
}

/// In-context examples before the recorded questions of a task.
pub fn asked_with(spec: &RunSpec, task: &str) -> Option<usize> {
    match task == spec.target.task {
        true => Some(training(spec, FINE_TUNING).shots),
        false => spec.eval.shots.first().copied(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_recorded_curves_are_those_of_the_shipped_report() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/recorded/rte-mini/report.json");
        let report: Report = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let curves = Recorded::Here(Arc::new(report.clone()), Vec::new()).curves();
        let of = |name: &str| curves.methods.iter().find(|method| method.method == name).unwrap();
        assert!(!of("promot").loss.points.is_empty() && of("promot").validation.len() > 5);
        assert!(!of("fine-tuning").unseen.is_empty() && !of("fine-tuning").format.is_empty());
        assert!(Recorded::None(Elsewhere::default()).curves().methods.is_empty());
    }

    fn example(task: &str, input: &str) -> ExampleAnswers {
        let outputs = BTreeMap::from([("pretrained".into(), "True".into())]);
        ExampleAnswers { task: task.into(), input: input.into(), reference: "True".into(), outputs }
    }

    #[test]
    fn a_question_is_recorded_for_the_number_of_shots_it_was_asked_with() {
        let mut spec = RunSpec::default();
        spec.target.task = "rte-mini".into();
        spec.eval.shots = vec![1, 4];
        let examples = vec![example("rte-mini", "a"), example("cb-mini", "b"), example("cb-mini", "c")];
        let (device, model) = Default::default();
        let report = Report {
            version: 1,
            spec,
            device,
            model,
            runs: Vec::new(),
            examples,
            frontier: Vec::new(),
            signs: Vec::new(),
        };
        let questions = Recorded::None(Elsewhere::new(Vec::new(), Some(report.clone())));
        let kept = questions.questions().map(|report| &report.examples).unwrap();
        assert!(kept.len() == 3 && kept.iter().all(|example| example.outputs.is_empty()), "another model's");
        assert!(questions.report().is_none() && questions.target().is_empty());
        let recorded = Recorded::Here(Arc::new(report), Vec::new());
        assert_eq!(recorded.questions().map(|report| report.examples[0].outputs.len()), Some(1));
        let input = |task, row, shots| recorded.example(task, row, shots).map(|found| found.input.as_str());
        assert_eq!(input("rte-mini", 0, 0), Some("a"));
        assert_eq!(input("rte-mini", 0, 1), None);
        assert_eq!(
            (input("cb-mini", 1, 1), input("cb-mini", 2, 1), input("cb-mini", 0, 4)),
            (Some("c"), None, None)
        );
        assert!(Recorded::None(Elsewhere::default()).example("cb-mini", 0, 1).is_none());
    }
}
