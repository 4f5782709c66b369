//! Black-box tests of the program: what it prints, what it writes, how it ends. They belong to the package of
//! the program, so that Cargo builds it first and says where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/bundled.rs"]
mod bundled;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/compare.rs"]
mod compare;
#[path = "cli/decoder_only.rs"]
mod decoder_only;
#[path = "cli/dry_run.rs"]
mod dry_run;
#[path = "cli/experiment.rs"]
mod experiment;
#[path = "cli/families.rs"]
mod families;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/gguf.rs"]
mod gguf;
#[path = "cli/gpu.rs"]
mod gpu;
#[path = "cli/hub.rs"]
mod hub;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/live.rs"]
mod live;
#[path = "cli/odd_rows.rs"]
mod odd_rows;
#[path = "cli/own_task.rs"]
mod own_task;
#[path = "cli/replay.rs"]
mod replay;
#[path = "cli/selection.rs"]
mod selection;
#[path = "cli/several.rs"]
mod several;
#[path = "skip.rs"]
mod skip;
#[path = "cli/words.rs"]
mod words;

/// A T5 1.1 with random weights and a real tokenizer of 96 entries.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/t5/t5-1.1")
}

/// A folder of its own, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), text).unwrap();
        name.to_owned()
    }

    /// What stands in a folder, sorted; nothing where there is none.
    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A copy of the golden model, to be damaged.
    fn model(&self) -> &str {
        fs::create_dir_all(self.path("model")).unwrap();
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            fs::copy(golden().join(name), self.path("model").join(name)).unwrap();
        }
        "model"
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promot"));
        command.args(args).current_dir(self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs to a good end; gives standard output.
    fn good(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs to a bad end: this status, nothing on standard output, one or two lines that hold all of `parts`.
    fn bad(&self, args: &[&str], status: i32, parts: &[&str]) {
        self.bad_command(&mut self.command(args), status, parts);
    }

    fn bad_command(&self, command: &mut Command, status: i32, parts: &[&str]) {
        let output = command.output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{command:?}: {error}");
        assert_eq!(text(&output.stdout), "", "{command:?}");
        let lines: Vec<&str> = error.lines().collect();
        assert!(matches!(lines.len(), 1 | 2), "{command:?}: {error}");
        for part in parts {
            assert!(error.contains(part), "{command:?}: `{part}` is missing in: {error}");
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
