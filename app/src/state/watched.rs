//! The fixed questions of a run and what they were answered, point by point of its training.

use promot_core::report::{MethodRun, StageId, StepRecord, WatchedAnswer, distinct};
use promot_core::spec::RunSpec;

use super::marks::{self, Verdict};
use super::question::without_examples;
use super::tasks;

/// Held-out tasks that are asked beside the target.
const HELD_OUT: usize = 2;

/// All answers of a run, methods in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    pub methods: Vec<WatchedMethod>,
}

/// A method's answers, in the order of its steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchedMethod {
    pub method: String,
    pub points: Vec<Point>,
}

/// The answers at one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    pub stage: StageId,
    pub step: usize,
    answers: Vec<WatchedAnswer>,
}

/// What one glance at an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Right,
    Wrong,
    /// In the target's format, which nothing asks for.
    Drifted,
    /// In part as expected.
    Partly,
    /// Not asked at this point.
    Unasked,
}

impl Mark {
    pub fn name(self) -> &'static str {
        match self {
            Mark::Right => "right",
            Mark::Wrong => "wrong",
            Mark::Drifted => "drifted",
            Mark::Partly => "partly",
            Mark::Unasked => "unasked",
        }
    }
}

/// A question and its answer at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub task: String,
    pub question: String,
    pub reference: String,
    /// Whether a soft prompt was in front.
    pub prompt: bool,
    pub answer: String,
    pub mark: Mark,
    /// Whether it is another one than at the point before.
    pub changed: bool,
    /// The stage leaves the model as it came, so that a question without the prompt is asked once.
    pub frozen: bool,
    /// Marks of all points.
    pub strip: Vec<Mark>,
}

impl Watched {
    pub fn record(&mut self, method: &str, record: &StepRecord) {
        if record.answers.is_empty() {
            return;
        }
        let at = self.methods.iter().position(|known| known.method == method).unwrap_or_else(|| {
            self.methods.push(WatchedMethod { method: method.to_owned(), points: Vec::new() });
            self.methods.len() - 1
        });
        let points = &mut self.methods[at].points;
        let place = (record.stage.index, record.step);
        let at = points.partition_point(|point| (point.stage.index, point.step) < place);
        let point = Point { stage: record.stage.clone(), step: record.step, answers: record.answers.clone() };
        // A resumed run does some steps again.
        match points.get_mut(at) {
            Some(known) if (known.stage.index, known.step) == place => *known = point,
            _ => points.insert(at, point),
        }
    }

    /// A finished method has all of them, with those of earlier visits.
    pub fn run(&mut self, run: &MethodRun) {
        run.steps.iter().for_each(|record| self.record(&run.method, record));
    }

    /// The method of this name, or the newest one.
    pub fn method(&self, name: Option<&str>) -> Option<&WatchedMethod> {
        let named = name.and_then(|name| self.methods.iter().find(|known| known.method == name));
        named.or(self.methods.last())
    }
}

impl WatchedMethod {
    /// Every question with its answer at a point; `target`: the tuned task.
    pub fn shown(&self, at: usize, target: &str) -> Vec<Shown> {
        let asked = self.points.iter().flat_map(|point| &point.answers);
        let names = distinct(asked.map(|answer| answer.task.as_str()));
        names.into_iter().filter_map(|task| self.of_task(task, at, target)).collect()
    }

    fn of_task(&self, task: &str, at: usize, target: &str) -> Option<Shown> {
        let (found, asked_here) = self.answer(task, at)?;
        let before = at.checked_sub(1).and_then(|before| self.answer(task, before));
        let mark = |at: usize| match self.answer(task, at) {
            Some((answer, true)) => mark(answer, target),
            _ => Mark::Unasked,
        };
        Some(Shown {
            task: task.to_owned(),
            question: without_examples(&found.input).to_owned(),
            reference: found.references.first().cloned().unwrap_or_default(),
            prompt: found.prompt,
            answer: marks::readable(&found.output).to_owned(),
            mark: self::mark(found, target),
            changed: before.is_some_and(|(before, _)| before.output != found.output),
            frozen: !asked_here,
            strip: (0..self.points.len()).map(mark).collect(),
        })
    }

    /// A task's answer at a point, or the last one before it in the same stage; and whether it was asked at that very point.
    fn answer(&self, task: &str, at: usize) -> Option<(&WatchedAnswer, bool)> {
        let stage = self.points.get(at)?.stage.index;
        let here = (0..=at).rev().take_while(|at| self.points[*at].stage.index == stage);
        let mut all = here.filter_map(|place| {
            let answer = self.points[place].answers.iter().find(|answer| answer.task == task)?;
            Some((answer, place == at))
        });
        all.next()
    }
}

impl Point {
    pub fn words(&self) -> String {
        match self.step {
            0 => format!("{}, before the first step", self.stage),
            step => format!("{}, step {step}", self.stage),
        }
    }
}

fn mark(answer: &WatchedAnswer, target: &str) -> Mark {
    if marks::drifted(&answer.task, target, &answer.output) {
        return Mark::Drifted;
    }
    match marks::verdict(&answer.task, &answer.output, &answer.references) {
        Some(Verdict::Right) => Mark::Right,
        Some(Verdict::Shared(_)) => Mark::Partly,
        Some(Verdict::Wrong) | None => Mark::Wrong,
    }
}

/// The spec with questions to watch, where it names none: the target's, and those of two held-out tasks of different kinds.
pub fn with_questions(mut spec: RunSpec) -> RunSpec {
    let target = spec.target.task.clone();
    if !spec.eval.watch.is_empty() {
        return spec;
    }
    let known = |name: &str| spec.eval.tasks.is_empty() || spec.eval.tasks.iter().any(|task| task == name);
    let of_group = |group: tasks::Group| group.tasks.into_iter().find(|task| known(&task.name));
    let scored = !spec.eval.shots.is_empty() || spec.eval.curve_every > 0 || spec.eval.frontier;
    let held_out = tasks::groups(&target)
        .into_iter()
        .filter_map(of_group)
        .map(|task| task.name.clone())
        .filter(|name| scored && *name != target)
        .take(HELD_OUT)
        .collect::<Vec<_>>();
    spec.eval.watch = std::iter::once(target).chain(held_out).collect();
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::presets;
    use crate::protocol::resolved;

    fn answer(task: &str, output: &str) -> WatchedAnswer {
        let (prompt, references) = (task == "rte-mini", vec!["Anna".to_owned()]);
        let input = format!("Q: Who? A: Bob\n\nQ: Who is {task}? A:");
        WatchedAnswer { task: task.into(), shots: 1, prompt, input, references, output: output.into() }
    }

    fn record(stage: usize, step: usize, answers: &[(&str, &str)]) -> StepRecord {
        let answers = answers.iter().map(|(task, output)| answer(task, output)).collect();
        StepRecord { stage: StageId { index: stage, task: None }, step, answers, ..StepRecord::default() }
    }

    fn promot() -> Watched {
        let mut watched = Watched::default();
        for record in [
            record(0, 0, &[("rte-mini", "Anna"), ("triviaqa-mini", "Anna")]),
            record(0, 1, &[("rte-mini", "True")]),
            record(1, 0, &[("rte-mini", "True"), ("triviaqa-mini", "Anna")]),
            record(1, 1, &[("rte-mini", "True"), ("triviaqa-mini", "False")]),
        ] {
            watched.record("promot", &record);
        }
        watched
    }

    #[test]
    fn an_answer_stands_with_its_question_mark_and_change() {
        let watched = promot();
        let shown = watched.methods[0].shown(3, "rte-mini");
        assert_eq!(shown.len(), 2);
        let trivia = &shown[1];
        assert_eq!(
            (trivia.question.as_str(), trivia.answer.as_str()),
            ("Q: Who is triviaqa-mini? A:", "False")
        );
        assert_eq!((trivia.mark, trivia.changed, trivia.frozen), (Mark::Drifted, true, false));
        assert_eq!(trivia.strip, [Mark::Right, Mark::Unasked, Mark::Right, Mark::Drifted]);
        assert!(shown[0].prompt && !shown[0].changed);
    }

    #[test]
    fn a_frozen_model_keeps_its_answer_and_says_so() {
        let shown = promot().methods[0].shown(1, "rte-mini");
        assert_eq!((shown[1].answer.as_str(), shown[1].frozen, shown[1].changed), ("Anna", true, false));
        assert!(shown[0].changed && !shown[0].frozen);
    }

    #[test]
    fn steps_done_again_replace_what_they_were() {
        let mut watched = promot();
        watched.record("promot", &record(1, 0, &[("rte-mini", "False")]));
        watched.record("promot", &record(1, 2, &[]));
        let points: Vec<(usize, usize)> =
            watched.methods[0].points.iter().map(|point| (point.stage.index, point.step)).collect();
        assert_eq!(points, [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(watched.methods[0].shown(2, "rte-mini")[0].answer, "False");
        assert_eq!(watched.methods[0].points[2].words(), "stage 2, before the first step");
    }

    #[test]
    fn the_newest_method_is_shown_unless_one_is_chosen() {
        let mut watched = promot();
        watched.record("fine-tuning", &record(0, 0, &[("rte-mini", "True")]));
        let name = |chosen| watched.method(chosen).map(|method| method.method.as_str());
        assert_eq!(name(None), Some("fine-tuning"));
        assert_eq!((name(Some("promot")), name(Some("lora"))), (Some("promot"), Some("fine-tuning")));
        assert!(Watched::default().method(None).is_none());
    }

    #[test]
    fn a_run_is_asked_its_target_and_two_kinds_of_held_out_tasks() {
        let quick = with_questions(presets().by_name("quick").unwrap());
        assert_eq!(quick.eval.watch, ["rte-mini", "triviaqa-mini", "wmt_ende-mini"]);
        assert!(resolved(&quick, "mini").is_ok());
        assert_eq!(with_questions(quick.clone()), quick, "what is asked for stays");
        let mut bare = presets().by_name("quick").unwrap();
        (bare.eval.shots, bare.eval.frontier) = (Vec::new(), false);
        bare.eval.watch.clear();
        let bare = with_questions(bare);
        assert_eq!(bare.eval.watch, ["rte-mini"]);
        assert!(resolved(&bare, "mini").is_ok());
    }
}
