//! What reading a file may cost, in bytes of memory: counts in a damaged file are any number.

use std::cell::Cell;

/// Asked before anything is allocated that a count of the file decides.
pub struct Budget {
    whole: usize,
    left: Cell<usize>,
}

impl Budget {
    pub fn new(whole: usize) -> Self {
        Self { whole, left: Cell::new(whole) }
    }

    /// # Errors
    /// No such amount is left.
    pub fn spend(&self, bytes: usize) -> Result<(), String> {
        let left = self.left.get().checked_sub(bytes);
        let left =
            left.ok_or_else(|| format!("expected at most {} bytes once unpacked, found more", self.whole))?;
        self.left.set(left);
        Ok(())
    }

    /// As `spend`, for so many things of a size.
    ///
    /// # Errors
    /// No such amount is left.
    pub fn spend_each(&self, count: usize, bytes: usize) -> Result<(), String> {
        self.spend(count.saturating_mul(bytes))
    }
}
