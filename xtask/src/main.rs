//! Automation of this repository in plain Rust: `cargo xtask setup | check | test | golden | bench`.
//!
//! Without dependencies, so that it is there seconds after a fresh clone. It starts the tools a person would
//! start by hand (cargo, apt-get, python3), shows what they print, and says in one line what is missing.

mod bench;
mod check;
mod golden;
mod json_line;
mod licenses;
mod setup;
mod shell;
mod spdx;
mod test;

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
        name: "golden",
        summary: "make the reference files in tests/golden again (Python) and say whether they changed",
        run: golden::run,
    },
    Command {
        name: "bench",
        summary: "time training and decoding beside PyTorch on the same machine, as ratios",
        run: bench::run,
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
        text.push_str(&format!("\n  {:<8}{}", command.name, command.summary));
    }
    text
}
