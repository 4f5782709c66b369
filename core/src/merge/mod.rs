//! What is done with finished weights: several tuned models, or a tuned and the pretrained one, become one model. A
//! merge is one small file and one line in `MERGES`; a spec asks for it with an entry of `methods` such as
//! `{ name = "soup", merge = "average", of = ["fine-tuning", "promot"] }`.

mod average;
mod info;
mod interpolate;
mod same_distance;

use crate::error::{Error, Result};
#[cfg(feature = "models")]
pub use info::Merge;
pub use info::MergeInfo;

/// Every merge there is.
pub static MERGES: &[&MergeInfo] = &[&average::INFO, &interpolate::INFO, &same_distance::INFO];

/// The merge of this name.
///
/// # Errors
/// An unknown name lists the nearest ones.
pub fn by_name(name: &str) -> Result<&'static MergeInfo> {
    let known = || MERGES.iter().map(|info| info.name);
    let found = MERGES.iter().find(|info| info.name == name);
    found.copied().ok_or_else(|| Error::unknown("merge", name, known()))
}
