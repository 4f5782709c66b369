//! Failures as the page shows them: their kind, a message, and what may help.

use promot_core::Error;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The loss is no longer a finite number.
    Diverged,
    OutOfMemory,
    /// The graphics driver was reset, or the browser took the device away.
    DeviceLost,
    /// The device refused something or gave wrong numbers.
    Device,
    /// The browser's storage failed, or holds what cannot be read.
    Storage,
    #[default]
    Other,
}

impl FailureKind {
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Diverged => "diverged",
            FailureKind::OutOfMemory => "out-of-memory",
            FailureKind::DeviceLost => "device-lost",
            FailureKind::Device => "device",
            FailureKind::Storage => "storage",
            FailureKind::Other => "other",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// One or two sentences.
    pub message: String,
    pub advice: Option<String>,
    /// The worker must be started again.
    pub fatal: bool,
}

/// Against too little memory, where the settings are not known.
const SMALLER: &str = "Try a smaller batch, or more micro-batches (accumulate), shorter inputs (max_input) or a shorter prompt.";

const RESTART: &str = "Start again; if it fails again, add ?device=cpu to the address.";

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), advice: None, fatal: false }
    }

    pub fn other(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, message)
    }

    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Storage, message)
    }

    pub fn device(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Device, message).advice(RESTART)
    }

    pub fn out_of_memory(message: impl Into<String>) -> Self {
        Self::new(FailureKind::OutOfMemory, message).advice(SMALLER)
    }

    /// The device is gone, for the reason that the browser gives.
    pub fn lost_device(reason: &str) -> Self {
        Self::of_device_text(reason).unwrap_or_else(Self::lost).fatal()
    }

    /// The worker panicked with this text; nothing in it can be trusted any more.
    pub fn of_panic(text: &str) -> Self {
        let unknown = || Self::other(format!("The engine failed: {text}")).advice(RESTART);
        Self::of_device_text(text).unwrap_or_else(unknown).fatal()
    }

    pub fn advice(mut self, text: impl Into<String>) -> Self {
        self.advice = Some(text.into());
        self
    }

    pub fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }

    fn lost() -> Self {
        let message = "The graphics device was lost: the driver was reset, or the browser took it away.";
        Self::new(FailureKind::DeviceLost, message)
            .advice("Start again; training goes on from its last checkpoint.")
            .fatal()
    }

    /// The only place that reads a message's words: panics and read-back errors of the tensor library, and the driver's
    /// errors in them, come as text alone.
    fn of_device_text(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let has = |words: &str| lower.contains(words);
        // Memory first: a device that ran out of it is called lost or poisoned afterwards.
        if ["out of memory", "memory allocation", "outofmemory"].into_iter().any(has) {
            return Some(Self::out_of_memory(format!("There was not enough memory ({text}).")));
        }
        // Chromium speaks of an instance where its graphics process has ended.
        let gone = has("device") && has("lost") || ["poison", "external instance"].into_iter().any(has);
        gone.then(Self::lost)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Diverged { .. } => Self::new(FailureKind::Diverged, message),
            Error::OutOfMemory { .. } => Self::out_of_memory(message),
            Error::Device { problem, .. } => {
                Self::of_device_text(problem).unwrap_or_else(|| Self::device(message))
            }
            Error::Storage(_) => Self::storage(message),
            _ => Self::other(message),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::other(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_device_is_known_by_all_its_names() {
        let read_back = "The device is poisoned\nCaused by:\n  Unknown: A valid external Instance reference no longer exists.";
        for text in
            ["device lost: ", "Parent device is lost", read_back, "Instance dropped: external Instance"]
        {
            let failure = Failure::of_panic(text);
            assert_eq!((failure.kind, failure.fatal), (FailureKind::DeviceLost, true), "{text}");
            let error = Error::Device { device: "read-back".into(), problem: text.into() };
            assert_eq!(Failure::from(error), failure, "{text}");
        }
        assert_eq!(Failure::lost_device("destroyed"), Failure::of_panic("device lost"));
        assert_eq!(Failure::of_panic("the checkpoint is lost").kind, FailureKind::Other);
    }

    #[test]
    fn too_little_memory_comes_before_what_follows_from_it() {
        for failure in [
            Failure::of_panic("memory allocation failed, the device is poisoned"),
            Failure::lost_device("Device lost: out of memory"),
        ] {
            assert_eq!((failure.kind, failure.fatal), (FailureKind::OutOfMemory, true));
            assert!(failure.message.contains("not enough memory") && failure.advice.is_some());
        }
    }

    #[test]
    fn errors_of_the_library_keep_their_kind() {
        let kind = |error: Error| Failure::from(error).kind;
        let (device, problem) = (String::from("wgpu"), String::from("no adapter"));
        assert_eq!(
            kind(Error::OutOfMemory { device: device.clone(), problem: problem.clone() }),
            FailureKind::OutOfMemory
        );
        assert_eq!(kind(Error::Device { device, problem }), FailureKind::Device);
        assert_eq!(
            kind(Error::Diverged { stage: Default::default(), step: 3, loss: f64::NAN }),
            FailureKind::Diverged
        );
        assert_eq!(kind(Error::Storage("full".into())), FailureKind::Storage);
        // Whatever a file is called: its text decides nothing.
        assert_eq!(kind(Error::format("out of memory.json", "device lost")), FailureKind::Other);
    }
}
