//! Automation of this repository in plain Rust; `cargo xtask help` lists its commands.
//!
//! It starts the tools a person would start by hand (cargo, apt-get, python3), shows what they print, and says in
//! one line what is missing.

mod apt;
mod bench;
mod bench_page;
mod check;
mod dist;
mod fuzz;
mod golden;
mod gpu_check;
mod gpu_report;
mod offline;
mod page_tests;
mod real_model;
mod record;
mod serve;
mod setup;
mod shell;
mod skips;
mod test;
mod vulkan;
mod wasm;
mod wasm_tests;

use std::process::ExitCode;

use anyhow::Result;

/// One command of `cargo xtask`: what it is called, what it does, and the function that does it.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: Run,
}

enum Run {
    Alone(fn() -> Result<()>),
    /// What follows the name is the command's own business.
    WithArguments(fn(&[String]) -> Result<()>),
}

const COMMANDS: &[Command] = &[
    Command {
        name: "setup",
        summary: "install what is missing, or say in one line what a person must install",
        run: Run::Alone(setup::run),
    },
    Command {
        name: "check",
        summary: "formatting, clippy without warnings, licences and sources of all dependencies",
        run: Run::Alone(check::run),
    },
    Command {
        name: "test",
        summary: "all tests that need no GPU; needs no network once built",
        run: Run::Alone(test::run),
    },
    Command {
        name: "nightly",
        summary: "the same with the tests that take minutes, such as whole models on a software GPU",
        run: Run::Alone(test::nightly),
    },
    Command {
        name: "serve",
        summary: "build the page and serve it on http://127.0.0.1:8080; builds again when a source changes",
        run: Run::Alone(serve::run),
    },
    Command {
        name: "record",
        summary: "make the recorded results and weights that the page shows: the paper's comparison, many seeds",
        run: Run::Alone(record::run),
    },
    Command {
        name: "real-model",
        summary: "download a small trained model (SmolLM2-135M) for the presets real-rte and real-enfr",
        run: Run::Alone(real_model::run),
    },
    Command {
        name: "golden",
        summary: "make the reference files in tests/golden again (Python) and say whether they changed",
        run: Run::Alone(golden::run),
    },
    Command {
        name: "fuzz",
        summary: "damage good files again and again and give them to every reader ([RUNS [SEED]])",
        run: Run::WithArguments(fuzz::run),
    },
    Command {
        name: "bench",
        summary: "time training and decoding beside PyTorch on the same machine, as ratios",
        run: Run::Alone(bench::run),
    },
    Command {
        name: "bench-page",
        summary: "time the page: until it is there, its answers, and its training beside TensorFlow.js",
        run: Run::Alone(bench_page::run),
    },
    Command {
        name: "gpu-check",
        summary: "pack a check for a machine with a GPU ([--features vulkan]), or show what it found (--show FILE)",
        run: Run::WithArguments(gpu_check::run),
    },
    Command {
        name: "dist",
        summary: "the page, made small, into dist/, with a table of what has to be loaded",
        run: Run::Alone(dist::run),
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, arguments @ ..] = args.as_slice() else {
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
    let outcome = match command.run {
        Run::Alone(run) if arguments.is_empty() => run(),
        Run::Alone(_) => Err(anyhow::anyhow!("takes no arguments, found {}", arguments.join(" "))),
        Run::WithArguments(run) => run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("cargo xtask {name}: {problem:#}");
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands of the file that runs this one, and what a line of help may be.
    #[test]
    fn help_has_one_line_for_every_command() {
        let help = usage();
        let lines: Vec<&str> = help.lines().skip(2).collect();
        assert_eq!(lines.len(), COMMANDS.len());
        for (line, command) in lines.iter().zip(COMMANDS) {
            assert!(line.trim_start().starts_with(command.name) && line.len() <= 110, "{line}");
        }
    }
}
