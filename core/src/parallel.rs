//! Independent jobs side by side, in the pool that Burn's CPU device computes in; one after the other where there are
//! no threads. Results come in the order of the jobs.

/// Whether there are threads.
pub const THREADS: bool = cfg!(not(target_family = "wasm"));

#[cfg(not(target_family = "wasm"))]
pub(crate) fn map<J: Send, T: Send>(jobs: Vec<J>, work: impl Fn(J) -> T + Sync + Send) -> Vec<T> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    if jobs.len() == 1 {
        return jobs.into_iter().map(work).collect();
    }
    jobs.into_par_iter().map(work).collect()
}

#[cfg(target_family = "wasm")]
pub(crate) fn map<J, T>(jobs: Vec<J>, work: impl Fn(J) -> T) -> Vec<T> {
    jobs.into_iter().map(work).collect()
}
