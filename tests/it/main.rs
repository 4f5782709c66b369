//! All integration tests in one binary: one link, one run.

mod adapters;
mod architecture;
mod causal;
mod docs;
mod exact;
mod generate;
mod gguf;
mod golden;
mod methods;
mod metrics;
mod optim;
mod parity;
mod peft;
mod render;
mod several;
mod shipped;
mod skip;
mod tasks;
mod tokenizer;
mod torch;
