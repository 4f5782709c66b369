//! promot: the native program. Files, terminal, reports on disk; the work itself is `promot_core`'s.

use std::process::ExitCode;

mod args;
mod bundled;
mod catalog;
mod chat;
mod commands;
mod device;
mod dry_run;
mod experiment;
mod fail;
mod files;
mod gpu_check;
mod interrupt;
mod live;
mod loaded;
mod memory;
mod output;
mod progress;
mod table;
mod tuned;
mod watch;

fn main() -> ExitCode {
    promot_allocator::keep_memory();
    let result = args::parse().and_then(commands::dispatch);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail::report(&error),
    }
}
