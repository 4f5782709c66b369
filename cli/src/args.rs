//! The command line: every command and flag, as typed. Nothing is resolved here.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use promot_core::spec::TargetSpec;
use promot_core::task::TaskRef;

use crate::fail;

mod inspect;
mod list;
mod shared;

pub use inspect::InspectArgs;
pub use list::{ListArgs, Listable};
use shared::positive;
pub use shared::{ChatArgs, DeviceArgs, DeviceName, Dtype, ModelArgs, RunningArgs};

/// Two-stage fine-tuning (ProMoT) of language models, beside standard fine-tuning.
///
/// Without a command it runs the tour: the bundled model, fine-tuned on entailment both ways, scored before and
/// after on the target and on eight held-out tasks.
#[derive(Debug, Parser)]
#[command(name = "promot", version, args_conflicts_with_subcommands = true, max_term_width = 110)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole experiment: several methods on one target task, scored side by side (default: the tour)
    Run(Box<RunArgs>),
    /// Tune one model on a task with one method
    Tune(Box<TuneArgs>),
    /// Score a model on tasks, with answered examples before each question
    Eval(EvalArgs),
    /// Download a model from the hub into its cache, or what is new of it, and print the folder
    Fetch(FetchArgs),
    /// Answer inputs, one line each; writes one JSON line for each
    Generate(GenerateArgs),
    /// Log-probabilities of given targets, teacher forced
    Score(ScoreArgs),
    /// Token ids of texts, one JSON array a line
    Tokenize(TokenizeArgs),
    /// BLEU, ROUGE, exact match or accuracy of a file of answers, with the signature
    Metric(MetricArgs),
    /// The difference of two models' answers with its paired interval, from `eval --predictions`
    Compare(CompareArgs),
    /// What training left: how far each layer has moved, and the tokens that a soft prompt is near to
    Inspect(InspectArgs),
    /// Make a bundled model again
    Pretrain(PretrainArgs),
    /// List what there is
    List(ListArgs),
    /// What this machine offers: devices and their probes, threads, memory, the bundled models
    Doctor(DoctorArgs),
    /// Write a shell's completion script to standard output
    Completions(CompletionsArgs),
    /// Measure a GPU beside the CPU, one JSON line a finding
    #[command(hide = true)]
    GpuCheck(GpuCheckArgs),
}

#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Answers of one model, written by `eval --predictions`
    pub one: PathBuf,
    /// Answers of another to the same rows
    pub other: PathBuf,
    /// TOML files that define tasks of yours which the answers are to (docs/tasks.md)
    #[arg(long, value_name = "FILE.toml,...", value_delimiter = ',')]
    pub tasks: Vec<TaskRef>,
    /// The differences as JSON, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// End with status 3 if OTHER is more than so many points below ONE on a task or in the mean, by the whole interval
    #[arg(long, value_name = "POINTS", value_parser = points)]
    pub max_drop: Option<f64>,
}

/// A difference of scores.
fn points(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(points) if (0.0..=100.0).contains(&points) => Ok(points),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

#[derive(Debug, ClapArgs)]
pub struct FetchArgs {
    /// `organisation/name`, at a branch, tag or commit other than main with `@revision` behind it
    pub model: String,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    /// The experiment as a TOML file; fields left out keep their defaults
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["preset", "quick"])]
    pub spec: Option<PathBuf>,
    /// A spec that ships with the program (see `promot list presets`)
    #[arg(long, value_name = "NAME", conflicts_with = "quick")]
    pub preset: Option<String>,
    /// Short for --preset quick: the tour's comparison with few steps and rows, in seconds
    #[arg(long)]
    pub quick: bool,
    /// The model, in place of the spec's. Without --spec and --preset a bundled model has the tour's settings, another one
    /// the paper's own (preset `paper`)
    #[arg(long, value_name = "DIR|FILE|HUB_ID", conflicts_with = "quick")]
    pub model: Option<String>,
    /// The target task, in place of the spec's
    #[arg(long, value_name = "NAME|FILE.toml", conflicts_with = "quick")]
    pub task: Option<String>,
    /// Folder of the report; default: runs/<name>, or the next free name after it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of the tasks' data files, for tasks that are not of the synthetic corpus
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The first seed's tuned models and soft prompts, in models/<method> of the report's folder
    #[arg(long, value_enum, value_name = "PRECISION", default_value_t = KeepModels::F32)]
    pub models: KeepModels,
    #[command(flatten)]
    pub running: RunningArgs,
}

/// In which precision `run` leaves its models, if at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum KeepModels {
    F32,
    F16,
    None,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct TuneArgs {
    /// `mini` or `mini-llama` (the bundled models), a folder in Hugging Face layout, a GGUF file, or a hub id
    /// (`organisation/name[@revision]`)
    #[arg(long, value_name = "DIR|FILE|HUB_ID")]
    pub model: String,
    /// The task to tune on, by name or as a TOML file that defines it (docs/tasks.md); several are mixed, a soft prompt
    /// for each, and keep an equal share of the rows
    #[arg(long, value_name = "NAME|FILE.toml[,...]", value_delimiter = ',', required = true)]
    pub task: Vec<String>,
    /// One of `promot list methods`
    #[arg(long, value_name = "NAME")]
    pub method: String,
    /// Folder of the task's data files, or a .jsonl file with the task's fields
    #[arg(long, value_name = "DIR|FILE")]
    pub data: Option<PathBuf>,
    /// Folder of the report, the tuned model and its prompts; default: runs/<method>-<task>[+<task>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub running: RunningArgs,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct EvalArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Names of `promot list tasks`, or TOML files that define tasks (docs/tasks.md)
    #[arg(long, value_name = "NAME|FILE.toml,...", value_delimiter = ',', required = true)]
    pub tasks: Vec<TaskRef>,
    /// Answered examples before each question
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub shots: usize,
    /// Folder of the tasks' data files, or a .jsonl file with the task's fields
    #[arg(long, value_name = "DIR|FILE")]
    pub data: Option<PathBuf>,
    /// Most rows a task; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Longest input in tokens, the end-of-sequence token included; longer ones are cut; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = TargetSpec::default().max_input)]
    pub max_input: usize,
    /// Width of the beam search
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive)]
    pub beams: usize,
    /// Tokens that an answer has before it may end
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_new: usize,
    /// Text file of words, separated by white space, whose tokens no answer may have
    #[arg(long, value_name = "FILE")]
    pub suppress: Option<PathBuf>,
    /// Draws the answered examples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Every answer as a line of JSON: task, row, input, references, output, answer and, where rows have one, score
    #[arg(long, value_name = "FILE.jsonl|-")]
    pub predictions: Option<PathBuf>,
    /// Scores as JSON, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub chat: ChatArgs,
    /// Width of the beam search; 1 is greedy
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive)]
    pub beams: usize,
    /// Most tokens of an answer, the end-of-sequence token included
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub max_new: usize,
    /// Tokens that an answer has before it may end
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_new: usize,
    /// Text file of words, separated by white space, whose tokens no answer may have
    #[arg(long, value_name = "FILE")]
    pub suppress: Option<PathBuf>,
    /// Exponent of the length in a beam's score
    #[arg(long, value_name = "A", default_value_t = 1.0)]
    pub alpha: f64,
    /// What the score is divided by: length^A (hugging-face) or ((5 + length) / 6)^A (t5x)
    #[arg(long, default_value = "hugging-face", value_enum)]
    pub length_penalty: Penalty,
    /// Inputs answered together
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = positive)]
    pub batch: usize,
    /// One input a line, `-` for standard input
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub input_file: PathBuf,
    /// Where the JSON lines go, `-` for standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub json: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Penalty {
    HuggingFace,
    T5x,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct ScoreArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub chat: ChatArgs,
    /// JSON lines {"input": ..., "target": ...}, `-` for standard input
    #[arg(long, value_name = "FILE.jsonl|-")]
    pub pairs: PathBuf,
    /// Pairs scored together
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = positive)]
    pub batch: usize,
    /// Where the JSON lines go, `-` for standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub json: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct TokenizeArgs {
    /// `mini`, `mini-llama`, a folder with tokenizer.json or spiece.model (ByT5: neither), a GGUF file, or a hub id
    /// (`organisation/name[@revision]`)
    #[arg(long, value_name = "DIR|FILE|HUB_ID")]
    pub model: String,
    /// One text a line, `-` for standard input
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub file: PathBuf,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct MetricArgs {
    #[arg(value_enum)]
    pub metric: MetricName,
    /// Answers, one a line
    #[arg(long, value_name = "FILE")]
    pub hyp: PathBuf,
    /// References, one a line; may repeat for several references a line
    #[arg(long = "ref", value_name = "FILE", required = true)]
    pub references: Vec<PathBuf>,
    /// bleu: 13a, intl, zh, char or none, as in sacreBLEU
    #[arg(long, value_name = "NAME")]
    pub tokenize: Option<String>,
    /// bleu, chrf: compare in lower case
    #[arg(long)]
    pub lowercase: bool,
    /// bleu: exp, floor, add-k or none, as in sacreBLEU
    #[arg(long, value_name = "NAME")]
    pub smooth: Option<String>,
    /// bleu: the value of floor or add-k smoothing
    #[arg(long, value_name = "X")]
    pub smooth_value: Option<f64>,
    /// chrf: longest n-grams of words as well; 2 for chrF++
    #[arg(long, value_name = "N")]
    pub word_order: Option<usize>,
    /// rouge: rouge1, rouge2, rougeL or rougeLsum
    #[arg(long = "type", value_name = "NAME")]
    pub rouge_type: Option<String>,
    /// rouge: rouge_score (ASCII letters and digits), unicode (words of any script) or characters
    #[arg(long, value_name = "NAME")]
    pub rouge_tokenizer: Option<String>,
    /// em: squad or triviaqa, which treat punctuation differently
    #[arg(long, value_name = "NAME")]
    pub normalize: Option<String>,
    /// The score as JSON, `-` for standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub json: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricName {
    Bleu,
    Chrf,
    Rouge,
    Em,
    Contains,
    Accuracy,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct PretrainArgs {
    /// Sizes, steps and rates as TOML
    #[arg(long, value_name = "FILE.toml")]
    pub spec: PathBuf,
    /// Folder of the model
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder of the checkpoints; default: runs/pretrain-<name>
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Go on with an interrupted pretraining
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct DoctorArgs {
    /// The findings as JSON, `-` for standard output
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Opens one device and says what it is: what the program asks a process of its own
    #[arg(long, hide = true, value_enum)]
    pub probe: Option<DeviceName>,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct CompletionsArgs {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Clone, Debug, ClapArgs)]
pub struct GpuCheckArgs {
    /// Seconds for everything; what does not fit is named and left out
    #[arg(long, value_name = "SECONDS", default_value_t = 480)]
    pub budget: u64,
    /// Sizes for a software driver
    #[arg(long)]
    pub tiny: bool,
    /// Only these items, in the order of the check
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ITEM,...")]
    pub only: Vec<Item>,
    /// Where the lines go besides standard output; every line is on disk before the next measurement begins
    #[arg(long, value_name = "FILE", default_value = "gpu-check.jsonl")]
    pub out: PathBuf,
    /// As the check starts itself: items come on standard input, one name a line
    #[arg(long, hide = true)]
    pub worker: Option<Numbers>,
}

/// What is measured, by the letters of the check's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Item {
    Adapter,
    Parity,
    Tour,
    Start,
    Updates,
    FitsStage1,
    FitsStage2,
    Vocabulary,
    Stress,
    ParityF16,
    UpdatesF16,
    TourCpu,
    /// One update in a new process, as `start` asks for it.
    #[value(hide = true)]
    FirstUpdate,
}

/// The number format of a process's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Numbers {
    F32,
    F16,
}

/// The arguments, or a usage error in one line. `--help` and `--version` print and leave with status 0.
pub fn parse() -> anyhow::Result<Args> {
    Args::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => fail::usage(shortened(&error.render().to_string())),
    })
}

/// The first paragraph and the tips of clap's message, without the usage block.
fn shortened(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines = text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let joined = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    format!("{joined}\n--help shows what there is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_of_the_run_work_without_the_command() {
        let args = Args::try_parse_from(["promot", "--quick", "--set", "seeds=1"]).unwrap();
        assert!(args.command.is_none() && args.run.quick);
        assert!(Args::try_parse_from(["promot", "--quick", "run"]).is_err());
    }

    #[test]
    fn a_usage_error_is_short_and_says_what_was_wrong() {
        let error = Args::try_parse_from(["promot", "eval", "--model", "mini"]).unwrap_err();
        let text = shortened(&error.render().to_string());
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("--tasks"), "{text}");
    }
}
