//! `promot completions`: what a shell needs to complete commands and flags, made from the definition itself.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::{Args, CompletionsArgs};
use crate::output;

pub fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    output::text_to(Path::new("-"), &script(args.shell)?)
}

fn script(shell: Shell) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "promot", &mut bytes);
    String::from_utf8(bytes).context("a completion script in UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell).unwrap();
            let command = Args::command();
            let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            assert!(names.len() > 10, "{names:?}");
            for name in names {
                assert!(script.contains(name), "{shell}: {name} is missing");
            }
        }
    }
}
