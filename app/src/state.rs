//! What the page shows, as plain data. The worker changes it through `apply`, the user through the few methods named
//! after what the user does; components only draw it. It has no web types and is tested natively.

use std::collections::BTreeMap;

use promot_core::report::{DeviceInfo, ExampleAnswers, MethodRun, Report, StepRecord, distinct};
use promot_core::report_html::Course;
use promot_core::spec::RunSpec;

use crate::failure::Failure;
use crate::protocol::{Event, ModelState, Origin, RecipeName, SavedRun, Status, Tick};

pub mod address;
pub mod alike;
pub mod curves;
pub mod fields;
pub mod marks;
pub mod methods;
pub mod recorded;
pub mod share;
pub mod tasks;

use curves::Curves;

#[cfg(test)]
mod asking;
#[cfg(test)]
mod tests;

#[derive(Clone, Debug, Default)]
pub struct State {
    /// What is being loaded, and the share of it that is there.
    pub loading: Option<(String, f64)>,
    pub device: Option<Device>,
    /// The models that can be asked; empty until they are loaded.
    pub models: Vec<ModelState>,
    pub question: Question,
    /// Answers to the text in the editor, each of the model that stands under its name now.
    pub answers: BTreeMap<RecipeName, Answer>,
    /// Whether models that have a soft prompt answer with it in front.
    pub prompt: bool,
    /// The number of the question that is being answered.
    pub asking: Option<u64>,
    /// Models that have to be asked: their answers are missing although nobody has taken them away.
    pub due: Vec<RecipeName>,
    pub training: Training,
    /// The run in storage; `None` once it is resumed or deleted.
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
    /// How many rows the task has, once the worker has reported it.
    pub rows: Option<usize>,
    /// Whether its text is still to come.
    pub awaited: bool,
    /// As the user sees and edits it.
    pub text: String,
    /// As it was rendered; the references hold for this text only.
    pub rendered: String,
    pub references: Vec<String>,
    /// Why it was not asked.
    pub refused: Option<String>,
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
    /// The task that the model was tuned on; empty for the pretrained one.
    pub target: String,
    /// Read from precomputed results, not computed here.
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

    fn watch(&mut self, method: &str, record: StepRecord) {
        self.unfinished.take_if(|course| course.method != method);
        let new = || Course { method: method.to_owned(), steps: Vec::new() };
        self.unfinished.get_or_insert_with(new).push(record);
    }

    /// Whether there is anything to save.
    pub fn has_results(&self) -> bool {
        self.tick.is_some() || !self.runs.is_empty() || self.report.is_some()
    }
}

impl State {
    /// Applies an event of the worker.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Ready | Event::File { .. } => {}
            Event::Loading { what, done } => self.loading = (done < 1.0).then_some((what, done)),
            Event::Device { info, webgpu, advice } => self.device = Some(Device { info, webgpu, advice }),
            Event::Models { models } => self.take_models(models),
            Event::Saved { run } => self.saved = run,
            Event::Example { id, task, row, rows, input, references } => {
                if id == self.question.id {
                    let (rows, text, rendered) = (Some(rows), input.clone(), input);
                    self.question =
                        Question { id, task, row, rows, text, rendered, references, ..Question::default() };
                    self.answers.clear();
                    self.due = self.askable();
                }
            }
            Event::Partial { id, recipe, text } => {
                if self.asking == Some(id) {
                    self.answer(recipe, Answer { text, ..Answer::default() });
                }
            }
            Event::Answer { id, recipe, text, tokens, seconds } => {
                if self.asking == Some(id) {
                    self.answer(
                        recipe,
                        Answer { text, complete: true, tokens, seconds, ..Answer::default() },
                    );
                }
            }
            Event::AskDone { id } => self.asking = self.asking.filter(|asking| *asking != id),
            Event::Refused { id, reason } => {
                if self.asking == Some(id) {
                    self.asking = None;
                    self.question.refused = Some(reason);
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
                self.training.watch(&method, record);
            }
            Event::RunDone { run } => self.run_done(*run),
            Event::Finished { report } => {
                self.training.spec = Some(report.spec.clone());
                self.training.runs = report.runs.clone();
                self.training.report = Some(*report);
            }
            Event::Failed(failure) => self.fail(failure),
        }
    }

    /// Answers of weights that are there no longer are dropped, and asked for again.
    fn take_models(&mut self, models: Vec<ModelState>) {
        self.loading = None;
        let same = |recipe: &RecipeName| {
            let known = self.models.iter().find(|model| model.recipe == *recipe);
            known.is_some_and(|known| models.contains(known))
        };
        let mut gone: Vec<RecipeName> = self
            .answers
            .iter()
            .filter(|(recipe, answer)| !answer.recorded && !same(recipe))
            .map(|(r, _)| r.clone())
            .collect();
        self.models = models;
        let recorded = self.answers.values().any(|answer| answer.recorded);
        if recorded && !self.recordings_hold() {
            // Recorded answers do not stand beside live ones.
            gone = self.askable();
            self.answers.clear();
            self.prompt = self.usual_prompt(&self.question.task, "");
        }
        self.answers.retain(|recipe, _| !gone.contains(recipe));
        let askable = self.askable();
        self.due.extend(gone);
        self.due = distinct(std::mem::take(&mut self.due))
            .into_iter()
            .filter(|recipe| askable.contains(recipe))
            .collect();
    }

    fn answer(&mut self, recipe: RecipeName, answer: Answer) {
        let target = self.model(&recipe).map(|model| model.target.clone()).unwrap_or_default();
        self.answers.insert(recipe, Answer { target, ..answer });
    }

    /// Whether the recorded answers are those of the models that stand under their names: the shipped ones.
    pub fn recordings_hold(&self) -> bool {
        let shipped = |name: &&str| {
            self.models.iter().any(|model| model.recipe.as_str() == *name && model.origin == Origin::Shipped)
        };
        self.models.is_empty() || methods::COMPARED.iter().all(shipped)
    }

    fn tick(&mut self, tick: Tick) {
        let spec = self.training.spec.clone().unwrap_or_default();
        self.training.curves.tick(&tick, &spec);
        let (stage, step, loss) = (tick.stage.clone(), tick.step, Some(tick.loss));
        self.training.watch(&tick.method, StepRecord { stage, step, loss, ..StepRecord::default() });
        self.training.tick = Some(tick);
        self.training.evaluating = None;
    }

    fn run_done(&mut self, run: MethodRun) {
        let spec = self.training.spec.clone().unwrap_or_default();
        self.training.curves.run(&run, &spec);
        self.training.unfinished.take_if(|course| course.method == run.method);
        self.training.runs.retain(|known| (&known.method, known.seed) != (&run.method, run.seed));
        self.training.runs.push(run);
    }

    /// Shows a failure; nothing waits for the worker any more. A fatal one stays until the worker is started again.
    pub fn fail(&mut self, failure: Failure) {
        self.asking = None;
        if failure.fatal {
            self.loading = None;
            if self.training.is_running() {
                self.training.status = Status::Failed;
            }
        }
        if !self.is_dead() {
            self.failure = Some(failure);
        }
    }

    /// Whether the worker is gone: nothing that is sent to it will be answered.
    pub fn is_dead(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.fatal)
    }

    /// Whether a graphics device is being opened, or has not given a single token of the answers that it owes.
    pub fn waits_for_gpu(&self) -> bool {
        match &self.device {
            _ if self.is_dead() => false,
            Some(device) => {
                device.webgpu && self.asking.is_some() && self.answers.values().all(|answer| answer.recorded)
            }
            None => self.loading.as_ref().is_some_and(|(_, done)| *done == 0.0),
        }
    }

    /// Whether the question in the editor can be asked.
    pub fn can_ask(&self) -> bool {
        !self.models.is_empty() && !self.is_dead() && !self.question.text.trim().is_empty()
    }

    /// The user requests another question: row `row` of `task`, under the number `id`. The old one goes with its answers:
    /// they would stand under the new task's name.
    pub fn wants_example(&mut self, id: u64, task: &str, row: usize) {
        self.forget_answers();
        self.question = Question { id, task: task.to_owned(), row, awaited: true, ..Question::default() };
    }

    /// The user edits the question: answers to the old text are none to the new one. An example that is still to come would
    /// overwrite what is written and is cancelled.
    pub fn write(&mut self, text: String) {
        if self.question.text == text {
            return;
        }
        self.forget_answers();
        self.question.text = text;
        self.question.refused = None;
        if self.question.awaited {
            self.question.awaited = false;
            self.question.id = u64::MAX;
        }
    }

    fn forget_answers(&mut self) {
        self.asking = None;
        self.answers.clear();
        self.due.clear();
    }

    /// Sets the soft prompt as the method does, where the user turns to another task: on for the task that it was trained
    /// on (`recorded` before the models are there), off for all others. On the same task the user's choice stays. Says
    /// whether recorded answers may be shown: they were made that way.
    pub fn turn_to(&mut self, task: &str, recorded: &str) -> bool {
        let usual = self.usual_prompt(task, recorded);
        if self.question.task != task {
            self.prompt = usual;
        }
        self.prompt == usual && self.recordings_hold()
    }

    fn usual_prompt(&self, task: &str, recorded: &str) -> bool {
        let prompted = self.models.iter().find(|model| model.has_prompt);
        prompted.map_or(recorded, |model| &model.target) == task
    }

    /// The user switches the soft prompt: the models whose answers that changes; all of them where recorded answers are
    /// shown, which do not stand beside live ones.
    pub fn switch_prompt(&mut self, on: bool) -> Vec<RecipeName> {
        self.prompt = on;
        match self.answers.values().any(|answer| !answer.recorded) {
            true => self
                .models
                .iter()
                .filter(|model| model.has_prompt)
                .map(|model| model.recipe.clone())
                .collect(),
            false => self.askable(),
        }
    }

    /// Shows a precomputed question with its answers, of models tuned on `target`.
    pub fn show_recorded(&mut self, id: u64, example: &ExampleAnswers, row: usize, target: &str) {
        self.forget_answers();
        self.question = Question {
            id,
            task: example.task.clone(),
            row,
            text: example.input.clone(),
            rendered: example.input.clone(),
            references: vec![example.reference.clone()],
            ..Question::default()
        };
        let answer = |(recipe, text): (&String, &String)| {
            let recipe = RecipeName::new(recipe);
            let target = if recipe == RecipeName::pretrained() { "" } else { target };
            let (text, target) = (text.clone(), target.to_owned());
            (recipe, Answer { text, target, recorded: true, complete: true, ..Answer::default() })
        };
        self.answers = example.outputs.iter().map(answer).collect();
    }

    /// The user asks: answers of these models are awaited under the number `id`.
    pub fn ask(&mut self, id: u64, recipes: &[RecipeName]) {
        self.asking = Some(id);
        self.due.clear();
        self.question.refused = None;
        self.answers.retain(|recipe, answer| !recipes.contains(recipe) && !answer.recorded);
    }

    /// The models that can be asked.
    pub fn askable(&self) -> Vec<RecipeName> {
        self.models.iter().map(|model| model.recipe.clone()).collect()
    }

    /// The models that are shown: those of the comparison, there or not, and all others that are there.
    pub fn shown(&self) -> Vec<RecipeName> {
        let compared = methods::COMPARED.map(RecipeName::new);
        distinct(compared.into_iter().chain(self.askable()))
    }

    pub fn model(&self, recipe: &RecipeName) -> Option<&ModelState> {
        self.models.iter().find(|model| model.recipe == *recipe)
    }

    /// The task that the first tuned model was tuned on, for the picker: other columns may have other ones.
    pub fn target(&self) -> &str {
        let tuned = self.models.iter().find(|model| !model.target.is_empty());
        tuned.map_or("rte-mini", |model| &model.target)
    }

    /// The user starts a run: curves and scores of the last one are cleared.
    pub fn start(&mut self, spec: RunSpec) {
        self.failure = None;
        self.saved = None;
        // The version keeps growing, so that a chart notices that the old curves are gone.
        let curves = Curves { version: self.training.curves.version + 1, ..Curves::default() };
        self.training = Training { status: Status::Loading, spec: Some(spec), curves, ..Training::default() };
    }

    /// The run in storage that is not shown already.
    pub fn offered(&self) -> Option<&SavedRun> {
        let saved = self.saved.as_ref().filter(|_| !self.training.is_running())?;
        (!(saved.finished && self.training.has_results())).then_some(saved)
    }

    /// The user deletes the saved run: what was shown of it goes, too.
    pub fn discarded(&mut self) {
        let curves = Curves { version: self.training.curves.version + 1, ..Curves::default() };
        self.training = Training { curves, ..Training::default() };
    }

    /// The user resumes the saved run.
    pub fn resume(&mut self) {
        if let Some(saved) = self.saved.take() {
            self.failure = None;
            // After a lost worker the curves of this run stay; those of another run are cleared.
            if self.training.spec.as_ref() != Some(&*saved.spec) {
                self.start(*saved.spec);
            }
            self.training.status = Status::Loading;
        }
    }

    /// Resets everything the old worker reported; results stay.
    pub fn restarted(&mut self) {
        self.failure = None;
        self.device = None;
        self.models.clear();
        self.forget_answers();
        self.loading = None;
    }
}
