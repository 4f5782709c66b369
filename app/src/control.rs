//! Pause, single steps and the stop of a run: when it has to wait, and what the library is answered.

use promot_core::train::Control;

use crate::protocol::Command;

#[derive(Clone, Debug, Default)]
pub struct RunControl {
    paused: bool,
    stopped: bool,
    /// Steps that may still be done while paused.
    allowed: usize,
    in_stage: bool,
    /// A checkpoint was made after the last step.
    is_saved: bool,
}

impl RunControl {
    /// Takes a command of the page; false for one that has nothing to do with pauses.
    pub fn command(&mut self, command: &Command) -> bool {
        match command {
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Step if self.paused => self.allowed += 1,
            Command::Step => {}
            Command::Stop => self.stopped = true,
            _ => return false,
        }
        true
    }

    /// A stage begins at step `from`, which a checkpoint holds unless it is 0.
    pub fn stage_started(&mut self, from: usize) {
        self.in_stage = true;
        self.is_saved = from > 0;
    }

    pub fn stage_done(&mut self) {
        self.in_stage = false;
    }

    pub fn checkpoint_saved(&mut self) {
        self.is_saved = true;
    }

    /// A step is done: whether to go on.
    pub fn step_done(&mut self) -> Control {
        self.is_saved = false;
        self.allowed = self.allowed.saturating_sub(1);
        match self.answer() {
            Control::Continue if self.paused && self.allowed == 0 => Control::Save,
            answer => answer,
        }
    }

    /// The answer to any other event.
    pub fn answer(&self) -> Control {
        if self.stopped { Control::Stop } else { Control::Continue }
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Within a stage a pause waits for the checkpoint that the next step makes, so that nothing is lost if the page is
    /// closed meanwhile.
    pub fn must_wait(&self) -> bool {
        self.paused && !self.stopped && self.allowed == 0 && (!self.in_stage || self.is_saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(in_stage: bool) -> RunControl {
        let mut control = RunControl::default();
        if in_stage {
            control.stage_started(0);
        }
        assert!(control.command(&Command::Pause));
        control
    }

    #[test]
    fn a_pause_within_a_stage_waits_for_the_checkpoint() {
        let mut control = paused(true);
        assert!(!control.must_wait(), "nothing is saved yet");
        assert_eq!(control.step_done(), Control::Save);
        assert!(!control.must_wait());
        control.checkpoint_saved();
        assert!(control.must_wait());
        control.command(&Command::Resume);
        assert!(!control.must_wait());
        assert_eq!(control.step_done(), Control::Continue);
    }

    #[test]
    fn between_stages_and_in_a_stage_that_was_resumed_a_pause_waits_at_once() {
        assert!(paused(false).must_wait());
        let mut control = paused(true);
        control.stage_started(7);
        assert!(control.must_wait());
        control.stage_done();
        assert!(control.must_wait());
    }

    #[test]
    fn single_steps_end_paused_and_saved() {
        let mut control = paused(true);
        control.step_done();
        control.checkpoint_saved();
        control.command(&Command::Step);
        control.command(&Command::Step);
        assert!(!control.must_wait());
        assert_eq!(control.step_done(), Control::Continue, "one more is allowed");
        assert_eq!(control.step_done(), Control::Save);
        control.checkpoint_saved();
        assert!(control.must_wait());
    }

    #[test]
    fn a_step_that_was_asked_for_without_a_pause_is_none() {
        let mut control = RunControl::default();
        assert!(control.command(&Command::Step));
        control.command(&Command::Pause);
        assert!(control.must_wait());
    }

    #[test]
    fn a_stop_ends_a_pause_and_the_run() {
        let mut control = paused(false);
        control.command(&Command::Stop);
        assert!(!control.must_wait());
        assert_eq!((control.answer(), control.step_done()), (Control::Stop, Control::Stop));
        assert!(!control.command(&Command::Continue));
    }
}
