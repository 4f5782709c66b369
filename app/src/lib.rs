//! The page and its worker: `protocol` is all that they share. `state` is what the page shows, as a plain struct with
//! a pure `apply(event)`; components only draw it. The worker owns device and models. What it decides (`adapter`,
//! `control`, `eta`, `saved`, `writes`) knows nothing of the web and is tested natively, as are `failure` and `advice`.

pub mod adapter;
pub mod advice;
pub mod batch;
pub mod budget;
pub mod catalog;
pub mod column;
#[cfg(feature = "worker")]
pub mod control;
#[cfg(feature = "worker")]
pub mod eta;
pub mod failure;
pub mod files;
pub mod inspected;
#[cfg(feature = "worker")]
pub mod kept;
pub mod longest;
pub mod protocol;
pub mod recordings;
#[cfg(feature = "worker")]
pub mod saved;
#[cfg(feature = "worker")]
mod sealed;
pub mod state;
pub mod writes;
pub mod zip;

#[cfg(target_family = "wasm")]
mod fetch;
#[cfg(target_family = "wasm")]
pub mod link;
#[cfg(target_family = "wasm")]
pub mod page;
#[cfg(all(target_family = "wasm", feature = "worker"))]
pub mod worker;
