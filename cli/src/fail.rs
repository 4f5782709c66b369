//! Exit status: 0 done, 1 failed, 2 wrong usage, 3 a model that is worse than was allowed; and errors in one or two lines
//! on standard error.

use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

/// The program was called wrongly: an argument, not a file or the machine, is what has to change.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A model scored lower than whoever asked had allowed.
#[derive(Debug)]
pub struct Regressed(pub String);

impl fmt::Display for Regressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Regressed {}

/// A usage error with this text.
pub fn usage(text: impl fmt::Display) -> anyhow::Error {
    Usage(text.to_string()).into()
}

/// Prints the error and says with which status to end.
pub fn report(error: &anyhow::Error) -> ExitCode {
    // The reader of our output went away (`promot generate ... | head`): it has what it wanted.
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    eprintln!("promot: {}", in_two_lines(&format!("{error:#}")));
    ExitCode::from(status(error))
}

/// A name that is in no list is wrong usage wherever it was written.
fn status(error: &anyhow::Error) -> u8 {
    if error.is::<Regressed>() {
        return 3;
    }
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>()
            || matches!(cause.downcast_ref::<promot_core::Error>(), Some(promot_core::Error::Unknown { .. }))
    });
    if usage { 2 } else { 1 }
}

/// Other libraries' messages may have many lines; all but the first are joined to one.
fn in_two_lines(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("failed").to_owned();
    let rest = lines.collect::<Vec<_>>().join(" ");
    if rest.is_empty() { first } else { format!("{first}\n        {rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn names_and_arguments_are_usage_errors_and_files_are_not() {
        let unknown: anyhow::Error = promot_core::Error::unknown("task", "rt", ["rte"]).into();
        let file: anyhow::Error = promot_core::Error::format("x.npy", "too short").into();
        assert_eq!(status(&unknown.context("spec.toml")), 2);
        assert_eq!(status(&usage("no")), 2);
        assert_eq!(status(&file), 1);
        let io: anyhow::Result<()> = Err(std::io::Error::other("disk")).context("writing");
        assert_eq!(status(&io.unwrap_err()), 1);
    }

    #[test]
    fn long_messages_become_two_lines() {
        assert_eq!(in_two_lines("a\n\n b\nc"), "a\n        b c");
        assert_eq!(in_two_lines("a"), "a");
    }
}
