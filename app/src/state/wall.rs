//! The wall: one question of every task to all models at once. What was recorded of the shipped models is there first;
//! then this device answers, a task at a time, whenever nobody else asks.

use std::collections::BTreeMap;

use promot_core::report::{ExampleAnswers, MethodRun, Report, distinct};

use super::columns;
use super::marks::{self, Verdict};
use super::question::without_examples;
use crate::column::{Column, Part};
use crate::protocol::ModelState;

#[derive(Clone, Debug, Default)]
pub struct Wall {
    pub rows: Vec<Row>,
    /// Which of the recorded questions of each task it shows.
    pub place: usize,
    /// The task that the shipped models were tuned on.
    target: String,
    /// The number of the question that is being answered, and its row.
    asking: Option<(u64, usize)>,
}

/// A task's question.
#[derive(Clone, Debug)]
pub struct Row {
    example: ExampleAnswers,
    /// Answers of this device.
    live: BTreeMap<Column, Live>,
    /// It was asked and nothing came: it is not asked again.
    silent: bool,
}

/// An answer and what it holds for.
#[derive(Clone, Debug, PartialEq)]
struct Live {
    text: String,
    of: Weights,
}

/// Version of the model, and the share of it where weights are mixed.
type Weights = (u64, Option<f64>);

/// What a cell shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub text: String,
    pub recorded: bool,
    pub verdict: Option<Verdict>,
    /// Whether it has the format of the model's target, which nothing asks for.
    pub drifted: bool,
}

impl Row {
    pub fn task(&self) -> &str {
        &self.example.task
    }

    pub fn reference(&self) -> &str {
        &self.example.reference
    }

    /// The question without the examples before it.
    pub fn question(&self) -> &str {
        without_examples(&self.example.input)
    }
}

impl Wall {
    /// The `place`-th recorded question of each task, the target task first.
    pub fn of(report: &Report, place: usize) -> Self {
        let target = &report.spec.target.task;
        let names = distinct(report.examples.iter().map(|example| &example.task));
        let row = |task: &&String| {
            let all = || report.examples.iter().filter(|example| example.task == **task);
            let example = all().nth(place % all().count().max(1))?.clone();
            Some(Row { example, live: BTreeMap::new(), silent: false })
        };
        let first = names.iter().filter(|task| **task == target);
        let others = names.iter().filter(|task| **task != target);
        let rows = first.chain(others).copied().filter_map(|task| row(&task)).collect();
        Self { rows, place, target: target.clone(), asking: None }
    }

    /// Whether the method has its prompt in front of this task.
    fn prompted(&self, row: &Row) -> bool {
        row.example.task == self.target
    }

    /// What stands in a cell: this device's answer, or the recorded one of the very same model.
    pub fn cell(&self, row: usize, column: &Column, models: &[ModelState], mix: f64) -> Option<Cell> {
        let row = self.rows.get(row)?;
        let live = row.live.get(column).filter(|live| weights(models, column, mix) == Some(live.of));
        let recorded = || {
            let holds = columns::is_recorded(models, column, self.prompted(row));
            row.example.outputs.get(column.recipe.as_str()).filter(|_| holds)
        };
        let (text, recorded) = match live {
            Some(live) => (&live.text, false),
            None => (recorded()?, true),
        };
        let references = [row.example.reference.clone()];
        let model = columns::model(models, column);
        let shipped = if *column == columns::pretrained() { "" } else { &self.target };
        let target = model.map_or(shipped, |model| &model.target);
        Some(Cell {
            text: marks::readable(text).to_owned(),
            recorded,
            verdict: marks::verdict(row.task(), text, &references),
            drifted: marks::drifted(row.task(), target, text),
        })
    }

    /// The next question that lacks an answer of these columns, which can all be asked: its text, task, and whether the
    /// soft prompt is in front. From then on it is asked under the number `id`.
    pub fn next(&mut self, id: u64, models: &[ModelState], askable: &[Column], mix: f64) -> Option<Due> {
        let missing = |row: &Row| -> Vec<Column> {
            let known = |column: &Column| {
                let live = row.live.get(column);
                live.is_some_and(|live| Some(live.of) == weights(models, column, mix))
            };
            askable.iter().filter(|column| !known(column)).cloned().collect()
        };
        let (at, row) =
            self.rows.iter().enumerate().find(|(_, row)| !row.silent && !missing(row).is_empty())?;
        let due = Due {
            input: row.example.input.clone(),
            task: row.example.task.clone(),
            columns: missing(row),
            prompt: self.prompted(row),
        };
        self.asking = Some((id, at));
        self.rows[at].silent = true;
        Some(due)
    }

    /// Whether a question of the wall is being answered.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// An answer to the question with this number, if that is the wall's.
    pub fn answer(&mut self, id: u64, column: &Column, text: &str, models: &[ModelState], mix: f64) {
        let row = self.asking.filter(|(asking, _)| *asking == id).and_then(|(_, row)| self.rows.get_mut(row));
        if let (Some(row), Some(of)) = (row, weights(models, column, mix)) {
            row.silent = false;
            row.live.insert(column.clone(), Live { text: text.to_owned(), of });
        }
    }

    /// The question with this number is over; one that another question ended may be asked again.
    pub fn done(&mut self, id: u64, ended: bool) {
        if let Some((_, row)) = self.asking.take_if(|(asking, _)| *asking == id)
            && ended
            && let Some(row) = self.rows.get_mut(row)
        {
            row.silent = false;
        }
    }

    /// Nothing that was sent to the worker will be answered.
    pub fn forget(&mut self) {
        self.asking = None;
    }
}

/// A question of the wall that is to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub input: String,
    pub task: String,
    pub columns: Vec<Column>,
    pub prompt: bool,
}

fn weights(models: &[ModelState], column: &Column, mix: f64) -> Option<Weights> {
    let model = columns::model(models, column)?;
    Some((model.version, (column.part == Part::Mixed).then_some(mix)))
}

/// A column's score on a task's whole test set, in [0, 100], from the runs that its model is of: the first of its method,
/// whose weights are the page's.
pub fn score(runs: &[MethodRun], column: &Column, task: &str) -> Option<f64> {
    let run = runs.iter().find(|run| run.method == column.recipe.as_str())?;
    if run.target.task == task {
        return column.part.is_asked(run.target.prompt).then_some(run.target.score);
    }
    let prompt = match column.part {
        Part::Whole | Part::WithoutPrompt => false,
        Part::WithPrompt => true,
        Part::PromptAlone | Part::Mixed => return None,
    };
    let of_task = |score: &&promot_core::report::TaskScore| score.task == task && score.prompt == prompt;
    run.unseen.iter().filter(of_task).min_by_key(|score| score.shots).map(|score| score.score)
}

#[cfg(test)]
mod tests {
    use promot_core::report::TaskScore;
    use promot_core::spec::RunSpec;

    use super::*;
    use crate::column::RecipeName;
    use crate::protocol::Origin;

    fn example(task: &str, input: &str, outputs: [&str; 3]) -> ExampleAnswers {
        let names = ["pretrained", "fine-tuning", "promot"];
        let outputs = names.iter().zip(outputs).map(|(name, text)| ((*name).to_owned(), text.to_owned()));
        let (task, reference) = (task.to_owned(), "Der Hund.".to_owned());
        ExampleAnswers { task, input: input.into(), reference, outputs: outputs.collect() }
    }

    fn wall(place: usize) -> Wall {
        let mut spec = RunSpec::default();
        spec.target.task = "rte-mini".into();
        let examples = vec![
            example("wmt_ende-mini", "Translate: a. A. Translate: b.", ["Der Hund.", "True", "Der Hund."]),
            example("wmt_ende-mini", "second", ["x", "y", "z"]),
            example("rte-mini", "q", ["a", "True", "True"]),
        ];
        let (device, model) = Default::default();
        let (runs, frontier, signs) = Default::default();
        Wall::of(&Report { version: 2, spec, device, model, runs, examples, frontier, signs }, place)
    }

    fn models(origin: Origin, version: u64) -> Vec<ModelState> {
        let model = |name: &str| ModelState {
            recipe: RecipeName::new(name),
            origin,
            target: if name == "pretrained" { String::new() } else { "rte-mini".into() },
            prompt: 20 * usize::from(name == "promot"),
            version,
            budget: None,
        };
        ["pretrained", "fine-tuning", "promot"].map(model).to_vec()
    }

    #[test]
    fn recorded_answers_are_there_at_once_with_their_marks() {
        let wall = wall(0);
        assert_eq!(wall.rows.iter().map(Row::task).collect::<Vec<_>>(), ["rte-mini", "wmt_ende-mini"]);
        let cell = |name: &str| wall.cell(1, &Column::of(name), &[], 0.5).unwrap();
        assert_eq!((cell("pretrained").verdict, cell("pretrained").drifted), (Some(Verdict::Right), false));
        assert_eq!((cell("fine-tuning").verdict, cell("fine-tuning").drifted), (Some(Verdict::Wrong), true));
        assert!(cell("promot").recorded && !wall.cell(0, &Column::of("promot"), &[], 0.5).unwrap().drifted);
        assert_eq!(super::tests::wall(1).rows[1].question(), "second");
        assert_eq!(wall.rows[1].question(), "Translate: b.");
    }

    #[test]
    fn no_recorded_answer_stands_under_a_model_that_is_not_its_own() {
        let wall = wall(0);
        let own = models(Origin::Trained, 2);
        for name in
            ["fine-tuning", "promot", "promot/with-prompt", "promot/prompt-alone", "fine-tuning/mixed"]
        {
            assert_eq!(wall.cell(1, &Column::from(name.to_owned()), &own, 0.5), None, "{name}");
        }
        let shipped = models(Origin::Shipped, 1);
        assert!(wall.cell(1, &Column::new("promot", Part::WithoutPrompt), &shipped, 0.5).is_some());
        assert_eq!(wall.cell(1, &Column::new("promot", Part::WithPrompt), &shipped, 0.5), None);
    }

    #[test]
    fn it_is_filled_task_by_task_and_again_for_other_weights() {
        let mut wall = wall(0);
        let shipped = models(Origin::Shipped, 1);
        let columns = [Column::of("fine-tuning"), Column::new("fine-tuning", Part::Mixed)];
        let due = wall.next(7, &shipped, &columns, 0.5).unwrap();
        assert_eq!((due.task.as_str(), due.prompt, due.columns.len()), ("rte-mini", true, 2));
        for column in &columns {
            wall.answer(6, column, "late", &shipped, 0.5);
            wall.answer(7, column, "False", &shipped, 0.5);
        }
        wall.done(7, false);
        assert!(!wall.is_asking() && !wall.cell(0, &columns[1], &shipped, 0.5).unwrap().recorded);
        assert_eq!(wall.cell(0, &columns[1], &shipped, 0.9), None, "another share");
        assert!(!wall.next(8, &shipped, &columns, 0.5).unwrap().prompt);
        wall.done(8, false);
        assert_eq!(wall.next(9, &shipped, &columns, 0.5), None, "nothing came: it is not asked for ever");
        let other = models(Origin::Trained, 2);
        assert_eq!(wall.next(10, &other, &columns, 0.5).unwrap().task, "rte-mini");
        wall.done(10, true);
        assert_eq!(
            wall.next(11, &other, &columns, 0.5).unwrap().task,
            "rte-mini",
            "the user's question came first"
        );
    }

    #[test]
    fn a_bar_is_the_score_of_the_very_way_of_asking() {
        let score_of = |task: &str, shots, prompt, score| TaskScore {
            task: task.into(),
            shots,
            prompt,
            score,
            ..TaskScore::default()
        };
        let run = MethodRun {
            method: "promot".into(),
            target: score_of("rte-mini", 0, true, 92.0),
            unseen: vec![
                score_of("cb-mini", 4, false, 4.0),
                score_of("cb-mini", 1, false, 31.0),
                score_of("cb-mini", 1, true, 50.0),
            ],
            ..MethodRun::default()
        };
        let of = |name: &str, task| score(std::slice::from_ref(&run), &Column::from(name.to_owned()), task);
        assert_eq!((of("promot", "rte-mini"), of("promot", "cb-mini")), (Some(92.0), Some(31.0)));
        assert_eq!(
            (of("promot/with-prompt", "cb-mini"), of("promot/without-prompt", "rte-mini")),
            (Some(50.0), None)
        );
        assert_eq!((of("promot/prompt-alone", "cb-mini"), of("fine-tuning", "cb-mini")), (None, None));
    }
}
