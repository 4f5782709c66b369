//! The clock of the check: which item comes when, how long it may take, and every finding on disk at once.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use serde_json::{Map, Value, json};

use crate::args::{GpuCheckArgs, Item, Numbers};

/// An item, who measures it, and how many seconds it may take.
struct Step {
    item: Item,
    by: By,
    limit: u64,
}

enum By {
    /// The worker of this number format; a new one where the item wants an empty device.
    Worker { numbers: Numbers, new: bool },
    /// Two processes, one after the other.
    NewProcesses,
    /// The program itself, as its user starts it.
    Program { device: &'static str },
}

const SAME: By = By::Worker { numbers: Numbers::F32, new: false };
const NEW: By = By::Worker { numbers: Numbers::F32, new: true };
const HALF: By = By::Worker { numbers: Numbers::F16, new: false };

/// Most important first.
const STEPS: [Step; 12] = [
    Step { item: Item::Adapter, by: SAME, limit: 30 },
    Step { item: Item::Parity, by: SAME, limit: 120 },
    Step { item: Item::ParityF16, by: HALF, limit: 60 },
    Step { item: Item::Tour, by: By::Program { device: "wgpu" }, limit: 150 },
    Step { item: Item::Start, by: By::NewProcesses, limit: 60 },
    Step { item: Item::Updates, by: SAME, limit: 120 },
    Step { item: Item::UpdatesF16, by: HALF, limit: 60 },
    Step { item: Item::FitsStage1, by: NEW, limit: 40 },
    Step { item: Item::FitsStage2, by: NEW, limit: 40 },
    Step { item: Item::Vocabulary, by: NEW, limit: 60 },
    Step { item: Item::Stress, by: NEW, limit: 75 },
    Step { item: Item::TourCpu, by: By::Program { device: "cpu" }, limit: 300 },
];

/// A software driver compiles for minutes what a card has in seconds.
const SLOWER: u64 = 10;

/// Less time than this is not worth a start.
const LEAST: Duration = Duration::from_secs(5);

pub fn run(args: &GpuCheckArgs) -> anyhow::Result<()> {
    let mut check = Check::new(args)?;
    let mut worker: Option<Worker> = None;
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| args.only.is_empty() || args.only.contains(&step.item)) {
        let left = check.left();
        if left < LEAST {
            check.end(step.item, Outcome::NoTime, Duration::ZERO)?;
            continue;
        }
        let start = Instant::now();
        let limit = if args.tiny { SLOWER * step.limit } else { step.limit };
        let deadline = start + left.min(Duration::from_secs(limit));
        let outcome = match step.by {
            By::Worker { numbers, new } => {
                let kept = worker.take().filter(|worker| worker.numbers == numbers && !new);
                let (outcome, kept) = check.worked(step.item, numbers, kept, deadline)?;
                worker = kept;
                outcome
            }
            By::NewProcesses => check.started_twice(deadline)?,
            By::Program { device } => check.tour(step.item, device, deadline)?,
        };
        if outcome.is_bad() {
            failed.push(name(step.item));
        }
        check.end(step.item, outcome, start.elapsed())?;
    }
    drop(worker);
    check.close();
    if failed.is_empty() { Ok(()) } else { bail!("failed or not finished: {}", failed.join(", ")) }
}

/// How an item ended.
enum Outcome {
    Done,
    Failed(String),
    /// Its own limit or the budget was over.
    Stopped,
    /// The budget was over before it began.
    NoTime,
}

impl Outcome {
    fn is_bad(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Stopped)
    }

    fn fields(self) -> (&'static str, Option<String>) {
        match self {
            Self::Done => ("done", None),
            Self::Failed(problem) => ("failed", Some(problem)),
            Self::Stopped => ("stopped", Some("its time was over".to_owned())),
            Self::NoTime => ("left out", Some("the budget was over".to_owned())),
        }
    }
}

struct Check {
    tiny: bool,
    out: File,
    /// Folder of the runs, removed at the end.
    work: PathBuf,
    end: Instant,
    start: Instant,
}

impl Check {
    fn new(args: &GpuCheckArgs) -> anyhow::Result<Self> {
        let start = Instant::now();
        let out = File::create(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
        let work = std::env::temp_dir().join(format!("promot-gpu-check-{}", std::process::id()));
        fs::create_dir_all(&work).with_context(|| format!("creating {}", work.display()))?;
        let end = start + Duration::from_secs(args.budget);
        let mut check = Self { tiny: args.tiny, out, work, end, start };
        let finding = json!({ "what": "check", "version": env!("CARGO_PKG_VERSION"), "tiny": args.tiny,
            "budget": args.budget, "threads": thread::available_parallelism().map_or(1, usize::from) });
        check.line(None, finding)?;
        Ok(check)
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// A line on standard output and, before this returns, on disk.
    fn line(&mut self, item: Option<Item>, finding: Value) -> anyhow::Result<()> {
        let mut fields = Map::new();
        if let Some(item) = item {
            fields.insert("item".into(), name(item).into());
        }
        match finding {
            Value::Object(found) => fields.extend(found),
            other => _ = fields.insert("found".into(), other),
        }
        let line = format!("{}\n", Value::Object(fields));
        crate::output::text_to("-".as_ref(), &line)?;
        self.out.write_all(line.as_bytes()).context("writing the findings")?;
        self.out.sync_data().context("writing the findings")
    }

    fn end(&mut self, item: Item, outcome: Outcome, took: Duration) -> anyhow::Result<()> {
        let (outcome, problem) = outcome.fields();
        let at = self.start.elapsed().as_secs_f64();
        let seconds = took.as_secs_f64();
        self.line(Some(item), json!({ "outcome": outcome, "problem": problem, "seconds": seconds, "at": at }))
    }

    /// Asks a worker for an item; one that is still good for the next comes back.
    fn worked(
        &mut self,
        item: Item,
        numbers: Numbers,
        kept: Option<Worker>,
        deadline: Instant,
    ) -> anyhow::Result<(Outcome, Option<Worker>)> {
        let mut worker = match kept {
            Some(worker) => worker,
            None => Worker::start(numbers, self.tiny)?,
        };
        worker.ask(item)?;
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            match worker.lines.recv_timeout(wait) {
                Ok(line) => {
                    // What is not JSON is a library's talk.
                    let Ok(Value::Object(found)) = serde_json::from_str::<Value>(&line) else { continue };
                    match found.get("end") {
                        None => self.line(Some(item), Value::Object(found))?,
                        Some(Value::String(problem)) => return Ok((Outcome::Failed(problem.clone()), None)),
                        Some(_) => return Ok((Outcome::Done, Some(worker))),
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok((Outcome::Stopped, None)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok((Outcome::Failed(worker.last_words()), None));
                }
            }
        }
    }

    /// The first updates of a new process, and of the next one, which finds what the first left behind.
    fn started_twice(&mut self, deadline: Instant) -> anyhow::Result<Outcome> {
        for _ in 0..2 {
            let (outcome, worker) = self.worked(Item::FirstUpdate, Numbers::F32, None, deadline)?;
            drop(worker);
            if outcome.is_bad() {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Done)
    }

    /// The tour as a user runs it; its scores and seconds are findings.
    fn tour(&mut self, item: Item, device: &str, deadline: Instant) -> anyhow::Result<Outcome> {
        let out = self.work.join(device);
        let mut command = this_program(self.tiny)?;
        command.args(["run", "--device", device, "--models", "none", "--out"]).arg(&out);
        if self.tiny {
            command.arg("--quick").args(SHORT.map(|setting| ["--set", setting]).as_flattened());
        }
        let mut child =
            Ended(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
        let mut words = child.0.stderr.take().context("the error output of the tour")?;
        let talk = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = words.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let status = loop {
            if let Some(status) = child.0.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline {
                return Ok(Outcome::Stopped);
            }
            thread::sleep(Duration::from_millis(50));
        };
        if !status.success() {
            let talk = talk.join().unwrap_or_default();
            return Ok(Outcome::Failed(format!("{status}: {}", last(&talk))));
        }
        for finding in scores(&out.join("report.json"))? {
            self.line(Some(item), finding)?;
        }
        Ok(Outcome::Done)
    }

    fn close(&self) {
        // Files of a finished check that stay are a nuisance, not a fault.
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// A run of seconds on the CPU: it shows that the item works, not how good or fast the tour is.
const SHORT: [&str; 9] = [
    "methods=[\"fine-tuning\"]",
    "stage.fine-tuning.steps=1",
    "stage.fine-tuning.batch=2",
    "stage.fine-tuning.checkpoint_every=1",
    "target.train_limit=4",
    "target.validation_limit=2",
    "target.test_limit=2",
    "eval.tasks=[]",
    "eval.beams=1",
];

/// Scores and seconds of each method of a report.
fn scores(report: &Path) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(report).with_context(|| format!("reading {}", report.display()))?;
    let report: Value = serde_json::from_str(&text).context("report.json")?;
    let runs = report["runs"].as_array().context("report.json has no runs")?;
    let finding = |run: &Value| {
        let total: f64 =
            run["seconds"].as_object().into_iter().flatten().filter_map(|(_, part)| part.as_f64()).sum();
        json!({
            "what": run["method"], "target": run["target"]["score"], "held_out": run["norm_avg"],
            "seconds_by_part": run["seconds"], "seconds": total,
        })
    };
    Ok(runs.iter().map(finding).collect())
}

/// A process that measures what it is asked for. It ends with this value.
struct Worker {
    numbers: Numbers,
    child: Ended,
    asks: ChildStdin,
    lines: Receiver<String>,
    talk: Option<thread::JoinHandle<String>>,
}

impl Worker {
    fn start(numbers: Numbers, tiny: bool) -> anyhow::Result<Self> {
        let format = numbers.to_possible_value().context("a number format has a name")?;
        let mut command = this_program(tiny)?;
        command.args(["gpu-check", "--worker", format.get_name()]);
        if tiny {
            command.arg("--tiny");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Ended(command.spawn().context("starting a worker")?);
        let asks = child.0.stdin.take().context("the worker's input")?;
        let output = child.0.stdout.take().context("the worker's output")?;
        let mut words = child.0.stderr.take().context("the worker's error output")?;
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let talk = Some(thread::spawn(move || {
            let mut text = Vec::new();
            let _ = words.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        }));
        Ok(Self { numbers, child, asks, lines, talk })
    }

    fn ask(&mut self, item: Item) -> anyhow::Result<()> {
        // A worker that has died is noticed when its lines end.
        let _ = writeln!(self.asks, "{}", name(item)).and_then(|()| self.asks.flush());
        Ok(())
    }

    /// What a worker said before it died without an answer.
    fn last_words(&mut self) -> String {
        let status = self.child.0.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let talk = self.talk.take().and_then(|talk| talk.join().ok()).unwrap_or_default();
        format!("the process ended ({status}): {}", last(&talk))
    }
}

/// A process that does not outlive this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tuning every kernel by trying them all takes half a minute on a software driver and changes no number.
fn this_program(tiny: bool) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    if tiny {
        command.env("CUBECL_AUTOTUNE_LEVEL", "minimal");
    }
    Ok(command)
}

/// The line that tells most of what a program said: that of a panic, or the last one; paths are nobody's business.
fn last(talk: &str) -> String {
    let lines: Vec<&str> = talk.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.last().map_or_else(|| "nothing was said".to_owned(), |line| line.chars().take(300).collect())
}

fn name(item: Item) -> String {
    item.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is worth most is measured first.
    #[test]
    fn every_item_is_in_the_plan_once() {
        let planned: Vec<Item> = STEPS.iter().map(|step| step.item).collect();
        for item in Item::value_variants().iter().filter(|item| **item != Item::FirstUpdate) {
            assert_eq!(planned.iter().filter(|planned| *planned == item).count(), 1, "{item:?}");
        }
        assert_eq!(planned[..2], [Item::Adapter, Item::Parity]);
    }

    #[test]
    fn a_report_gives_scores_and_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let run = json!({"method": "promot", "target": {"score": 97.0}, "norm_avg": {"1": 84.0},
            "seconds": {"stage 1": 1.5, "evaluation": 0.5}});
        fs::write(&path, json!({ "runs": [run] }).to_string()).unwrap();
        let found = scores(&path).unwrap();
        assert_eq!((found[0]["target"].as_f64(), found[0]["seconds"].as_f64()), (Some(97.0), Some(2.0)));
    }

    #[test]
    fn a_process_that_only_talks_is_quoted_by_its_last_line() {
        assert_eq!(last("a\n b \n\n"), "b");
        assert_eq!(last(""), "nothing was said");
    }
}
