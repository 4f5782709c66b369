//! promot-core: two-stage fine-tuning (ProMoT, Wang et al., "Two-stage LLM Fine-tuning with Less Specialization
//! and More Generalization") of T5-style language models, native and in the browser.
//!
//! Pure: values and bytes in, values and bytes out; no files, no network, no clock, no printing.
//! Modules are listed in pipeline order; a module imports only modules above it (tested). rustfmt sorts
//! what no blank line parts, so a blank line stands wherever the alphabet would break that order.

pub mod stage_id;

pub mod error;

pub mod content;
#[cfg(feature = "models")]
pub mod parallel;
pub mod rng;

pub mod data;
pub mod postprocess;
pub mod template;
pub mod tokenizer;

pub mod metrics;

pub mod task;

pub mod record;

pub mod render;

#[cfg(feature = "models")]
pub mod batch;
#[cfg(feature = "models")]
pub mod model;
#[cfg(feature = "models")]
pub mod peft;

#[cfg(feature = "models")]
pub mod inspect;

#[cfg(feature = "models")]
pub mod device;
#[cfg(feature = "models")]
pub mod loss;
pub mod optim;

pub mod decode;

pub mod method;

pub mod merge;

#[cfg(feature = "models")]
pub mod checkpoint;
pub mod eval;

pub mod spec;

pub mod report;

pub mod paired;
pub mod results_table;
pub mod signs;

pub mod chart;
pub mod report_html;

#[cfg(feature = "models")]
pub mod train;

pub use error::{Error, Result};
