//! What waits to be written to storage. The library hands it over in the middle of a step, where nothing can wait.

use crate::failure::Failure;

#[derive(Debug)]
pub struct Writes<T> {
    waiting: Vec<T>,
    failing: bool,
}

impl<T> Default for Writes<T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), failing: false }
    }
}

impl<T> Writes<T> {
    pub fn push(&mut self, item: T) {
        self.waiting.push(item);
    }

    /// Everything that waits, oldest first.
    pub fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.waiting)
    }

    /// How a write ended. Only the first of several failures in a row is handed back to be shown: training itself goes on,
    /// and the next checkpoint may fit again.
    pub fn ended(&mut self, result: Result<(), Failure>) -> Option<Failure> {
        let failed_before = std::mem::replace(&mut self.failing, result.is_err());
        result.err().filter(|_| !failed_before).map(|failure| {
            failure.advice(
                "Training goes on, but what it does now is lost if the page is closed. Free some disk space, or allow \
                 this site to store data.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_taken_once_and_in_order() {
        let mut writes = Writes::default();
        writes.push(1);
        writes.push(2);
        assert_eq!((writes.take(), writes.take()), (vec![1, 2], vec![]));
    }

    #[test]
    fn a_failure_is_shown_once_until_a_write_succeeds() {
        let mut writes = Writes::<()>::default();
        let full = || Err(Failure::storage("full"));
        assert!(writes.ended(full()).is_some_and(|failure| failure.advice.is_some()));
        assert_eq!(writes.ended(full()), None);
        assert_eq!(writes.ended(Ok(())), None);
        assert!(writes.ended(full()).is_some());
    }
}
