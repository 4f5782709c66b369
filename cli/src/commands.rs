//! One file a command. A command turns arguments and files into values, calls the library, and writes what
//! comes back.

use crate::args::{Args, Command};

mod compare;
mod completions;
mod doctor;
mod eval;
mod example;
mod fetch;
mod generate;
mod gpu_check;
mod inspect;
mod list;
mod metric;
mod pretrain;
mod run;
mod score;
mod tokenize;
mod tune;

pub fn dispatch(args: Args) -> anyhow::Result<()> {
    match args.command {
        None => run::run(&args.run),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Tune(args)) => tune::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Fetch(args)) => fetch::run(&args),
        Some(Command::Eval(args)) => eval::run(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Score(args)) => score::run(&args),
        Some(Command::Tokenize(args)) => tokenize::run(&args),
        Some(Command::Metric(args)) => metric::run(&args),
        Some(Command::Pretrain(args)) => pretrain::run(&args),
        Some(Command::List(args)) => list::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::GpuCheck(args)) => gpu_check::run(&args),
    }
}
