//! Arguments of `promot inspect`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::shared::{DeviceArgs, ModelArgs, positive};

#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The model that it was before: tells how far each layer has moved
    #[arg(long, value_name = "DIR|FILE|HUB_ID", required_unless_present = "prompt")]
    pub before: Option<String>,
    /// Tokens told for each vector of the soft prompt
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = positive)]
    pub nearest: usize,
    /// Everything as JSON, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}
