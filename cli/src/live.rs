//! The curves of a run while it goes on, for TensorBoard: `tensorboard --logdir runs`.

use std::fs::File;

use promot_core::train::Event;

use crate::files::events::EventFile;
use crate::files::run_folder::RunFolder;

/// Writes what a run's events measure, each stage's into a folder of its own.
pub struct Live<'a> {
    folder: &'a RunFolder,
    method: String,
    seed: u64,
    /// The method with the values of the sweep that it is trained with.
    point: Option<String>,
    stage: Option<EventFile<File>>,
    /// A file could not be written; the run goes on without.
    over: bool,
}

impl<'a> Live<'a> {
    pub fn new(folder: &'a RunFolder) -> Self {
        Self { folder, method: String::new(), seed: 0, point: None, stage: None, over: false }
    }

    /// # Errors
    /// A file that cannot be written. No other is tried then: the curves are in the report, too.
    pub fn hear(&mut self, event: &Event) -> anyhow::Result<()> {
        if self.over {
            return Ok(());
        }
        let written = self.write(event);
        self.over = written.is_err();
        written
    }

    fn write(&mut self, event: &Event) -> anyhow::Result<()> {
        match event {
            Event::RunStarted { method, seed, .. } => {
                (self.method, self.seed, self.point) = (method.clone(), *seed, None);
            }
            Event::PointStarted { name, .. } => self.point = Some(name.clone()),
            Event::StageStarted { stage, from, .. } => {
                let run = match self.point.as_ref().unwrap_or(&self.method) {
                    // Pretraining is no method and has no seed to tell.
                    name if name.is_empty() => String::new(),
                    name => format!("{name} seed {}", self.seed),
                };
                let folder = self.folder.events(&run, &stage.to_string());
                self.stage = Some(EventFile::create(&folder, *from)?);
            }
            Event::Step { step, loss, .. } => self.scalar(*step, "loss", *loss)?,
            Event::Validated { step, score, .. } => self.scalar(*step, "validation", *score)?,
            Event::Watched { step, task, score, format_rate, .. } => {
                self.scalar(*step, &format!("held_out/{task}"), *score)?;
                if let Some(rate) = format_rate {
                    self.scalar(*step, &format!("target_format_rate/{task}"), *rate)?;
                }
            }
            Event::StageDone { .. } => self.stage = None,
            Event::RunDone { .. }
            | Event::Restored { .. }
            | Event::Evaluating { .. }
            | Event::Answered { .. } => {}
        }
        Ok(())
    }

    fn scalar(&mut self, step: usize, tag: &str, value: f64) -> anyhow::Result<()> {
        self.stage.as_mut().map_or(Ok(()), |file| Ok(file.scalar(step, tag, value)?))
    }
}
