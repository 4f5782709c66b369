//! Turning a model into text: search sees `NextToken`, never a model.

#[cfg(feature = "models")]
mod beam;
#[cfg(feature = "models")]
mod likeliest;
#[cfg(feature = "models")]
mod next_token;
#[cfg(feature = "models")]
mod of_model;
#[cfg(feature = "models")]
mod score;
mod settings;
#[cfg(feature = "models")]
mod suppressed;

#[cfg(feature = "models")]
pub use beam::{Hypothesis, search};
#[cfg(feature = "models")]
pub use likeliest::{Place, Scored, likeliest};
#[cfg(feature = "models")]
pub use next_token::{NextToken, SearchSettings};
#[cfg(feature = "models")]
pub use of_model::{Batching, ModelDecoder, generate};
#[cfg(feature = "models")]
pub use score::{TokenScores, score};
pub use settings::LengthPenalty;
#[cfg(feature = "models")]
pub use suppressed::Suppressed;
