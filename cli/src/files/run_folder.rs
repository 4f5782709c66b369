//! The run folder: spec.toml, report.json, report.html, curves.csv and the checkpoints below stages/. One
//! program at a time works in it, and what stands in it is whole.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use promot_core::report::{Report, StepRecord};
use promot_core::spec::RunSpec;

use super::atomic;
use crate::html;

const SPEC: &str = "spec.toml";
const REPORT: &str = "report.json";
const STAGES: &str = "stages";
const FINISHED: &str = "finished";
const LOCK: &str = ".lock";

/// A run folder that this program holds.
pub struct RunFolder {
    path: PathBuf,
    /// Locked until it is dropped; the operating system lets go of it if the program is killed.
    _lock: File,
}

impl RunFolder {
    /// A folder for a new run.
    ///
    /// # Errors
    /// Refuses a folder that holds a run, or that another program works in.
    pub fn create(path: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        atomic::create_dir(path)?;
        let lock = lock(path)?;
        if path.join(SPEC).exists() {
            let same = stored_spec(path).is_ok_and(|stored| stored == *spec);
            let advice = if same { "--resume goes on with it" } else { "give another folder with --out" };
            bail!("{} already holds a run{}; {advice}", path.display(), difference(path, spec)?);
        }
        atomic::write(&path.join(SPEC), spec.to_toml()?.as_bytes())?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder of an interrupted (or finished) run with the same spec.
    ///
    /// # Errors
    /// Names the first field in which the specs differ.
    pub fn resume(path: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        if !path.join(SPEC).is_file() {
            bail!("--resume: expected a run in {}, found no {SPEC} there", path.display());
        }
        let lock = lock(path)?;
        if stored_spec(path)? != *spec {
            bail!("{} holds another run{}", path.display(), difference(path, spec)?);
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A folder for checkpoints alone, which know themselves what they belong to.
    ///
    /// # Errors
    /// Refuses checkpoints of an earlier run, unless they are to be resumed.
    pub fn work(path: &Path, resume: bool) -> anyhow::Result<Self> {
        atomic::create_dir(path)?;
        let lock = lock(path)?;
        if !resume && path.join(STAGES).exists() {
            bail!(
                "{} holds checkpoints; --resume goes on with them, another folder begins anew",
                path.display()
            );
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Takes back a folder in which nothing was saved, so that a failed start leaves no run behind.
    pub fn abandon(self) {
        let saved = [STAGES, FINISHED].iter().any(|name| self.path.join(name).exists());
        if !saved {
            // What cannot be removed does no harm: the next start says what stands in its way.
            let _ = fs::remove_file(self.path.join(SPEC));
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Where a finished method is kept until the report is written.
    pub fn finished(&self, method: &str, seed: u64) -> PathBuf {
        self.path.join(FINISHED).join(format!("{}-{seed}.json", slug(method)))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `stages/<name>/checkpoint-<step>`; the name is made safe for every file system.
    pub fn checkpoint(&self, name: &str, step: usize) -> PathBuf {
        self.path.join(STAGES).join(slug(name)).join(format!("checkpoint-{step}"))
    }

    /// The report in its three forms, the machine-readable one last: where it stands, the others do too.
    pub fn write_report(&self, report: &Report) -> anyhow::Result<()> {
        atomic::write(&self.path.join("curves.csv"), curves(report).as_bytes())?;
        atomic::write(&self.path.join("report.html"), html::page(report)?.as_bytes())?;
        let mut json = serde_json::to_string_pretty(report).context("writing the report")?;
        json.push('\n');
        atomic::write(&self.path.join(REPORT), json.as_bytes())
    }
}

pub fn holds_run(folder: &Path) -> bool {
    folder.join(SPEC).is_file()
}

/// The spec of the run in a folder.
pub fn stored_spec(folder: &Path) -> anyhow::Result<RunSpec> {
    let path = folder.join(SPEC);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(RunSpec::from_toml(&text, &path.display().to_string())?)
}

/// The first of `base`, `base-2`, `base-3`, ... that holds no run.
pub fn next_free(base: &Path) -> PathBuf {
    let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = (2..).map(|n| base.with_file_name(format!("{name}-{n}")));
    let free = |path: &PathBuf| !path.join(SPEC).exists();
    std::iter::once(base.to_owned()).chain(numbered).find(free).expect("numbers do not end")
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK);
    let open = || File::options().create(true).truncate(false).write(true).open(&path);
    let file = open().with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("run folder in use: another promot works in {}", folder.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

/// ": <field> is <there> there and <here> here", for the first field that differs.
fn difference(folder: &Path, spec: &RunSpec) -> anyhow::Result<String> {
    let differences = stored_spec(folder)?.differences(spec)?;
    Ok(match &differences[..] {
        [] => String::new(),
        [(path, there, here), rest @ ..] => {
            let more =
                if rest.is_empty() { String::new() } else { format!(" (and {} more fields)", rest.len()) };
            format!(" of another spec: {path} is {there} there and {here} here{more}")
        }
    })
}

/// A name without characters that some file system refuses.
fn slug(name: &str) -> String {
    let safe =
        |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+') { c } else { '-' };
    name.chars().map(safe).collect()
}

/// One measured number a line, so that every plotting tool can group by any column. Empty task: the target.
fn curves(report: &Report) -> String {
    let mut text = "method,seed,stage,step,quantity,task,value\n".to_owned();
    for run in &report.runs {
        for record in &run.steps {
            let mut line = |quantity: &str, task: &str, value: f64| {
                let (method, seed, stage, step) = (&run.method, run.seed, &record.stage, record.step);
                text.push_str(&format!("{method},{seed},{stage},{step},{quantity},{task},{value}\n"));
            };
            record.loss.iter().for_each(|value| line("loss", "", *value));
            record.validation.iter().for_each(|value| line("validation", "", *value));
            record.unseen.iter().for_each(|(task, value)| line("unseen", task, *value));
            record.format_rate.iter().for_each(|(task, value)| line("format_rate", task, *value));
            record.alignment.iter().for_each(|(family, value)| line("alignment", family, *value));
        }
    }
    text
}

/// Step and loss, in nats per target token.
pub fn loss_curve(records: &[StepRecord]) -> String {
    let lines = records.iter().filter_map(|record| Some(format!("{},{}\n", record.step, record.loss?)));
    "step,loss\n".to_owned() + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let spec = RunSpec::default();
        let held = RunFolder::create(root.path(), &spec).unwrap();
        let error = RunFolder::resume(root.path(), &spec).err().unwrap().to_string();
        assert!(
            error.starts_with("run folder in use") && error.contains(root.path().to_str().unwrap()),
            "{error}"
        );
        drop(held);
        RunFolder::resume(root.path(), &spec).unwrap();
    }

    #[test]
    fn another_spec_is_refused_and_the_field_named() {
        let root = tempfile::tempdir().unwrap();
        let spec = RunSpec::default();
        let mut other = spec.clone();
        other.fine_tuning.steps = 7;
        drop(RunFolder::create(root.path(), &spec).unwrap());
        for result in [RunFolder::create(root.path(), &other), RunFolder::resume(root.path(), &other)] {
            let error = result.err().unwrap().to_string();
            assert!(error.contains("fine_tuning.steps is 1000 there and 7 here"), "{error}");
        }
        let again = RunFolder::create(root.path(), &spec).err().unwrap().to_string();
        assert!(again.contains("--resume"), "{again}");
        assert_eq!(stored_spec(root.path()).unwrap(), spec);
    }

    #[test]
    fn resume_needs_a_run() {
        let root = tempfile::tempdir().unwrap();
        let error = RunFolder::resume(root.path(), &RunSpec::default()).err().unwrap().to_string();
        assert!(error.contains("expected a run in"), "{error}");
    }

    #[test]
    fn a_failed_start_leaves_no_run_and_a_saved_one_stays() {
        let root = tempfile::tempdir().unwrap();
        let (empty, saved) = (root.path().join("empty"), root.path().join("saved"));
        RunFolder::create(&empty, &RunSpec::default()).unwrap().abandon();
        assert!(!empty.exists());
        let folder = RunFolder::create(&saved, &RunSpec::default()).unwrap();
        fs::create_dir(saved.join(STAGES)).unwrap();
        folder.abandon();
        assert!(holds_run(&saved));
    }

    #[test]
    fn the_next_free_name_holds_no_run() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("tour");
        assert_eq!(next_free(&base), base);
        drop(RunFolder::create(&base, &RunSpec::default()).unwrap());
        assert_eq!(next_free(&base), root.path().join("tour-2"));
    }

    #[test]
    fn checkpoints_lie_below_stages() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path(), &RunSpec::default()).unwrap();
        let path = folder.checkpoint("seed-0.fine tuning+1-shot", 50);
        assert!(path.ends_with("stages/seed-0.fine-tuning+1-shot/checkpoint-50"), "{}", path.display());
    }
}
