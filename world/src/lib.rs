//! promot-world: a synthetic corpus, the tasks on it, and the small model that is pretrained on it.
//!
//! A small closed world told by grammars of ours, as rows of twelve tasks and as pretraining text. Everything is a
//! function of fixed seeds. A sentence (or fact, or summary) belongs to one split by the hash of its text, and
//! pretraining uses the training split only, so that what an evaluation asks never stands in pretraining or fine-tuning
//! text in the form that is asked. Pure, as the library is; the library does not know it.

mod draw;
mod lexicon;
mod text;

mod split;

mod choice;
mod entail;
mod facts;
mod grammar;
mod senses;
mod summary;

mod everyday;
mod rows;

mod spoken;
mod vary;

mod labels;

pub mod documents;
pub mod spans;

pub mod texts;
#[cfg(feature = "models")]
mod tokenizer;

mod catalog;
#[cfg(feature = "models")]
mod init;
#[cfg(feature = "models")]
mod pretrain_spec;
#[cfg(feature = "models")]
mod pretraining;
#[cfg(feature = "models")]
mod provider;

#[cfg(test)]
mod frozen;
#[cfg(test)]
mod tests;

pub use catalog::{Catalog, PRESETS, SUITE, catalog};
pub use facts::{Known, Topic, known};
#[cfg(feature = "models")]
pub use pretrain_spec::{Architecture, PretrainSpec};
#[cfg(feature = "models")]
pub use pretraining::pretrain;
#[cfg(feature = "models")]
pub use provider::Generated;
pub use rows::{DATA_SETS, rows};
