//! The GPU check: a supervisor with a clock, and processes that measure.
//!
//! The supervisor names items to a worker process one after the other and writes down every line that comes back. A
//! worker that fails or outlasts an item's limit is ended, and a new one goes on with the next item.

mod adapter;
mod bench;
mod cards;
mod parity;
mod shapes;
mod stress;
pub mod supervisor;
mod updates;
mod vocabulary;
pub mod worker;
