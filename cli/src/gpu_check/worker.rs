//! The process that measures: reads names of items, prints their findings as JSON lines.

use std::io::{self, BufRead as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum as _;
use serde_json::json;

use super::bench::{Bench, say};
use super::{adapter, parity, stress, updates, vocabulary};
use crate::args::{Item, Numbers};

/// Ends after the first item that fails: what a failed item leaves of a device is not to be trusted.
pub fn run(numbers: Numbers, tiny: bool) -> anyhow::Result<()> {
    let bench = Bench::open(numbers, tiny);
    let bench = match bench {
        Ok(bench) => bench,
        Err(error) => {
            // The problem belongs to the item that is asked for first.
            io::stdin().lock().read_line(&mut String::new())?;
            say(&json!({ "end": format!("{error:#}") }));
            return Ok(());
        }
    };
    for line in io::stdin().lock().lines() {
        let name = line.context("reading the name of an item")?;
        let item = Item::from_str(name.trim(), false).map_err(|error| anyhow!("item {name}: {error}"))?;
        match catch_unwind(AssertUnwindSafe(|| measure(&bench, item))) {
            Ok(Ok(())) => say(&json!({ "end": null })),
            Ok(Err(error)) => {
                say(&json!({ "end": format!("{error:#}") }));
                return Ok(());
            }
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or(panic.downcast_ref::<&str>().copied());
                say(&json!({ "end": format!("panicked: {}", text.unwrap_or("no message")) }));
                return Ok(());
            }
        }
    }
    Ok(())
}

fn measure(bench: &Bench, item: Item) -> anyhow::Result<()> {
    match item {
        Item::Adapter => adapter::run(bench),
        Item::Parity | Item::ParityF16 => parity::run(bench),
        Item::FirstUpdate => updates::first(bench),
        Item::Updates | Item::UpdatesF16 => updates::run(bench),
        Item::FitsStage1 => updates::largest(bench, updates::Stage::One),
        Item::FitsStage2 => updates::largest(bench, updates::Stage::Two),
        Item::Vocabulary => vocabulary::run(bench),
        Item::Stress => stress::run(bench),
        Item::Tour | Item::TourCpu | Item::Start => Err(anyhow!("the supervisor's own item")),
    }
}
