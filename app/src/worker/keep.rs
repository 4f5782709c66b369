//! Runs that the user keeps: commands about them, and the list of them that follows.

use super::engine::Engine;
use super::export::assembled;
use super::messages::post;
use crate::failure::Failure;
use crate::protocol::Event;
use crate::saved::Saved;

/// What is to become of the kept runs.
pub enum Change<'a> {
    /// The run under way, or the one in storage, is kept.
    Keep {
        name: &'a str,
        running: Option<&'a Saved>,
    },
    Rename {
        id: u64,
        name: &'a str,
    },
    Delete {
        id: u64,
    },
}

pub async fn change(engine: &Engine, change: Change<'_>) -> Result<(), Failure> {
    let storage = &engine.storage;
    // Taken out, since others may look at the list while storage is awaited.
    let mut kept = engine.kept.borrow().clone();
    let done = match change {
        Change::Keep { name, running } => {
            let report = assembled(engine, running).await?;
            kept.keep(storage, name, &report).await
        }
        Change::Rename { id, name } => kept.rename(storage, id, name).await,
        Change::Delete { id } => kept.delete(storage, id).await,
    };
    post(&Event::Kept { runs: kept.runs().to_vec() });
    engine.kept.replace(kept);
    done
}

pub async fn open(engine: &Engine, id: u64) -> Result<(), Failure> {
    let kept = engine.kept.borrow().clone();
    let report = Box::new(kept.report(&engine.storage, id).await?);
    post(&Event::KeptReport { id, report });
    Ok(())
}
