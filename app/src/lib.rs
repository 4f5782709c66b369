//! The page and its worker: `protocol` is all that they share. `state` is what the page shows, as a plain struct with
//! a pure `apply(event)`; components only draw it. The worker owns device and models; its `plan`, and
//! the `advice` that both give, know nothing of the web and are tested natively.

pub mod advice;
#[cfg(feature = "worker")]
pub mod plan;
pub mod protocol;
pub mod state;

#[cfg(target_family = "wasm")]
mod fetch;
#[cfg(target_family = "wasm")]
pub mod link;
#[cfg(target_family = "wasm")]
pub mod page;
#[cfg(all(target_family = "wasm", feature = "worker"))]
pub mod worker;
