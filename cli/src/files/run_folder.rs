//! The run folder: spec.toml, report.json, report.html, curves.csv, frontier.csv, the checkpoints below stages/ and the
//! event files below tensorboard/. One program at a time works in it, and what stands in it is whole (but for an event file,
//! which grows).

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use promot_core::checkpoint::Manifest;
use promot_core::report::{Report, StepRecord};
use promot_core::report_html;
use promot_core::spec::{Run, RunSpec};
use promot_core::train::FinishedRun;

use super::atomic;
use crate::catalog::{tasks, tasks_of};

const SPEC: &str = "spec.toml";
const REPORT: &str = "report.json";
const STAGES: &str = "stages";
const FINISHED: &str = "finished";
const EVENTS: &str = "tensorboard";
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
    pub fn create(path: &Path, run: &Run) -> anyhow::Result<Self> {
        atomic::create_dir(path)?;
        let lock = lock(path)?;
        check(path, run, false)?;
        atomic::write(&path.join(SPEC), run.asked.to_toml()?.as_bytes())?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder of an interrupted (or finished) run with the same spec.
    ///
    /// # Errors
    /// Names the first field in which the specs differ.
    pub fn resume(path: &Path, run: &Run) -> anyhow::Result<Self> {
        check(path, run, true)?;
        let lock = lock(path)?;
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
            let _ = fs::remove_dir_all(self.path.join(EVENTS));
            let _ = fs::remove_file(self.path.join(SPEC));
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Where a finished method is kept until the report is written.
    pub fn finished(&self, method: &str, seed: u64) -> PathBuf {
        finished(&self.path, method, seed)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `tensorboard/<run>/<stage>`, where TensorBoard takes each folder for a curve of its own.
    pub fn events(&self, run: &str, stage: &str) -> PathBuf {
        self.path.join(EVENTS).join(label(run)).join(label(stage))
    }

    /// `stages/<name>/checkpoint-<step>`; the name is made safe for every file system.
    pub fn checkpoint(&self, name: &str, step: usize) -> PathBuf {
        checkpoint(&self.path, name, step)
    }

    /// The report in its three forms, the machine-readable one last: where it stands, the others do too.
    pub fn write_report(&self, report: &Report) -> anyhow::Result<()> {
        atomic::write(&self.path.join("curves.csv"), &curves(report)?)?;
        if !report.frontier.is_empty() {
            atomic::write(&self.path.join("frontier.csv"), &frontier(report)?)?;
        }
        let page = report_html::page(report, &tasks_of(report), &[])?;
        atomic::write(&self.path.join("report.html"), page.as_bytes())?;
        let mut json = serde_json::to_string_pretty(report).context("writing the report")?;
        json.push('\n');
        atomic::write(&self.path.join(REPORT), json.as_bytes())
    }
}

/// Whether a run may begin in a folder, or go on in it.
///
/// # Errors
/// A folder that holds a run where a new one is to begin; one that holds none, or another one, where it is to go on.
pub fn check(path: &Path, run: &Run, resume: bool) -> anyhow::Result<()> {
    let holds = holds_run(path);
    if resume && !holds {
        bail!("--resume: expected a run in {}, found no {SPEC} there", path.display());
    }
    let difference = if holds { difference(path, run)? } else { None };
    match (resume, difference) {
        (true, Some(difference)) => bail!("{} holds another run{difference}", path.display()),
        (false, None) if holds => bail!("{} already holds a run; --resume goes on with it", path.display()),
        (false, Some(difference)) => {
            bail!("{} already holds a run{difference}; give another folder with --out", path.display())
        }
        _ => Ok(()),
    }
}

/// Where any run folder keeps a finished method.
fn finished(run: &Path, method: &str, seed: u64) -> PathBuf {
    run.join(FINISHED).join(format!("{}-{seed}.json", slug(method)))
}

/// A method that a run folder holds as finished.
///
/// # Errors
/// A file that cannot be read, or that is no finished method.
pub fn read_finished(run: &Path, method: &str, seed: u64) -> anyhow::Result<Option<FinishedRun>> {
    let path = finished(run, method, seed);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// The first of several run folders that holds a method as finished with the same settings.
///
/// # Errors
/// Those of `read_finished`.
pub fn finished_among<'a>(
    runs: &'a [PathBuf],
    method: &str,
    seed: u64,
    settings: &str,
) -> anyhow::Result<Option<(&'a Path, FinishedRun)>> {
    for run in runs {
        let found = read_finished(run, method, seed)?;
        let known = found.as_ref().and_then(|found| found.identity.as_ref());
        if known.is_some_and(|known| known.settings == settings) {
            return Ok(found.map(|found| (run.as_path(), found)));
        }
    }
    Ok(None)
}

/// The step of a checkpoint's folder, `checkpoint-<step>`.
pub fn step(folder: &str) -> Option<usize> {
    folder.strip_prefix("checkpoint-")?.parse().ok()
}

/// The step of a stage's newest checkpoint and the stage's last one; nothing where there is none. Changes nothing.
pub fn progress(run: &Path, stage: &str) -> anyhow::Result<Option<(usize, usize)>> {
    let Ok(entries) = fs::read_dir(run.join(STAGES).join(slug(stage))) else { return Ok(None) };
    let steps = entries.flatten().filter_map(|entry| step(&entry.file_name().to_string_lossy()));
    let Some(newest) = steps.max() else { return Ok(None) };
    let path = checkpoint(run, stage, newest).join("manifest.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some((manifest.step, manifest.steps)))
}

/// The same in any run folder.
pub fn checkpoint(run: &Path, name: &str, step: usize) -> PathBuf {
    run.join(STAGES).join(slug(name)).join(format!("checkpoint-{step}"))
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
fn difference(folder: &Path, run: &Run) -> anyhow::Result<Option<String>> {
    let differences = stored_spec(folder)?.resolve(tasks())?.differences(run)?;
    let [(path, there, here), rest @ ..] = &differences[..] else { return Ok(None) };
    let more = if rest.is_empty() { String::new() } else { format!(" (and {} more fields)", rest.len()) };
    Ok(Some(format!(" of another spec: {path} is {there} there and {here} here{more}")))
}

/// `fine-tuning (learning_rate=0.001)` as `fine-tuning-learning_rate=0.001`, which TensorBoard shows as it stands.
fn label(name: &str) -> String {
    name.split(|c| !is_safe(c) && c != '=').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A name without characters that some file system refuses.
fn slug(name: &str) -> String {
    name.chars().map(|c| if is_safe(c) { c } else { '-' }).collect()
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+')
}

/// One measured number a line, so that every plotting tool can group by any column. Empty task: the target.
fn curves(report: &Report) -> anyhow::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["method", "seed", "stage", "step", "quantity", "task", "value"])?;
    for run in &report.runs {
        for record in &run.steps {
            let mut line = |quantity: &str, task: &str, value: f64| {
                table.serialize((&run.method, run.seed, &record.stage, record.step, quantity, task, value))
            };
            for (quantity, value) in [("loss", record.loss), ("validation", record.validation)] {
                value.map_or(Ok(()), |value| line(quantity, "", value))?;
            }
            for (quantity, values) in [
                ("unseen", &record.unseen),
                ("format_rate", &record.format_rate),
                ("alignment", &record.alignment),
            ] {
                values.iter().try_for_each(|(name, value)| line(quantity, name, *value))?;
            }
        }
    }
    table.into_inner().context("writing the curves")
}

/// One checkpoint a line; `swept` is `path=value`, with a space between several.
fn frontier(report: &Report) -> anyhow::Result<Vec<u8>> {
    let groups: BTreeSet<&String> = report.frontier.iter().flat_map(|point| point.groups.keys()).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    let fixed =
        ["method", "seed", "swept", "stage", "step", "chosen", "validation", "held_out", "other_format"];
    table.write_record(fixed.into_iter().chain(groups.iter().map(|group| group.as_str())))?;
    for point in &report.frontier {
        let swept: Vec<String> = point.swept.iter().map(|(path, value)| format!("{path}={value}")).collect();
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut line = vec![point.method.clone(), point.seed.to_string(), swept.join(" ")];
        line.extend([point.stage.to_string(), point.step.to_string(), point.chosen.to_string()]);
        line.extend([Some(point.validation), Some(point.held_out), point.other_format].map(number));
        line.extend(groups.iter().map(|group| number(point.groups.get(*group).copied())));
        table.write_record(line)?;
    }
    table.into_inner().context("writing the frontier")
}

/// Step and loss, in nats per target token.
pub fn loss_curve(records: &[StepRecord]) -> String {
    let lines = records.iter().filter_map(|record| Some(format!("{},{}\n", record.step, record.loss?)));
    "step,loss\n".to_owned() + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        RunSpec::default().resolve(tasks()).unwrap()
    }

    #[test]
    fn one_program_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let run = run();
        let held = RunFolder::create(root.path(), &run).unwrap();
        let error = RunFolder::resume(root.path(), &run).err().unwrap().to_string();
        assert!(
            error.starts_with("run folder in use") && error.contains(root.path().to_str().unwrap()),
            "{error}"
        );
        drop(held);
        RunFolder::resume(root.path(), &run).unwrap();
    }

    #[test]
    fn another_spec_is_refused_and_the_field_named() {
        let root = tempfile::tempdir().unwrap();
        let mut other = RunSpec::default();
        other.set("stage.fine-tuning.steps", "7").unwrap();
        let other = other.resolve(tasks()).unwrap();
        drop(RunFolder::create(root.path(), &run()).unwrap());
        for result in [RunFolder::create(root.path(), &other), RunFolder::resume(root.path(), &other)] {
            let error = result.err().unwrap().to_string();
            assert!(error.contains("stage.fine-tuning.steps is 1000 there and 7 here"), "{error}");
        }
        let again = RunFolder::create(root.path(), &run()).err().unwrap().to_string();
        assert!(again.contains("--resume"), "{again}");
        assert_eq!(stored_spec(root.path()).unwrap(), RunSpec::default());
    }

    #[test]
    fn resume_needs_a_run() {
        let root = tempfile::tempdir().unwrap();
        let error = RunFolder::resume(root.path(), &run()).err().unwrap().to_string();
        assert!(error.contains("expected a run in"), "{error}");
    }

    #[test]
    fn a_failed_start_leaves_no_run_and_a_saved_one_stays() {
        let root = tempfile::tempdir().unwrap();
        let (empty, saved) = (root.path().join("empty"), root.path().join("saved"));
        let folder = RunFolder::create(&empty, &run()).unwrap();
        let events = folder.events("fine-tuning (learning_rate=0.001) seed 3", "stage 1, rte-mini");
        let place = "tensorboard/fine-tuning-learning_rate=0.001-seed-3/stage-1-rte-mini";
        assert!(events.ends_with(place), "{}", events.display());
        fs::create_dir_all(events).unwrap();
        folder.abandon();
        assert!(!empty.exists());
        let folder = RunFolder::create(&saved, &run()).unwrap();
        fs::create_dir(saved.join(STAGES)).unwrap();
        folder.abandon();
        assert!(holds_run(&saved));
    }

    #[test]
    fn the_next_free_name_holds_no_run() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("tour");
        assert_eq!(next_free(&base), base);
        drop(RunFolder::create(&base, &run()).unwrap());
        assert_eq!(next_free(&base), root.path().join("tour-2"));
    }

    #[test]
    fn names_with_commas_and_quotes_stay_one_column_of_the_curves() {
        let mut report: Report =
            serde_json::from_str(include_str!("../../../tests/golden/report/sample.json")).unwrap();
        report.runs.drain(..3);
        report.runs[0].method = "a, \"b\"".into();
        report.runs[0].steps.truncate(2);
        report.runs[0].steps[1].stage = "stage 1, rte-mini".parse().unwrap();
        insta::assert_snapshot!("curves", String::from_utf8(curves(&report).unwrap()).unwrap());
    }

    #[test]
    fn checkpoints_lie_below_stages() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path(), &run()).unwrap();
        let path = folder.checkpoint("seed-0.fine tuning+1-shot", 50);
        assert!(path.ends_with("stages/seed-0.fine-tuning+1-shot/checkpoint-50"), "{}", path.display());
    }
}
