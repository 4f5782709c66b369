//! What CubeCL's files in a browser implement for the engine, and what they call of it.

use std::fmt;
use std::sync::Arc;

pub type Result<T> = std::result::Result<T, LimboError>;

#[derive(Clone, Debug)]
pub enum LimboError {
    InternalError(String),
}

impl fmt::Display for LimboError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::InternalError(message) = self;
        f.write_str(message)
    }
}

impl std::error::Error for LimboError {}

pub mod io {
    #[derive(Clone, Copy, Debug)]
    pub enum FileSyncType {
        Fsync,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub struct FileId(String);

    impl FileId {
        pub fn from_path_hash(path: &str) -> Self {
            Self(path.into())
        }
    }
}

/// Never there.
#[derive(Clone, Copy, Debug)]
pub enum OpenFlags {}

/// Never there.
#[derive(Debug)]
pub enum Buffer {}

impl Buffer {
    pub fn as_slice(&self) -> &[u8] {
        match *self {}
    }

    pub fn as_mut_slice(&self) -> &mut [u8] {
        match *self {}
    }
}

/// Never there.
#[derive(Clone, Copy, Debug)]
pub enum Completion {}

impl Completion {
    pub fn complete(&self, _count: i32) {
        match *self {}
    }

    pub fn as_read(&self) -> &Reading {
        match *self {}
    }
}

/// Never there.
#[derive(Debug)]
pub enum Reading {}

impl Reading {
    pub fn buf_arc(&self) -> Arc<Buffer> {
        match *self {}
    }
}

#[derive(Clone, Copy, Debug)]
pub struct MonotonicInstant;

impl MonotonicInstant {
    pub fn from_nanos(_nanoseconds: u128) -> Self {
        Self
    }
}

#[derive(Clone, Copy, Debug)]
pub struct WallClockInstant {
    pub secs: i64,
    pub micros: u32,
}

pub trait Clock {
    fn current_time_monotonic(&self) -> MonotonicInstant;
    fn current_time_wall_clock(&self) -> WallClockInstant;
}

pub trait File: Send + Sync {
    fn lock_file(&self, exclusive: bool) -> Result<()>;
    fn unlock_file(&self) -> Result<()>;
    fn pread(&self, position: u64, completion: Completion) -> Result<Completion>;
    fn pwrite(&self, position: u64, buffer: Arc<Buffer>, completion: Completion) -> Result<Completion>;
    fn sync(&self, completion: Completion, kind: io::FileSyncType) -> Result<Completion>;
    fn size(&self) -> Result<u64>;
    fn truncate(&self, size: u64, completion: Completion) -> Result<Completion>;
}

pub trait IO: Clock + Send + Sync {
    fn open_file(&self, path: &str, flags: OpenFlags, direct: bool) -> Result<Arc<dyn File>>;
    fn remove_file(&self, path: &str) -> Result<()>;
    fn file_id(&self, path: &str) -> Result<io::FileId>;
}
