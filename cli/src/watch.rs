//! The terminal and the disk of a run: the library tells what happens, and this shows and stores it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use promot_core::checkpoint::Checkpoint;
use promot_core::train::{Control, Event, FinishedRun, Observer};
use promot_core::{Error, Result};

use crate::files::atomic;
use crate::files::run_folder::{self, RunFolder};
use crate::interrupt;
use crate::live::Live;
use crate::progress::Progress;

/// Watches one run and keeps what it saves in its folder.
pub struct Watch<'a> {
    folder: &'a RunFolder,
    /// Other run folders whose stages may be taken over.
    reuse: &'a [PathBuf],
    progress: Progress,
    live: Live<'a>,
    started: Instant,
    /// "[2/3] promot"
    run: String,
    /// "1/3 promot (learning_rate=0.001)", where validation chooses among several.
    point: String,
    /// Evaluations inside a stage leave the stage's bar in place.
    in_stage: bool,
    evaluating: String,
}

impl<'a> Watch<'a> {
    pub fn new(folder: &'a RunFolder) -> Self {
        Self {
            folder,
            reuse: &[],
            progress: Progress::new(),
            live: Live::new(folder),
            started: Instant::now(),
            run: String::new(),
            point: String::new(),
            in_stage: false,
            evaluating: String::new(),
        }
    }

    /// Also looks for finished stages in these run folders.
    pub fn reusing(self, reuse: &'a [PathBuf]) -> Self {
        Self { reuse, ..self }
    }

    /// A line for people who watch; like the bars, only on a terminal.
    pub fn say(&self, text: &str) {
        self.progress.say(text);
    }

    pub fn finish(&self) {
        self.progress.finish();
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { method, index, count, .. } => {
                self.point.clear();
                self.run =
                    if *count > 1 { format!("[{}/{count}] {method}", index + 1) } else { method.clone() };
            }
            Event::PointStarted { name, index, count } => {
                self.point = format!("{}/{count} {name}", index + 1);
            }
            Event::StageStarted { stage, from, steps } => {
                self.in_stage = true;
                let parts = [self.run.clone(), self.point.clone(), stage.to_string()];
                let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                self.progress.begin(&parts.join(", "), *steps, *from);
            }
            Event::Step { step, loss, tokens, .. } => self.progress.step(*step, *loss, *tokens),
            Event::Evaluating { task, done, rows } => self.evaluating(task, *done, *rows),
            Event::Validated { score, best, .. } => {
                self.progress.note(&format!("validation {score:.1}{}", if *best { ", best" } else { "" }));
            }
            Event::Watched { .. } | Event::Answered { .. } | Event::Restored { .. } => {}
            Event::StageDone { .. } => self.in_stage = false,
            Event::RunDone { run } => {
                let mean = |(shots, mean)| format!(", held-out {shots}-shot {mean:.1}");
                let held_out: String = run.norm_avg.iter().map(mean).collect();
                let targets: Vec<String> =
                    run.targets().map(|target| format!("{} {:.1}", target.task, target.score)).collect();
                let chosen: Vec<String> =
                    run.chosen.iter().map(|(path, value)| format!("{path}={value}, ")).collect();
                let chosen = chosen.concat();
                self.progress.say(&format!("{}: {chosen}{}{held_out}", self.run, targets.join(", ")));
            }
        }
    }

    fn evaluating(&mut self, task: &str, done: usize, rows: usize) {
        if self.in_stage {
            self.progress.pause(&format!("scoring {task} {done}/{rows}"));
            return;
        }
        if self.evaluating != task || done == 0 {
            self.evaluating = task.to_owned();
            self.progress.begin(&format!("{}, {task}", self.run), rows, done);
        }
        self.progress.advance(done);
    }
}

impl Observer for Watch<'_> {
    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn event(&mut self, event: &Event) -> Control {
        self.show(event);
        if let Err(error) = self.live.hear(event) {
            self.say(&format!("no curves for TensorBoard from here on: {error:#}"));
        }
        // A checkpoint comes next.
        if matches!(event, Event::Validated { .. }) {
            promot_allocator::give_back();
        }
        let stops = matches!(event, Event::Step { step, .. } if interrupt::stops_at(*step));
        if stops || interrupt::asked() { Control::Stop } else { Control::Continue }
    }

    fn save(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let path = self.folder.checkpoint(&checkpoint.name, checkpoint.step);
        stored(atomic::write_folder(&path, &checkpoint.files))?;
        drop(checkpoint.files);
        promot_allocator::give_back();
        // Only after the new one is whole may the older ones go.
        for (step, older) in stored(checkpoints(&path))? {
            if step < checkpoint.step {
                stored(
                    fs::remove_dir_all(&older)
                        .map_err(|error| anyhow::anyhow!("{}: {error}", older.display())),
                )?;
            }
        }
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<Option<Checkpoint>> {
        let own = newest(&self.folder.checkpoint(name, 0), name)?;
        if own.as_ref().is_some_and(Checkpoint::is_finished) {
            return Ok(own);
        }
        // Equal names are equal stages, so a finished one of another run is this one, too.
        for other in self.reuse {
            let found = newest(&run_folder::checkpoint(other, name, 0), name)?;
            if let Some(checkpoint) = found.filter(Checkpoint::is_finished) {
                self.say(&format!("{name}: taken over from {}", other.display()));
                return Ok(Some(checkpoint));
            }
        }
        Ok(own)
    }

    fn save_run(&mut self, run: &FinishedRun) -> Result<()> {
        let bytes = serde_json::to_vec(run).map_err(|error| Error::format("a finished run", error))?;
        stored(atomic::write(&self.folder.finished(&run.run.method, run.run.seed), &bytes))
    }

    fn load_run(&mut self, method: &str, seed: u64, settings: &str) -> Result<Option<FinishedRun>> {
        if let Some(own) = stored(run_folder::read_finished(self.folder.path(), method, seed))? {
            return Ok(Some(own));
        }
        let found = stored(run_folder::finished_among(self.reuse, method, seed, settings))?;
        let Some((other, found)) = found else { return Ok(None) };
        self.say(&format!("{method} with seed {seed}: taken over from {}", other.display()));
        // Its own from now on: it can be resumed, and taken over again, without the other.
        self.save_run(&found)?;
        Ok(Some(found))
    }
}

fn newest(any: &Path, name: &str) -> Result<Option<Checkpoint>> {
    let Some((step, path)) = stored(checkpoints(any))?.pop() else { return Ok(None) };
    let files = stored(atomic::read_folder(&path))?;
    Ok(files.map(|files| Checkpoint { name: name.to_owned(), step, files }))
}

/// The checkpoints beside `path`, oldest first, after undoing interrupted writes.
fn checkpoints(path: &Path) -> anyhow::Result<Vec<(usize, PathBuf)>> {
    let folder = path.parent().unwrap_or(path);
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    // An interrupted write has left `.checkpoint-9.tmp` or the like.
    let step = |name: &str| run_folder::step(name.trim_start_matches('.').split('.').next()?);
    let mut steps: Vec<usize> =
        entries.filter_map(|entry| step(&entry.ok()?.file_name().to_string_lossy())).collect();
    steps.sort_unstable();
    steps.dedup();
    let mut found = Vec::new();
    for step in steps {
        let path = folder.join(format!("checkpoint-{step}"));
        atomic::recover_folder(&path)?;
        if path.is_dir() {
            found.push((step, path));
        }
    }
    Ok(found)
}

fn stored<T>(result: anyhow::Result<T>) -> Result<T> {
    result.map_err(|error| Error::Storage(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use promot_core::spec::RunSpec;

    use super::*;
    use crate::catalog::tasks;

    fn checkpoint(step: usize) -> Checkpoint {
        let files = BTreeMap::from([("manifest.json".to_owned(), format!("{step}").into_bytes())]);
        Checkpoint { name: "seed-0.fine-tuning".into(), step, files }
    }

    #[test]
    fn the_newest_whole_checkpoint_comes_back_and_older_ones_go() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path(), &RunSpec::default().resolve(tasks()).unwrap()).unwrap();
        let mut watch = Watch::new(&folder);
        assert!(watch.load("seed-0.fine-tuning").unwrap().is_none());
        watch.save(checkpoint(9)).unwrap();
        watch.save(checkpoint(10)).unwrap();
        let stage = root.path().join("stages/seed-0.fine-tuning");
        assert_eq!(fs::read_dir(&stage).unwrap().count(), 1);
        // A write that was cut off leaves its temporary folder, which is not a checkpoint.
        fs::create_dir(stage.join(".checkpoint-11.tmp")).unwrap();
        let loaded = watch.load("seed-0.fine-tuning").unwrap().unwrap();
        assert_eq!((loaded.step, loaded.files), (10, checkpoint(10).files));
        assert_eq!(fs::read_dir(&stage).unwrap().count(), 1);
    }

    #[test]
    fn a_disk_that_refuses_is_an_error_with_the_path() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path(), &RunSpec::default().resolve(tasks()).unwrap()).unwrap();
        // A file where the folder of checkpoints should be.
        fs::write(root.path().join("stages"), "").unwrap();
        let error = Watch::new(&folder).save(checkpoint(1)).unwrap_err().to_string();
        assert!(error.contains("stages/seed-0.fine-tuning"), "{error}");
    }
}
