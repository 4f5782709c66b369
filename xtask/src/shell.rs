//! The few things every command needs: where the workspace is, and how to run a tool and see that it worked.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use xshell::{Cmd, Shell};

/// The root of the workspace. Cargo names the package's folder at run time; the path known at compile time is
/// the fallback for a binary that is started by hand.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A shell in the workspace's root.
pub fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// The cargo that runs this program.
pub fn cargo(sh: &Shell) -> Cmd<'_> {
    sh.cmd(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where cargo builds, and where this program keeps what git must not see.
pub fn target_dir() -> Result<PathBuf> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = FOLDER.get() {
        return Ok(folder.clone());
    }
    let sh = shell()?;
    let metadata = read(cargo(&sh).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target_directory")?;
    Ok(FOLDER.get_or_init(|| PathBuf::from(folder)).clone())
}

/// Runs silently and gives what it printed; its error text is part of the error.
pub fn read(command: Cmd) -> Result<String> {
    let shown = command.to_string();
    let output = command.quiet().ignore_status().output()?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed something that is not UTF-8"))
}

/// Whether the tool exists and answers with success.
pub fn works(command: Cmd) -> bool {
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Tools that work for seconds need not be made fast for minutes.
const SOON: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// `cargo install`, quickly.
pub fn install(what: &[&str]) -> Result<()> {
    let sh = shell()?;
    read(cargo(&sh).arg("install").args(what).envs(SOON)).map(drop)
}

/// Runs, shows what it prints line by line, and gives it all.
pub fn read_shown(command: Cmd) -> Result<String> {
    let mut text = String::new();
    follow(command, |line| {
        println!("{line}");
        text.push_str(line);
        text.push('\n');
    })??;
    Ok(text)
}

/// Runs and hands every line of its standard output over as it comes. The outer result says whether it could be
/// followed, the inner one how it ended. (xshell either shows what a tool prints or gives it at the end.)
pub fn follow(command: Cmd, mut on_line: impl FnMut(&str)) -> Result<Result<()>> {
    let shown = command.to_string();
    eprintln!("$ {shown}");
    let mut child = Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    let stdout = child.stdout.take().with_context(|| format!("the output of `{shown}` cannot be read"))?;
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    // Bytes, not text: a tool may print anything, and giving up early would kill it with a closed pipe.
    while reader.read_until(b'\n', &mut line).is_ok_and(|n_bytes| n_bytes > 0) {
        on_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().with_context(|| format!("`{shown}`"))?;
    Ok(if status.success() { Ok(()) } else { Err(anyhow::anyhow!("`{shown}` ended with {status}")) })
}

/// Says what starts, does it, and says how long it took, so that no part is silent or of unknown cost.
pub fn part<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("== {name}");
    let start = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "done" } else { "FAILED" };
    println!("== {name}: {word} in {}", seconds(start.elapsed()));
    outcome
}

/// All problems as one; for parts of which each runs whatever the others say.
pub fn all(parts: impl IntoIterator<Item = Result<()>>) -> Result<()> {
    let problems: Vec<String> =
        parts.into_iter().filter_map(Result::err).map(|problem| format!("{problem:#}")).collect();
    if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("\n")) }
}

/// "4 s", "2 min 05 s".
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0..=59 => format!("{whole} s"),
        _ => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

/// The moment as `YYYY-MM-DDTHHMMSSZ` (UTC), for file names.
pub fn timestamp() -> Result<String> {
    file_name(OffsetDateTime::now_utc())
}

fn file_name(moment: OffsetDateTime) -> Result<String> {
    Ok(moment.replace_nanosecond(0)?.format(&Rfc3339)?.replace(':', ""))
}

#[cfg(test)]
mod tests {
    use xshell::cmd;

    use super::*;

    #[test]
    fn moments_are_names_of_files() {
        let moment = OffsetDateTime::from_unix_timestamp(951_782_400 + 3_723).unwrap();
        assert_eq!(file_name(moment).unwrap(), "2000-02-29T010203Z");
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(seconds(Duration::from_millis(4_900)), "4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn a_failing_tool_is_named_with_what_it_said() {
        let sh = shell().unwrap();
        let error = read(cargo(&sh).arg("no-such-subcommand")).unwrap_err().to_string();
        assert!(error.contains("no-such-subcommand") && error.contains("no such command"), "{error}");
        let error = format!("{:#}", read(cmd!(sh, "no-such-program-at-all")).unwrap_err());
        assert!(error.contains("no-such-program-at-all"), "{error}");
    }

    #[test]
    fn every_problem_is_named() {
        assert!(all([Ok(()), Ok(())]).is_ok());
        let problem = || Err(anyhow::anyhow!("a").context("b"));
        assert_eq!(all([problem(), Ok(()), problem()]).unwrap_err().to_string(), "b: a\nb: a");
    }
}
