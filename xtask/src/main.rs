//! Automation of this repository in plain Rust: `cargo xtask setup | check | test | serve | golden | bench | dist`.
//!
//! Without dependencies, so that it is there seconds after a fresh clone. It starts the tools a person would
//! start by hand (cargo, apt-get, python3), shows what they print, and says in one line what is missing.

mod bench;
mod bench_page;
mod check;
mod dist;
mod golden;
mod json_line;
mod licenses;
mod page_tests;
mod record;
mod serve;
mod setup;
mod shell;
mod spdx;
mod test;
mod wasm;
mod wasm_tests;

use std::process::ExitCode;

use shell::Outcome;

/// One command of `cargo xtask`: what it is called, what it does, and the function that does it.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: fn() -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "setup",
        summary: "install what is missing, or say in one line what a person must install",
        run: setup::run,
    },
    Command {
        name: "check",
        summary: "formatting, clippy without warnings, licences and sources of all dependencies",
        run: check::run,
    },
    Command {
        name: "test",
        summary: "all tests that need no GPU; needs no network once built",
        run: test::run,
    },
    Command {
        name: "serve",
        summary: "build the page and serve it on http://127.0.0.1:8080; builds again when a source changes",
        run: serve::run,
    },
    Command {
        name: "record",
        summary: "make the recorded results and weights that the page shows: the paper's comparison, many seeds",
        run: record::run,
    },
    Command {
        name: "golden",
        summary: "make the reference files in tests/golden again (Python) and say whether they changed",
        run: golden::run,
    },
    Command {
        name: "bench",
        summary: "time training and decoding beside PyTorch on the same machine, as ratios",
        run: bench::run,
    },
    Command {
        name: "bench-page",
        summary: "time the page's training beside TensorFlow.js in the same browser, as ratios",
        run: bench_page::run,
    },
    Command {
        name: "dist",
        summary: "the page, made small, into dist/, with a table of what has to be loaded",
        run: dist::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name] = args.as_slice() else {
        eprintln!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        println!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("unknown command `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("cargo xtask {name}: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <command>\n");
    for command in COMMANDS {
        text.push_str(&format!("\n  {:<12}{}", command.name, command.summary));
    }
    text
}
