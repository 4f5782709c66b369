//! Files that the worker keeps: named bytes, wherever the browser puts them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::failure::Failure;

// The worker has one thread, so that no future of these has to be `Send`.
#[allow(async_fn_in_trait)]
pub trait Files {
    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure>;

    /// `None` where there is no such file.
    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// A file that is not there is as good as removed.
    async fn remove(&self, name: &str);
}

/// Where the browser keeps no files, so that a run can at least be paused and exported.
#[derive(Default)]
pub struct MemoryFiles(RefCell<BTreeMap<String, Vec<u8>>>);

impl MemoryFiles {
    pub fn names(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

impl Files for MemoryFiles {
    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.0.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.0.borrow().get(name).cloned())
    }

    async fn remove(&self, name: &str) {
        self.0.borrow_mut().remove(name);
    }
}
