//! Everything that touches the disk.

pub mod atomic;
pub mod dataset;
pub mod model_folder;
pub mod npy;
pub mod prompt_folder;
pub mod run_folder;
