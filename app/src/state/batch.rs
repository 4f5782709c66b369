//! A batch of questions to all columns: its rows as they come, its scores, and what can be made of them.

use promot_core::report::distinct;
use serde::Serialize;

use super::columns;
use super::marks::{self, Verdict};
use crate::batch::{BatchRow, BatchTable, Request};
use crate::catalog::tasks;
use crate::column::Column;
use crate::protocol::ModelState;

/// A request with what is known of it so far.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub request: Option<Request>,
    /// While it runs.
    pub progress: Option<Progress>,
    pub rows: Vec<Row>,
    pub table: Option<BatchTable>,
    /// Whether it was stopped before its last row.
    pub stopped: bool,
    /// The tuned task and the version of each column's model.
    models: Vec<(String, u64)>,
}

/// How many of all answers are there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub answered: usize,
    pub all: usize,
    pub seconds_left: f64,
}

/// A row with its answers, marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub asked: BatchRow,
    /// In the order of the columns.
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub text: String,
    pub verdict: Option<Verdict>,
    /// Whether it has the format of the model's target, which nothing asks for.
    pub drifted: bool,
}

/// Which rows are in sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    #[default]
    All,
    /// A model is wrong.
    Wrong,
    /// An answer has the tuned task's format.
    Drifted,
    /// The answers are not all the same.
    Different,
}

impl Filter {
    pub const ALL: [Self; 4] = [Self::All, Self::Wrong, Self::Drifted, Self::Different];

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Wrong => "wrong",
            Self::Drifted => "drifted",
            Self::Different => "different",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::All => "All rows",
            Self::Wrong => "A model is wrong",
            Self::Drifted => "In the target\u{2019}s format",
            Self::Different => "Answers differ",
        }
    }

    fn holds(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Wrong => row.cells.iter().any(|cell| cell.verdict == Some(Verdict::Wrong)),
            Self::Drifted => row.cells.iter().any(|cell| cell.drifted),
            Self::Different => row.differs(),
        }
    }
}

impl Row {
    fn differs(&self) -> bool {
        distinct(self.cells.iter().map(|cell| cell.text.as_str())).len() > 1
    }

    /// 0 where one model is right and another is not, 1 where the answers differ, 2 where they are the same.
    fn agreement(&self) -> usize {
        let right = |cell: &Cell| cell.verdict == Some(Verdict::Right);
        let some = self.cells.iter().any(right);
        match self.differs() {
            true if some && !self.cells.iter().all(right) => 0,
            true => 1,
            false => 2,
        }
    }
}

impl Batch {
    /// A new request takes the place of what was there.
    pub fn start(request: Request, models: &[ModelState]) -> Self {
        let progress = Some(Progress { all: request.rows * request.columns.len(), ..Progress::default() });
        let models = request.columns.iter().map(|column| of(models, column)).collect();
        Self { request: Some(request), progress, models, ..Self::default() }
    }

    pub fn is_running(&self) -> bool {
        self.progress.is_some()
    }

    /// The number of the request that is being answered.
    pub fn running(&self) -> Option<u64> {
        self.progress.and(self.request.as_ref()).map(|request| request.id)
    }

    pub fn progress(&mut self, id: u64, progress: Progress) {
        if self.running() == Some(id) {
            self.progress = Some(progress);
        }
    }

    pub fn add(&mut self, id: u64, rows: Vec<BatchRow>) {
        if self.running() == Some(id) {
            let rows: Vec<Row> = rows.into_iter().map(|row| self.marked(row)).collect();
            self.rows.extend(rows);
        }
    }

    pub fn done(&mut self, id: u64, table: BatchTable, stopped: bool) {
        if self.running() == Some(id) {
            self.progress = None;
            self.table = (!table.scores.is_empty()).then_some(table);
            self.stopped = stopped;
        }
    }

    /// The worker is gone: what is there stays.
    pub fn lost(&mut self) {
        self.stopped |= self.progress.take().is_some();
    }

    /// Whether a model is another one by now than the one that answered.
    pub fn is_outdated(&self, models: &[ModelState]) -> bool {
        let Some(request) = &self.request else { return false };
        request.columns.iter().zip(&self.models).any(|(column, known)| of(models, column) != *known)
    }

    /// The rows in sight: those that models disagree on first.
    pub fn shown(&self, filter: Filter) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| filter.holds(row)).collect();
        rows.sort_by_key(|row| (row.agreement(), row.asked.row));
        rows
    }

    fn marked(&self, asked: BatchRow) -> Row {
        let request = self.request.clone().unwrap_or_default();
        let cell = |(column, (target, _)): (&Column, &(String, u64))| {
            let output = asked.outputs.get(column).map_or("", String::as_str);
            Cell {
                text: marks::readable(output).to_owned(),
                verdict: marks::verdict(&request.task, output, &asked.references),
                drifted: marks::drifted(&request.task, target, output),
            }
        };
        let cells = request.columns.iter().zip(&self.models).map(cell).collect();
        Row { asked, cells }
    }

    /// One line for each row and column.
    fn lines<'s>(&'s self) -> Vec<Line<'s>> {
        let Some(request) = &self.request else { return Vec::new() };
        let task = tasks().by_name(&request.task).ok();
        let columns = || request.columns.iter();
        let of_row = |row: &'s Row| {
            columns().zip(&row.cells).map(move |(column, cell)| {
                let output = row.asked.outputs.get(column).cloned().unwrap_or_default();
                let answer = task.map_or_else(String::new, |task| task.answer(&output));
                Line {
                    task: &request.task,
                    shots: request.shots,
                    row: row.asked.row,
                    column,
                    input: &row.asked.input,
                    references: &row.asked.references,
                    output,
                    answer,
                    score: row.asked.scores.get(column).copied(),
                    drifted: cell.drifted,
                }
            })
        };
        self.rows.iter().flat_map(of_row).collect()
    }

    /// A JSON object for each row and column, with the fields that `promot eval --predictions` writes and those of the page.
    pub fn jsonl(&self) -> String {
        let json = |line: &Line<'_>| serde_json::to_string(line).unwrap_or_default() + "\n";
        self.lines().iter().map(json).collect()
    }

    pub fn csv(&self) -> String {
        const HEAD: &str = "task,shots,row,column,input,references,output,answer,score,drifted\r\n";
        let record = |line: &Line<'_>| {
            let score = line.score.map_or_else(String::new, |score| score.to_string());
            let texts = [line.input, &line.references.join(" | "), &line.output, &line.answer].map(quoted);
            let [input, references, output, answer] = texts;
            let (task, column) = (quoted(line.task), quoted(&line.column.to_string()));
            let start = format!("{task},{},{},{column}", line.shots, line.row);
            format!("{start},{input},{references},{output},{answer},{score},{}\r\n", line.drifted)
        };
        std::iter::once(HEAD.to_owned()).chain(self.lines().iter().map(record)).collect()
    }
}

/// A row's answer by one column.
#[derive(Serialize)]
struct Line<'a> {
    task: &'a str,
    shots: usize,
    row: usize,
    column: &'a Column,
    input: &'a str,
    references: &'a [String],
    output: String,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    drifted: bool,
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// The tuned task and the version of a column's model.
fn of(models: &[ModelState], column: &Column) -> (String, u64) {
    columns::model(models, column).map(|model| (model.target.clone(), model.version)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use promot_core::task::Rendered;

    use super::*;
    use crate::column::RecipeName;
    use crate::protocol::Origin;

    fn models(version: u64) -> Vec<ModelState> {
        let model = |name: &str, target: &str| ModelState {
            recipe: RecipeName::new(name),
            origin: Origin::Shipped,
            target: target.into(),
            prompt: 0,
            version,
            budget: None,
        };
        vec![model("pretrained", ""), model("fine-tuning", "rte-mini")]
    }

    fn started() -> Batch {
        let columns = ["pretrained", "fine-tuning"].map(Column::of).to_vec();
        let (task, shots, rows) = ("triviaqa-mini".to_owned(), 1, 4);
        let request = Request { id: 7, task, shots, rows, columns, prompt: false, mix: 0.5 };
        Batch::start(request, &models(1))
    }

    fn row(row: usize, pretrained: &str, tuned: &str) -> BatchRow {
        let outputs = [("pretrained", pretrained), ("fine-tuning", tuned)];
        let outputs = outputs.map(|(name, output)| (Column::of(name), output.to_owned())).into();
        let (input, target) = (format!("Q: \"{row}\"?"), "Anna".to_owned());
        let text = Rendered { input, references: vec![target.clone()], target };
        BatchRow::scored(tasks().by_name("triviaqa-mini").unwrap(), row, &text, outputs)
    }

    fn full() -> Batch {
        let mut batch = started();
        batch.add(7, vec![row(0, "Anna", "Anna"), row(1, "Bob", "Carl"), row(2, "Anna", "True")]);
        batch.add(7, vec![row(3, "Bob", "Bob")]);
        batch
    }

    fn places(batch: &Batch, filter: Filter) -> Vec<usize> {
        batch.shown(filter).iter().map(|row| row.asked.row).collect()
    }

    #[test]
    fn rows_that_models_disagree_on_come_first_and_filters_choose() {
        let batch = full();
        assert_eq!(places(&batch, Filter::All), [2, 1, 0, 3]);
        assert_eq!(places(&batch, Filter::Wrong), [2, 1, 3]);
        assert_eq!(places(&batch, Filter::Drifted), [2]);
        assert_eq!(places(&batch, Filter::Different), [2, 1]);
    }

    #[test]
    fn what_belongs_to_another_batch_or_comes_late_is_not_taken() {
        let mut batch = started();
        batch.add(6, vec![row(0, "a", "b")]);
        batch.progress(6, Progress { answered: 3, all: 4, seconds_left: 1.0 });
        assert!(batch.rows.is_empty() && batch.progress.is_some_and(|progress| progress.answered == 0));
        batch.add(7, vec![row(0, "a", "b")]);
        batch.done(7, BatchTable::default(), true);
        assert!(!batch.is_running() && batch.stopped && batch.table.is_none() && batch.rows.len() == 1);
        batch.add(7, vec![row(1, "a", "b")]);
        assert_eq!(batch.rows.len(), 1);
        let mut lost = started();
        lost.lost();
        assert!(lost.stopped && !lost.is_running());
    }

    #[test]
    fn models_that_have_changed_since_are_noticed() {
        let batch = full();
        assert!(!batch.is_outdated(&models(1)) && batch.is_outdated(&models(2)));
        assert!(!Batch::default().is_outdated(&models(2)));
    }

    #[test]
    fn files_have_a_line_for_each_answer() {
        let batch = full();
        let (csv, jsonl) = (batch.csv(), batch.jsonl());
        assert_eq!((csv.lines().count(), jsonl.lines().count()), (9, 8));
        let line = "triviaqa-mini,1,2,fine-tuning,\"Q: \"\"2\"\"?\",Anna,True,True,0,true";
        assert!(csv.lines().any(|found| found == line), "{csv}");
        let found: serde_json::Value = serde_json::from_str(jsonl.lines().nth(5).unwrap()).unwrap();
        assert_eq!(
            (&found["column"], &found["row"], &found["score"]),
            (&"fine-tuning".into(), &2.into(), &0.0.into())
        );
        assert_eq!(found["references"][0], "Anna");
        assert!(Batch::default().jsonl().is_empty());
    }
}
