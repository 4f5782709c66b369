//! The worker's loop: executes commands, one after the other, for as long as the worker lives.

use std::rc::Rc;

use super::engine::Engine;
use super::keep::{self, Change};
use super::messages::{Inbox, fail, post};
use super::training::{self, Serve, Served};
use super::{ask, batch, export, inspect, weigh};
use crate::batch::BatchTable;
use crate::failure::Failure;
use crate::protocol::{Command, Event};
use crate::saved::Saved;

/// Opens the engine with the first command and then executes the others.
pub async fn run(inbox: Rc<Inbox>) {
    let (wish, model, base) = loop {
        match inbox.next().await {
            Command::Start { device, model, base } => break (device, model, base),
            _ => fail(Failure::other("The worker got a command before `start`.")),
        }
    };
    match Engine::open(inbox, wish, &model, &base).await {
        Ok(engine) => execute_all(&engine).await,
        Err(failure) => {
            let advice = "Load the page again; if that does not help, the server may lack the model's files.";
            fail(failure.advice(advice).fatal());
        }
    }
}

async fn execute_all(engine: &Engine) {
    loop {
        let command = engine.inbox.next().await;
        let Some(command) = engine.serve(command, None).await else { continue };
        match command {
            Command::Train { spec } => training::begin(engine, engine, *spec).await,
            Command::Continue => training::resume(engine, engine).await,
            Command::Discard => {
                if let Err(failure) = engine.discard().await {
                    fail(failure);
                }
            }
            // Nothing is running: there is nothing to pause or to stop.
            _ => {}
        }
    }
}

impl Serve for Engine {
    fn serve<'a>(&'a self, command: Command, running: Option<&'a Saved>) -> Served<'a> {
        Box::pin(serve(self, command, running))
    }
}

async fn serve(engine: &Engine, command: Command, running: Option<&Saved>) -> Option<Command> {
    let served = match command {
        Command::Ask { id, input, columns, prompt, mix, beams, max_new } => {
            ask::ask(engine, ask::Question { id, input, columns, prompt, mix, beams, max_new }).await;
            engine.store_autotune_cache().await;
            Ok(())
        }
        Command::Evaluate(asked) => {
            let id = asked.id;
            let done = match running {
                Some(_) => Err(Failure::other("A run is under way; stop it first.")),
                None => batch::evaluate(engine, engine, &asked).await,
            };
            engine.store_autotune_cache().await;
            done.inspect_err(|_| post(&Event::BatchDone { id, table: BatchTable::default(), stopped: true }))
        }
        Command::Cancel { .. } => Ok(()),
        Command::Weigh { id, answered } => {
            let column = answered.column.clone();
            let (places, failed) = or_nothing(weigh::weigh(engine, answered).await);
            post(&Event::Weighed { id, column, places });
            failed
        }
        Command::Attend { id, answered } => {
            let column = answered.column.clone();
            let (attention, failed) = or_nothing(inspect::attention(engine, answered).await);
            post(&Event::Attended { id, column, attention: attention.map(Box::new) });
            failed
        }
        Command::Inspect { id, recipe } => {
            let (found, failed) = or_nothing(inspect::inspect(engine, &recipe).await);
            post(&Event::Inspected { id, found: found.map(Box::new) });
            failed
        }
        Command::Example { id, task, shots, row } => {
            engine.example(id, &task, shots, row).map(|event| post(&event)).map_err(Failure::from)
        }
        Command::Keep { name } => keep::change(engine, Change::Keep { name: &name, running }).await,
        Command::RenameKept { id, name } => keep::change(engine, Change::Rename { id, name: &name }).await,
        Command::DeleteKept { id } => keep::change(engine, Change::Delete { id }).await,
        Command::OpenKept { id } => keep::open(engine, id).await,
        Command::ExportReport => export::report(engine, running).await,
        Command::ExportPage { unfinished } => export::page(engine, running, &unfinished).await,
        Command::ExportWeights { recipe } => export::weights(engine, running, &recipe).await,
        other => return Some(other),
    };
    if let Err(failure) = served {
        fail(failure);
    }
    None
}

/// What was found, nothing after an error, so that whoever waits for it is answered in any case.
fn or_nothing<T: Default>(found: promot_core::Result<T>) -> (T, Result<(), Failure>) {
    match found {
        Ok(found) => (found, Ok(())),
        Err(error) => (T::default(), Err(Failure::from(error))),
    }
}
