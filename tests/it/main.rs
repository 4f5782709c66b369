//! All integration tests in one binary: one link, one run.

mod adapters;
mod architecture;
mod causal;
mod docs;
mod exact;
mod fuzz;
mod generate;
mod gguf;
mod golden;
mod methods;
mod metrics;
mod optim;
mod parity;
mod parquet;
mod peft;
mod ranked;
mod real_model;
mod render;
mod scored_once;
mod several;
mod shipped;
mod skip;
mod tasks;
mod tokenizer;
mod torch;
mod watch;
