//! The one error type of the library: what was expected, what was found, and where.

use std::fmt;

use crate::stage_id::StageId;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that a user's file, spec or device can get wrong. Programmers' mistakes panic instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is in no list; the nearest known names help to find the right one.
    #[error("unknown {kind} `{name}`{}", nearest(.known))]
    Unknown { kind: &'static str, name: String, known: Vec<String> },

    /// A value that does not fit: `what` names it, with file and field where there are any.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch { what: String, expected: String, found: String },

    /// A row of a data file that cannot be used.
    #[error("{file}, {at}: {problem}")]
    Row { file: String, at: At, problem: String },

    /// Bytes that are not what their name says.
    #[error("{what} cannot be read: {problem}")]
    Format { what: String, problem: String },

    /// Tensors of a checkpoint that do not match the model, each named.
    #[error("{what} does not fit the model: {}", list(.problems))]
    Tensors { what: String, problems: Vec<String> },

    /// The device refused or gave wrong numbers.
    #[error("device {device}: {problem}")]
    Device { device: String, problem: String },

    /// The device has not enough memory for what it was given.
    #[error("device {device} is out of memory: {problem}")]
    OutOfMemory { device: String, problem: String },

    /// Training left the finite numbers.
    #[error(
        "loss of {stage} at step {step}: expected a finite number, found {loss}; a smaller learning rate may help"
    )]
    Diverged { stage: StageId, step: usize, loss: f64 },

    /// The caller could not keep or find what it was given: a full disk, missing rights. The text names the path.
    #[error("{0}")]
    Storage(String),

    /// The caller asked to stop (Ctrl-C, the stop button); what was saved is complete.
    #[error("stopped at step {step}")]
    Stopped { step: usize },
}

/// Where a row stands in its file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The line that it begins at.
    Line(usize),
    /// Its number, in files without lines.
    Row(usize),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Line(number) => write!(f, "line {number}"),
            At::Row(number) => write!(f, "row {number}"),
        }
    }
}

impl Error {
    pub fn mismatch(what: impl fmt::Display, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Error::Mismatch { what: what.to_string(), expected: expected.to_string(), found: found.to_string() }
    }

    pub fn format(what: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Error::Format { what: what.to_string(), problem: problem.to_string() }
    }

    /// TOML that cannot be read. Its own errors show the line with a marker below it; the first and last lines say what
    /// is wrong.
    pub fn toml(what: impl fmt::Display, error: &toml::de::Error) -> Self {
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines[..] {
            [first, .., last] => Error::format(what, format!("{first}: {last}")),
            _ => Error::format(what, text.trim()),
        }
    }

    /// Lists the nearest of `known` first, by edit distance, at most five.
    pub fn unknown<'a>(kind: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        known.sort_by_key(|other| strsim::damerau_levenshtein(name, other));
        known.truncate(5);
        Error::Unknown { kind, name: name.to_owned(), known }
    }
}

fn nearest(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; nearest known: {}", known.join(", ")) }
}

/// At most six problems in full, then a count: a wrong checkpoint has hundreds.
fn list(problems: &[String]) -> String {
    let shown = problems.iter().take(6).cloned().collect::<Vec<_>>().join("; ");
    match problems.len() {
        0..=6 => shown,
        n => format!("{shown}; and {} more", n - 6),
    }
}
