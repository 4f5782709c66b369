//! What several commands take.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// Where and how the model computes.
#[derive(Clone, Debug, ClapArgs)]
pub struct DeviceArgs {
    /// auto takes a GPU that passes a probe, else the CPU
    #[arg(long, default_value = "auto", value_enum)]
    pub device: DeviceName,
    /// Number format of the computation; only f32 for now
    #[arg(long, default_value = "f32", value_enum)]
    pub dtype: Dtype,
    /// CPU threads; default: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceName {
    Auto,
    Vulkan,
    Wgpu,
    Cpu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    F32,
    F16,
    Bf16,
}

/// How an experiment runs, whatever is in it.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunningArgs {
    /// Override one field of the spec, such as stage.fine-tuning.steps=200; may repeat
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// One seed instead of the spec's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Go on with an interrupted run in --out, or in the folder that is its default
    #[arg(long)]
    pub resume: bool,
    /// Take over finished stages and scores from another run folder where they are the same; may repeat
    #[arg(long, value_name = "DIR")]
    pub reuse: Vec<PathBuf>,
    /// Show the rows that are read, a training row as the model reads it, and the stages that would run; run nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// The model to read, and a soft prompt to put in front of its input.
#[derive(Clone, Debug, ClapArgs)]
pub struct ModelArgs {
    /// `mini` or `mini-llama` (the bundled models), a folder in Hugging Face layout, a GGUF file, or a hub id
    /// (`organisation/name[@revision]`)
    #[arg(long, value_name = "DIR|FILE|HUB_ID")]
    pub model: String,
    /// Soft prompt: a folder in PEFT layout, or a .npy file of [length, d_model]
    #[arg(long, value_name = "DIR|FILE")]
    pub prompt: Option<PathBuf>,
    /// What PEFT saved for the model: a soft prompt, or LoRA or IA3, which are merged into the weights
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
}

/// Inputs as turns of a chat.
#[derive(Clone, Debug, ClapArgs)]
pub struct ChatArgs {
    /// Each input is the user's turn in the model's own chat template
    #[arg(long)]
    pub chat: bool,
    /// The system's turn before it
    #[arg(long, value_name = "TEXT", requires = "chat")]
    pub system: Option<String>,
}

pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("expected a whole number".to_owned()),
    }
}
