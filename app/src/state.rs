//! What the page shows, as plain data. The worker changes it through `apply`, the user through the few methods named
//! after what the user does; components only draw it. It has no web types and is tested natively.

use std::collections::BTreeMap;

use promot_core::report::{DeviceInfo, ExampleAnswers, distinct};
use promot_core::spec::RunSpec;

use crate::batch::Request;
use crate::column::{Column, Part, RecipeName};
use crate::failure::Failure;
use crate::protocol::{Event, ModelState, Origin, SavedRun, Status};

pub mod address;
pub mod alike;
pub mod attention;
pub mod batch;
mod closer;
pub mod columns;
pub mod curves;
pub mod explore;
pub mod fields;
pub mod kept;
pub mod lore;
pub mod made;
pub mod marks;
pub mod methods;
pub mod place;
pub mod question;
pub mod recorded;
mod runs;
pub mod share;
pub mod story;
pub mod tasks;
pub mod training;
pub mod wall;
pub mod watched;
pub mod weights;

use batch::{Batch, Progress};
pub use question::{Answer, Question};
pub use training::{Evaluating, Training};
use wall::{Due, Wall};

#[cfg(test)]
mod asking;
#[cfg(test)]
mod tests;

/// Width of the search for live answers: they can be read while they are written.
pub const BEAMS: usize = 1;

#[derive(Clone, Debug)]
pub struct State {
    /// What is being loaded, and the share of it that is there.
    pub loading: Option<(String, f64)>,
    pub device: Option<Device>,
    /// The models that can be asked; empty until they are loaded.
    pub models: Vec<ModelState>,
    pub question: Question,
    /// Answers to the text in the editor, each of the model that stands under its name now.
    pub answers: BTreeMap<Column, Answer>,
    /// The columns that stand side by side, whether their models are there or not.
    pub columns: Vec<Column>,
    /// Whether models that have a soft prompt answer with it in front, where the column leaves that open.
    pub prompt: bool,
    /// The share of the tuned weights in mixed ones.
    pub mix: f64,
    /// The number of the question that is being answered.
    pub asking: Option<u64>,
    /// Columns that have to be asked: their answers are missing although nobody has taken them away.
    pub due: Vec<Column>,
    pub wall: Wall,
    /// Many rows to all columns.
    pub batch: Batch,
    pub training: Training,
    /// What training left in a model.
    pub explore: explore::Explore,
    /// The runs that the user keeps.
    pub kept: kept::Kept,
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

impl Default for State {
    fn default() -> Self {
        Self {
            loading: None,
            device: None,
            models: Vec::new(),
            question: Question::default(),
            answers: BTreeMap::new(),
            columns: columns::usual(),
            prompt: false,
            mix: 0.5,
            asking: None,
            due: Vec::new(),
            wall: Wall::default(),
            batch: Batch::default(),
            training: Training::default(),
            explore: explore::Explore::default(),
            kept: kept::Kept::default(),
            saved: None,
            failure: None,
        }
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
            Event::Kept { runs } => self.kept.take(runs),
            Event::KeptReport { id, report } => self.kept.report(id, *report),
            Event::Example { id, task, row, rows, input, references } => {
                if id == self.question.id {
                    let shots = self.question.shots;
                    let question =
                        Question { rows: Some(rows), references, ..Question::awaited(id, &task, row, shots) };
                    self.question = question.with_text(input);
                    self.answers.clear();
                    self.due = self.askable();
                }
            }
            Event::Seen { id, tokens } => {
                if self.asking == Some(id) {
                    self.question.seen = tokens;
                }
            }
            Event::Partial { id, column, text } => {
                if self.asking == Some(id) {
                    self.answer(column, Answer { text, ..Answer::default() });
                }
            }
            Event::Answer { id, column, text, ids, seconds } => {
                if self.asking == Some(id) {
                    let answer = Answer { text, complete: true, ids, seconds, ..Answer::default() };
                    self.answer(column, answer);
                } else {
                    self.wall.answer(id, &column, &text, &self.models, self.mix);
                }
            }
            Event::Weighed { id, column, places } => {
                if let Some(answer) = self.answers.get_mut(&column) {
                    answer.weights.take(id, places);
                }
            }
            Event::Attended { id, column, attention } => {
                if let Some(answer) = self.answers.get_mut(&column) {
                    answer.attention.take(id, attention.map(|attention| *attention));
                }
            }
            Event::Inspected { id, found } => self.explore.take(id, found.map(|found| *found)),
            Event::BatchProgress { id, answered, all, seconds_left } => {
                self.batch.progress(id, Progress { answered, all, seconds_left });
            }
            Event::BatchRows { id, rows } => self.batch.add(id, rows),
            Event::BatchDone { id, table, stopped } => self.batch.done(id, table, stopped),
            Event::AskDone { id } => {
                self.asking = self.asking.filter(|asking| *asking != id);
                self.wall.done(id, self.asking.is_some());
            }
            Event::Refused { id, reason } => {
                if self.asking == Some(id) {
                    self.asking = None;
                    self.question.refused = Some(reason);
                }
            }
            Event::Status { status } => self.training.status(status),
            Event::Evaluating { method, task, done, rows } => {
                self.training.evaluating = Some(Evaluating { method, task, done, rows });
            }
            Event::Tick { tick } => self.training.tick(tick),
            Event::Curve { method, record } => self.training.curve(&method, record),
            Event::Restored { method, records } => self.training.restored(&method, records),
            Event::RunDone { run } => self.training.run_done(*run),
            Event::Finished { report } => self.training.finished(*report),
            Event::Failed(failure) => self.fail(failure),
        }
    }

    /// Answers of weights that are there no longer are dropped, and asked for again. A model that was trained here gets a
    /// column, while there is room.
    fn take_models(&mut self, models: Vec<ModelState>) {
        self.loading = None;
        let known = |recipe: &RecipeName| self.models.iter().find(|model| model.recipe == *recipe);
        let changed: Vec<RecipeName> = models
            .iter()
            .chain(&self.models)
            .map(|model| model.recipe.clone())
            .filter(|recipe| known(recipe) != models.iter().find(|model| model.recipe == *recipe))
            .collect();
        let new =
            models.iter().filter(|model| model.origin == Origin::Trained && known(&model.recipe).is_none());
        let new: Vec<Column> = new.map(|model| model.recipe.clone().into()).collect();
        self.models = models;
        new.iter().for_each(|column| columns::choose(&mut self.columns, column, true));
        let recorded = self.answers.values().any(|answer| answer.recorded);
        let mut gone: Vec<Column> = self
            .answers
            .iter()
            .filter(|(column, answer)| !answer.recorded && changed.contains(&column.recipe))
            .map(|(column, _)| column.clone())
            .collect();
        if recorded && !self.recordings_hold() {
            // Recorded answers do not stand beside live ones.
            gone = self.askable();
            self.answers.clear();
            self.prompt = self.usual_prompt(&self.question.task, "");
        } else if !recorded && !self.answers.is_empty() {
            gone.extend(new);
        }
        self.answers.retain(|column, _| !gone.contains(column));
        let askable = self.askable();
        self.due.extend(gone);
        self.due = distinct(std::mem::take(&mut self.due))
            .into_iter()
            .filter(|column| askable.contains(column))
            .collect();
    }

    fn answer(&mut self, column: Column, answer: Answer) {
        let target =
            columns::model(&self.models, &column).map(|model| model.target.clone()).unwrap_or_default();
        let prompt = columns::prompt_of(&self.models, &column, self.prompt);
        self.answers.insert(column, Answer { target, prompt, beams: BEAMS, ..answer });
    }

    /// Whether the recorded answers are those of all models that stand in the columns: the shipped ones.
    pub fn recordings_hold(&self) -> bool {
        let on_target = self.usual_prompt(&self.question.task, "");
        self.columns.iter().all(|column| columns::is_recorded(&self.models, column, on_target))
    }

    /// Shows a failure; nothing waits for the worker any more. A fatal one stays until the worker is started again.
    pub fn fail(&mut self, failure: Failure) {
        self.asking = None;
        if failure.fatal {
            self.loading = None;
            self.wall.forget();
            self.batch.lost();
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

    /// The user requests another question, whose text is still to come. The old one goes with its answers: they would
    /// stand under the new task's name.
    pub fn wants_example(&mut self, question: Question) {
        self.forget_answers();
        self.question = question;
    }

    /// The user edits the question: answers to the old text are none to the new one. An example that is still to come would
    /// overwrite what is written and is cancelled.
    pub fn write(&mut self, text: String) {
        if self.question.text == text {
            return;
        }
        self.forget_answers();
        self.question.text = text;
        self.question.seen.clear();
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
        self.prompt == usual
    }

    fn usual_prompt(&self, task: &str, recorded: &str) -> bool {
        let prompted = self.models.iter().find(|model| model.prompt > 0);
        prompted.map_or(recorded, |model| &model.target) == task
    }

    /// The user switches the soft prompt: the columns whose answers that changes; all of them where recorded answers are
    /// shown, which do not stand beside live ones.
    pub fn switch_prompt(&mut self, on: bool) -> Vec<Column> {
        self.prompt = on;
        let open = |column: &Column| {
            column.part == Part::Whole
                && columns::model(&self.models, column).is_some_and(|model| model.prompt > 0)
        };
        self.again(|columns| columns.iter().filter(|column| open(column)).cloned().collect())
    }

    /// The user changes the share of the tuned weights: the columns whose answers that changes.
    pub fn set_mix(&mut self, mix: f64) -> Vec<Column> {
        self.mix = mix.clamp(0.0, 1.0);
        let mixed = |column: &&Column| column.part == Part::Mixed;
        self.again(|columns| columns.iter().filter(mixed).cloned().collect())
    }

    /// The user adds a column or takes it out: the columns that have no answer yet, where others have one.
    pub fn choose(&mut self, column: &Column, wanted: bool) -> Vec<Column> {
        columns::choose(&mut self.columns, column, wanted);
        let chosen = &self.columns;
        self.answers.retain(|column, _| chosen.contains(column));
        let missing = |column: &&Column| !self.answers.contains_key(column);
        self.again(|columns| columns.iter().filter(missing).cloned().collect())
    }

    /// Columns and share as a link has them.
    pub fn place(&mut self, columns: Vec<Column>, mix: Option<f64>) {
        if !columns.is_empty() {
            self.columns = columns;
        }
        self.mix = mix.unwrap_or(self.mix);
    }

    /// What of the columns that can be asked is to be asked again: nothing before the user asks, and all where recorded
    /// answers would stand beside live ones, or answers are on their way.
    fn again(&self, of: impl Fn(&[Column]) -> Vec<Column>) -> Vec<Column> {
        let askable = self.askable();
        let some = of(&askable);
        let recorded = self.answers.values().any(|answer| answer.recorded);
        match self.asking {
            None if self.answers.is_empty() => Vec::new(),
            _ if some.is_empty() => some,
            Some(_) => askable,
            None if recorded => askable,
            None => some,
        }
    }

    /// Shows a precomputed question, with its answers by models tuned on `spec`'s target where these are the ones in the
    /// columns; otherwise these are asked.
    pub fn show_recorded(&mut self, question: Question, example: &ExampleAnswers, spec: &RunSpec) {
        self.forget_answers();
        self.question = question;
        let target = &spec.target.task;
        let on_target = self.question.task == *target;
        let holds = |column: &Column| columns::is_recorded(&self.models, column, on_target);
        if !self.models.is_empty() && !self.columns.iter().all(holds) {
            self.due = self.askable();
            return;
        }
        let answer = |column: &Column| {
            let text = example.outputs.get(column.recipe.as_str())?.clone();
            let tuned = column.recipe != RecipeName::pretrained();
            let prompt = column.recipe.as_str() == methods::PROMOT && on_target;
            let answer = Answer {
                text,
                target: if tuned { target.clone() } else { String::new() },
                recorded: true,
                complete: true,
                prompt: if prompt { spec.prompt.length } else { 0 },
                beams: spec.eval.beams,
                ..Answer::default()
            };
            Some((column.clone(), answer))
        };
        self.answers = self.columns.iter().filter(|column| holds(column)).filter_map(answer).collect();
    }

    /// The user asks: answers of these columns are awaited under the number `id`.
    pub fn ask(&mut self, id: u64, asked: &[Column]) {
        self.asking = Some(id);
        self.due.clear();
        self.question.refused = None;
        self.answers.retain(|column, answer| !asked.contains(column) && !answer.recorded);
    }

    /// Whether many rows can be asked: models are there, and nothing else takes all their time.
    pub fn can_evaluate(&self) -> bool {
        let busy = self.batch.is_running() || self.training.is_running() || self.is_dead();
        !busy && !self.askable().is_empty()
    }

    /// The user has the columns' models answer many rows, under the number `id`, with the soft prompt as the method has it.
    pub fn evaluate(&mut self, id: u64, task: String, shots: usize, rows: usize) -> Request {
        let (columns, prompt) = (self.askable(), self.usual_prompt(&task, ""));
        let request = Request { id, task, shots, rows, columns, prompt, mix: self.mix };
        self.batch = Batch::start(request.clone(), &self.models);
        request
    }

    /// The next question of the wall, while nobody else asks and nothing is trained.
    pub fn next_of_wall(&mut self, id: u64) -> Option<Due> {
        let busy = self.asking.is_some() || !self.due.is_empty() || self.question.awaited;
        if busy
            || self.batch.is_running()
            || self.wall.is_asking()
            || self.training.is_running()
            || self.is_dead()
        {
            return None;
        }
        let askable = self.askable();
        self.wall.next(id, &self.models, &askable, self.mix)
    }

    /// A sentence where the user's own question has words that are none of the model's.
    pub fn spelled(&self) -> Option<String> {
        let question = &self.question;
        question.is_own().then(|| lore::unknown_words(&question.seen)).flatten()
    }

    /// The columns whose models can be asked.
    pub fn askable(&self) -> Vec<Column> {
        let there = |column: &&Column| columns::model(&self.models, column).is_some();
        self.columns.iter().filter(there).cloned().collect()
    }

    /// All columns that can be chosen, and those that are.
    pub fn choices(&self) -> Vec<Column> {
        distinct(columns::offered(&self.models).into_iter().chain(self.columns.clone()))
    }

    /// The models in the columns.
    pub fn compared(&self) -> Vec<ModelState> {
        let shown = |model: &&ModelState| self.columns.iter().any(|column| column.recipe == model.recipe);
        self.models.iter().filter(shown).cloned().collect()
    }

    /// The task that the first tuned model was tuned on, for the picker: other columns may have other ones.
    pub fn target(&self) -> &str {
        let tuned = self.models.iter().find(|model| !model.target.is_empty());
        tuned.map_or("rte-mini", |model| &model.target)
    }
}
