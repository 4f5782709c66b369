//! What the page shows, as plain data. The worker changes it through `apply`, the user through the few methods named
//! after what the user does; components only draw it. Nothing here knows a browser, so all of it is tested natively.

use std::collections::BTreeMap;

use promot_core::report::{DeviceInfo, ExampleAnswers, MethodRun, Report};
use promot_core::spec::RunSpec;

use crate::protocol::{Column, ColumnState, Event, Origin, SavedRun, Status, Tick};

pub mod address;
pub mod curves;
pub mod judge;
pub mod methods;
pub mod tasks;

use curves::Curves;

#[cfg(test)]
mod tests;

#[derive(Clone, Debug, Default)]
pub struct State {
    /// What is being loaded, and the share of it that is there.
    pub loading: Option<(String, f64)>,
    pub device: Option<Device>,
    pub columns: Vec<ColumnState>,
    pub question: Question,
    pub answers: BTreeMap<Column, Answer>,
    /// The number of the question that is being answered.
    pub asking: Option<u64>,
    pub training: Training,
    /// What lies in storage from an earlier visit; taken away once it goes on or is dropped.
    pub saved: Option<SavedRun>,
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub info: DeviceInfo,
    pub webgpu: bool,
    pub advice: Option<String>,
}

/// The question in the editor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The number of the request that it answers, so that an earlier, slower one is not taken for it.
    pub id: u64,
    pub task: String,
    pub row: usize,
    /// How many rows the task has, once the worker has told.
    pub rows: Option<usize>,
    /// Whether its text is still to come.
    pub awaited: bool,
    /// As the user sees and edits it.
    pub text: String,
    /// As it was rendered; the references hold for this text only.
    pub rendered: String,
    pub references: Vec<String>,
}

impl Question {
    /// The accepted answers, or none where the user has written a question of their own.
    pub fn known_references(&self) -> &[String] {
        if self.text == self.rendered { &self.references } else { &[] }
    }
}

/// What one model answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub text: String,
    /// Read from recorded results, not computed here.
    pub recorded: bool,
    /// Whether the model has ended its answer.
    pub complete: bool,
    pub tokens: usize,
    pub seconds: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Training {
    pub status: Status,
    /// What the run was started with.
    pub spec: Option<RunSpec>,
    pub tick: Option<Tick>,
    /// The task that is being answered, while one is.
    pub evaluating: Option<Evaluating>,
    pub curves: Curves,
    /// Methods that are trained and scored.
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

/// What went wrong, for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub message: String,
    pub advice: Option<String>,
    /// The worker must be started again.
    pub fatal: bool,
}

impl Training {
    /// Whether a run is under way, paused or not.
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Loading | Status::Stage(_) | Status::Evaluating | Status::Paused)
    }

    /// Whether there is anything to save.
    pub fn has_results(&self) -> bool {
        self.tick.is_some() || !self.runs.is_empty() || self.report.is_some()
    }
}

impl State {
    /// Takes in what the worker says.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Ready | Event::File { .. } => {}
            Event::Loading { what, done } => self.loading = (done < 1.0).then_some((what, done)),
            Event::Device { info, webgpu, advice } => self.device = Some(Device { info, webgpu, advice }),
            Event::Columns { columns } => {
                self.loading = None;
                self.columns = columns;
            }
            Event::Saved { run } => self.saved = run,
            Event::Example { id, task, row, rows, input, references } => {
                if id == self.question.id {
                    let (rows, text, rendered) = (Some(rows), input.clone(), input);
                    self.question =
                        Question { id, task, row, rows, awaited: false, text, rendered, references };
                    self.answers.clear();
                }
            }
            Event::Partial { id, column, text } => {
                if self.asking == Some(id) {
                    self.answers.insert(column, Answer { text, ..Answer::default() });
                }
            }
            Event::Answer { id, column, text, tokens, seconds } => {
                if self.asking == Some(id) {
                    let answer = Answer { text, recorded: false, complete: true, tokens, seconds };
                    self.answers.insert(column, answer);
                }
            }
            Event::AskDone { id } => {
                if self.asking == Some(id) {
                    self.asking = None;
                }
            }
            Event::Status { status } => {
                if status != Status::Evaluating {
                    self.training.evaluating = None;
                }
                self.training.status = status;
            }
            Event::Evaluating { method, task, done, rows } => {
                self.training.evaluating = Some(Evaluating { method, task, done, rows });
            }
            Event::Tick { tick } => self.tick(tick),
            Event::Curve { method, record } => {
                let spec = self.training.spec.clone().unwrap_or_default();
                self.training.curves.record(&method, &record, &spec);
            }
            Event::RunDone { run } => self.run_done(*run),
            Event::Finished { report } => {
                self.training.spec = Some(report.spec.clone());
                self.training.runs = report.runs.clone();
                self.training.report = Some(*report);
            }
            Event::Failed { message, advice, fatal } => self.fail(Failure { message, advice, fatal }),
        }
    }

    fn tick(&mut self, tick: Tick) {
        let spec = self.training.spec.clone().unwrap_or_default();
        self.training.curves.tick(&tick, &spec);
        self.training.tick = Some(tick);
        self.training.evaluating = None;
    }

    fn run_done(&mut self, run: MethodRun) {
        let spec = self.training.spec.clone().unwrap_or_default();
        self.training.curves.run(&run, &spec);
        self.training.runs.retain(|known| (&known.method, known.seed) != (&run.method, run.seed));
        self.training.runs.push(run);
    }

    /// Shows a failure; what waited for the worker waits no longer.
    pub fn fail(&mut self, failure: Failure) {
        self.asking = None;
        if failure.fatal {
            self.loading = None;
            if self.training.is_running() {
                self.training.status = Status::Failed;
            }
        }
        self.failure = Some(failure);
    }

    /// The user wants another question: row `row` of `task`, under the number `id`.
    pub fn wants_example(&mut self, id: u64, task: &str, row: usize) {
        self.question.id = id;
        self.question.task = task.to_owned();
        self.question.row = row;
        self.question.awaited = true;
    }

    /// The user writes; an example that was still to come would wipe it out and is no longer wanted.
    pub fn write(&mut self, text: String) {
        self.question.text = text;
        if self.question.awaited {
            self.question.awaited = false;
            self.question.id = u64::MAX;
        }
    }

    /// Shows a recorded question with its recorded answers.
    pub fn show_recorded(&mut self, id: u64, example: &ExampleAnswers, row: usize) {
        self.asking = None;
        self.question = Question {
            id,
            task: example.task.clone(),
            row,
            rows: None,
            awaited: false,
            text: example.input.clone(),
            rendered: example.input.clone(),
            references: vec![example.reference.clone()],
        };
        self.answers = Column::ALL
            .into_iter()
            .filter_map(|column| {
                let text = example.outputs.get(column.name())?.clone();
                Some((column, Answer { text, recorded: true, complete: true, ..Answer::default() }))
            })
            .collect();
    }

    /// The user asks: answers of the columns that are asked are awaited under the number `id`.
    pub fn ask(&mut self, id: u64, columns: &[Column]) {
        self.asking = Some(id);
        self.answers.retain(|column, answer| !columns.contains(column) && !answer.recorded);
    }

    /// The columns that can be asked.
    pub fn askable(&self) -> Vec<Column> {
        let there = |column: &&ColumnState| column.origin != Origin::Missing;
        self.columns.iter().filter(there).map(|column| column.column).collect()
    }

    pub fn column(&self, column: Column) -> Option<&ColumnState> {
        self.columns.iter().find(|state| state.column == column)
    }

    /// The task that the models beside the pretrained one were tuned on.
    pub fn target(&self) -> &str {
        let tuned = self.columns.iter().find(|column| !column.target.is_empty());
        tuned.map_or("rte-mini", |column| &column.target)
    }

    /// The user starts a run: curves and scores of the last one go.
    pub fn start(&mut self, spec: RunSpec) {
        self.failure = None;
        self.saved = None;
        // The version goes on growing, so that a chart sees that the old curves are gone.
        let curves = Curves { version: self.training.curves.version + 1, ..Curves::default() };
        self.training = Training { status: Status::Loading, spec: Some(spec), curves, ..Training::default() };
    }

    /// The user goes on with the saved run.
    pub fn go_on(&mut self) {
        if let Some(saved) = self.saved.take() {
            self.failure = None;
            // After a lost worker the curves of this visit still stand; those of another run do not belong here.
            if self.training.spec.as_ref() != Some(&*saved.spec) {
                self.start(*saved.spec);
            }
            self.training.status = Status::Loading;
        }
    }

    /// A new worker takes the place of a lost one: what it told is no longer true, what it computed is.
    pub fn restarted(&mut self) {
        self.failure = None;
        self.device = None;
        self.columns.clear();
        self.asking = None;
        self.loading = None;
    }
}
