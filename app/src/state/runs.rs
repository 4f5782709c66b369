//! What the user does with runs, and a worker that is started again.

use promot_core::spec::RunSpec;

use super::State;
use crate::protocol::{SavedRun, Status};

impl State {
    /// The user starts a run: curves and scores of the last one are cleared.
    pub fn start(&mut self, spec: RunSpec) {
        self.failure = None;
        self.saved = None;
        self.training = self.training.anew(Status::Loading, Some(spec));
    }

    /// The run in storage that is not shown already.
    pub fn offered(&self) -> Option<&SavedRun> {
        let saved = self.saved.as_ref().filter(|_| !self.training.is_running())?;
        (!(saved.finished && self.training.has_results())).then_some(saved)
    }

    /// Whether a new run would take the place of a finished one that is in sight and that nobody has kept.
    pub fn would_lose(&self) -> bool {
        let report = self.training.report.as_ref().filter(|_| !self.training.is_running());
        report.is_some_and(|report| !self.kept.holds(report))
    }

    /// The user deletes the saved run: what was shown of it goes, too.
    pub fn discarded(&mut self) {
        self.training = self.training.anew(Status::Idle, None);
    }

    /// The user resumes the saved run.
    pub fn resume(&mut self) {
        if let Some(saved) = self.saved.take() {
            self.failure = None;
            // After a lost worker the curves of this run stay; those of another run are cleared.
            if self.training.spec.as_ref() != Some(&*saved.spec) {
                self.start(*saved.spec);
            }
            self.training.status = Status::Loading;
        }
    }

    /// Resets everything the old worker reported; results stay.
    pub fn restarted(&mut self) {
        self.failure = None;
        self.device = None;
        self.models.clear();
        self.wall.forget();
        self.explore.forget();
        self.forget_answers();
        self.loading = None;
    }
}
