//! Everything that touches the disk.

pub mod atomic;
pub mod dataset;
pub mod events;
pub mod hub;
pub mod model_folder;
mod on_disk;
pub mod prompt_folder;
pub mod run_folder;
