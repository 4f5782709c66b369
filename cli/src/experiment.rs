//! What `run` and `tune` share: a spec, a folder, the run itself, and what is left on disk and screen.

use std::path::{Path, PathBuf};

use promot_core::Error;
use promot_core::device::OpenDevice;
use promot_core::spec::{Run, RunSpec};
use promot_core::train::{self, Outcome};

use crate::args::{DeviceArgs, RunningArgs};
use crate::catalog::{define_tasks, tasks};
use crate::fail::usage;
use crate::files::dataset::{Dataset, Whole};
use crate::files::run_folder::{self, RunFolder};
use crate::memory::{Memory, Planner};
use crate::watch::Watch;
use crate::{device, interrupt, loaded, table};

/// Where the run goes and how it begins.
pub struct Place {
    /// `--out`
    pub out: Option<PathBuf>,
    pub resume: bool,
    /// `--reuse`: run folders whose stages need not run again.
    pub reuse: Vec<PathBuf>,
    /// The command to go on with, without `--out` and `--resume`.
    pub command: String,
}

impl Place {
    pub fn new(out: Option<PathBuf>, args: &RunningArgs, command: String) -> Self {
        Self { out, resume: args.resume, reuse: args.reuse.clone(), command }
    }
}

/// Overrides fields by `key=value`, and the seeds; a wrong key or value is a wrong argument.
pub fn override_fields(spec: &mut RunSpec, args: &RunningArgs) -> anyhow::Result<()> {
    for setting in &args.set {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| usage(format!("--set {setting}: expected key=value, found no `=`")))?;
        spec.set(key.trim(), value.trim()).map_err(|error| usage(format!("--set {error}")))?;
    }
    if let Some(seed) = args.seed {
        spec.seeds = vec![seed];
    }
    Ok(())
}

/// What runs, with the tasks of the user's files, and data that can be theirs.
pub fn resolve(mut spec: RunSpec, data: Option<&Path>) -> anyhow::Result<Run> {
    define_tasks(&mut spec)?;
    let run = spec.resolve(tasks())?;
    let count = run.target.tasks().len();
    if let Some(file) = data.filter(|data| count > 1 && data.is_file()) {
        let file = file.display();
        return Err(usage(format!("--data: expected a folder with {count} tasks, found the file {file}")));
    }
    Ok(run)
}

/// `runs/<name>`, where runs go that are given no folder.
pub fn default_folder(name: &str) -> PathBuf {
    Path::new("runs").join(name)
}

/// Runs a spec and leaves the report. Gives the folder, still locked, and what was trained.
pub fn run(
    spec: RunSpec,
    place: &Place,
    data: Option<PathBuf>,
    args: &DeviceArgs,
) -> anyhow::Result<(RunFolder, Outcome, loaded::LoadedModel)> {
    let run = resolve(spec, data.as_deref())?;
    let device = device::open(args)?;
    let model = loaded::model(&run.model, &device)?;
    let rows = Dataset::new(data, Whole::Divided, model.config.d_model());
    warn_of_memory(&run, &model, &rows, &device)?;
    let folder = open(&run, place)?;
    interrupt::listen()?;
    let mut watch = Watch::new(&folder).reusing(&place.reuse);
    watch.say(&format!("{} on {}: {}", run.name, device.info.name, device.info.reason));
    let setup = train::Setup { run: &run, loaded: &model, device: &device, rows: &rows };
    let result = pollster::block_on(train::experiment(setup, &mut watch));
    watch.finish();
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(Error::Stopped { .. }) => return Err(stopped(&folder, place)),
        Err(error) => {
            if !place.resume {
                folder.abandon();
            }
            return Err(error.into());
        }
    };
    folder.write_report(&outcome.report)?;
    eprintln!("{}\n", table::results(&outcome.report));
    if let Some(signs) = table::signs(&outcome.report) {
        eprintln!("{signs}\n");
    }
    eprintln!("report: {}", folder.path().join("report.html").display());
    Ok((folder, outcome, model))
}

/// Says which stages need more memory than there is, on the CPU.
fn warn_of_memory(
    run: &Run,
    model: &loaded::LoadedModel,
    rows: &Dataset,
    device: &OpenDevice,
) -> anyhow::Result<()> {
    let Some(memory) = Memory::here().filter(|_| device.threads) else { return Ok(()) };
    let planner = Planner::new(run, &model.model, &model.config, rows, &model.tokenizer)?;
    // What is loaded already is part of the plan.
    let free = memory.free + model.info.parameters * size_of::<f32>();
    for problem in planner.problems(free)? {
        eprintln!("warning: {problem}");
    }
    Ok(())
}

fn open(run: &Run, place: &Place) -> anyhow::Result<RunFolder> {
    let folder = folder(run, place);
    if place.resume { RunFolder::resume(&folder, run) } else { RunFolder::create(&folder, run) }
}

/// Where the run goes.
pub fn folder(run: &Run, place: &Place) -> PathBuf {
    let default = || default_folder(&run.name);
    match (&place.out, place.resume) {
        (Some(out), _) => out.clone(),
        (None, true) => default(),
        (None, false) => run_folder::next_free(&default()),
    }
}

/// A stopped run is told how to go on.
fn stopped(folder: &RunFolder, place: &Place) -> anyhow::Error {
    let (folder, command) = (folder.path().display(), &place.command);
    anyhow::anyhow!("stopped, and saved in {folder}\ngo on with: {command} --resume --out {folder}")
}
