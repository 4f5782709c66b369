//! promot-core: two-stage fine-tuning (ProMoT, Wang et al., "Two-stage LLM Fine-tuning with Less Specialization
//! and More Generalization") of T5-style language models, native and in the browser.
//!
//! Pure: values and bytes in, values and bytes out; no files, no network, no clock, no printing.
//! Modules are listed in pipeline order; a module imports only modules above it (tested). rustfmt sorts
//! what no blank line parts, so a blank line stands wherever the alphabet would break that order.

pub mod error;
#[cfg(feature = "models")]
pub mod parallel;
pub mod rng;

pub mod data;
pub mod tokenizer;

pub mod postprocess;
pub mod template;

pub mod metrics;

pub mod world;

pub mod task;

pub mod spec;

pub mod report;

pub mod summary;

#[cfg(feature = "models")]
pub mod batch;
#[cfg(feature = "models")]
pub mod model;

#[cfg(feature = "models")]
pub mod device;
#[cfg(feature = "models")]
pub mod loss;
#[cfg(feature = "models")]
pub mod optim;

#[cfg(feature = "models")]
pub mod decode;

#[cfg(feature = "models")]
pub mod checkpoint;
#[cfg(feature = "models")]
pub mod method;

#[cfg(feature = "models")]
pub mod eval;
#[cfg(feature = "models")]
pub mod train;

pub use error::{Error, Result};
