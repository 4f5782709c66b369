//! All integration tests in one binary: one link, one run.

mod architecture;
mod docs;
mod exact;
mod generate;
mod golden;
mod metrics;
mod optim;
mod parity;
mod several;
mod shipped;
mod tasks;
mod tokenizer;
