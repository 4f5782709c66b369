//! `promot list`, as typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use promot_core::task::TaskRef;

#[derive(Clone, Debug, ClapArgs)]
pub struct ListArgs {
    #[arg(value_enum)]
    pub what: Listable,
    /// With `tasks`: one row of this task after every step on its way to a score
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub show: Option<TaskRef>,
    /// Which of the test rows, from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "show")]
    pub row: usize,
    /// In-context examples before it
    #[arg(long, value_name = "K", default_value_t = 0, requires = "show")]
    pub shots: usize,
    /// Whose tokenizer reads it
    #[arg(long, value_name = "DIR|FILE|HUB_ID", default_value = "mini", requires = "show")]
    pub model: String,
    /// Folder of the task's data files, or one file
    #[arg(long, value_name = "DIR|FILE", requires = "show")]
    pub data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listable {
    Tasks,
    Methods,
    Models,
    Presets,
    Devices,
}
