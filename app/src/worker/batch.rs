//! A batch: many rows of a task to several models, by the library's evaluator. A few rows at a time go to every model, so
//! that what is stopped is a comparison all the same, and other questions are answered in between.

use promot_core::eval::{Evaluator, Output, TaskRows};
use promot_core::model::Model;
use promot_core::spec::EvalSpec;
use promot_core::task::Task;

use super::engine::Engine;
use super::messages::{now, post, yield_now};
use super::training::Serve;
use crate::batch::{BatchRow, Request, TOGETHER, parts, table};
use crate::catalog::tasks;
use crate::column::Column;
use crate::failure::Failure;
use crate::protocol::{Command, Event};

/// A column's model, the task that it was tuned on, and its answers so far.
struct Candidate {
    column: Column,
    model: Model,
    target: Option<&'static Task>,
    outputs: Vec<Output>,
}

/// Posts rows as they are answered, and then the scores of all that were.
pub async fn evaluate(engine: &Engine, serve: &dyn Serve, batch: &Request) -> Result<(), Failure> {
    let id = batch.id;
    let task = tasks().by_name(&batch.task)?;
    let rows = engine.rows(task)?;
    let rows = TaskRows { task, rows: &rows.test, shot_rows: &rows.shots, origin: "" };
    // Greedy and never empty, as all answers of the page are.
    let spec = EvalSpec { beams: 1, batch: TOGETHER, min_new_tokens: 1, ..EvalSpec::default() };
    let evaluator = |target: Option<&'static Task>| Evaluator {
        tokenizer: &engine.loaded.tokenizer,
        layout: engine.device.layout_for(&engine.loaded),
        spec: &spec,
        max_input: 0,
        shot_seed: 0,
        targets: target.into_iter().collect(),
    };
    let asked = evaluator(None).asked(&rows, batch.shots, batch.rows)?;
    let mut candidates = candidates(engine, batch);
    let (began, all) = (now(), asked.len() * candidates.len());
    let (mut answered, mut stopped) = (0, false);
    for part in parts(asked.len()) {
        for candidate in &mut candidates {
            let evaluator = evaluator(candidate.target);
            let found = evaluator.answers(&candidate.model, &asked, part.clone(), &mut |_, _| Ok(())).await?;
            candidate.outputs.extend(found);
            answered += part.len();
            let seconds_left = (now() - began) * (all - answered) as f64 / answered as f64;
            post(&Event::BatchProgress { id, answered, all, seconds_left });
            yield_now().await;
        }
        let row = |row: usize| {
            let outputs = candidates.iter().map(|one| (one.column.clone(), one.outputs[row].text.clone()));
            BatchRow::scored(task, row, asked.text(row), outputs.collect())
        };
        let end = part.end;
        post(&Event::BatchRows { id, rows: part.map(row).collect() });
        if ends(engine, serve, id).await {
            stopped = end < asked.len();
            break;
        }
    }
    let scored = candidates.into_iter().map(|candidate| {
        let found = evaluator(candidate.target).scored(&candidate.model, &asked, candidate.outputs);
        (candidate.column, found.score)
    });
    post(&Event::BatchDone { id, table: table(scored.collect()), stopped });
    Ok(())
}

/// The models of the columns that are there, as they are now.
fn candidates(engine: &Engine, batch: &Request) -> Vec<Candidate> {
    let mut models = engine.models.borrow_mut();
    let states = models.states();
    let candidate = |column: &Column| {
        let model = models.of_column(column, batch.prompt, batch.mix)?;
        let state = states.iter().find(|state| state.recipe == column.recipe);
        let target = state.and_then(|state| tasks().by_name(&state.target).ok());
        Some(Candidate { column: column.clone(), model, target, outputs: Vec::new() })
    };
    batch.columns.iter().filter_map(candidate).collect()
}

/// Serves what waits, and says whether something among it ends the batch: its cancellation, another batch or a run.
async fn ends(engine: &Engine, serve: &dyn Serve, id: u64) -> bool {
    while let Some(command) = engine.inbox.take() {
        match command {
            Command::Cancel { id: cancelled } if cancelled == id => return true,
            Command::Evaluate(_) | Command::Train { .. } | Command::Continue | Command::Discard => {
                engine.inbox.put_back(command);
                return true;
            }
            // Pauses and steps have nothing to act on.
            other => drop(serve.serve(other, None).await),
        }
    }
    false
}
