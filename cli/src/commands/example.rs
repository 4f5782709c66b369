//! `promot list tasks --show NAME`: what becomes of one row on its way to a score, step by step.

use std::fmt::Write as _;

use anyhow::Context as _;
use promot_core::data::{Example, Split};
use promot_core::render::{RenderedRow, Renderer, ShotPool};
use promot_core::task::{DataSource, Task};
use promot_core::train::DatasetProvider as _;

use crate::args::ListArgs;
use crate::catalog;
use crate::files::dataset::{Dataset, Whole};
use crate::files::model_folder;

/// The row of `args`, for a person to read.
pub fn text(args: &ListArgs) -> anyhow::Result<String> {
    let reference = args.show.as_ref().context("--show names a task")?;
    let (task, number) = (catalog::task(reference)?, args.row);
    let tokenizer = model_folder::read_tokenizer(&args.model)?;
    let data = Dataset::new(args.data.clone(), Whole::Test, 0);
    // The row behind it stands with it in a batch.
    let rows = data.rows(&task, Split::Test, number + 2)?;
    let Some(example) = rows.get(number) else {
        anyhow::bail!("--row: expected below the {} test rows of {}, found {number}", rows.len(), task.name);
    };
    let training = if args.shots == 0 { Vec::new() } else { data.rows(&task, Split::Train, 0)? };
    let renderer = Renderer { task: &task, tokenizer: &tokenizer, shots: args.shots, max_input: 0 };
    let rendered = renderer.evaluation(&rows, &ShotPool::new(&training, 0, 0))?;
    let row = &rendered[number];
    let target = tokenizer.encode_target(&row.text.input, &row.text.target)?;
    let output = tokenizer.decode(&target)?;
    let answer = task.answer(&output);
    let score = task.score(std::slice::from_ref(&output), std::slice::from_ref(&row.text.references));
    let ids = |ids: &[u32]| format!("{} ids: {ids:?}", ids.len());
    let steps = [
        ("task", format!("{}, version {}: {}", task.name, task.version, task.summary)),
        ("rows", read_from(&data, &task)),
        ("row", json(example)?),
        ("input", row.text.input.clone()),
        ("input ids", ids(&row.input)),
        ("input, decoded", tokenizer.decode_all(&row.input)?),
        ("target", row.text.target.clone()),
        ("target ids", ids(&target)),
        ("accepted answers", row.text.references.join(" | ")),
        ("in a batch", batch(&rendered[number..])),
        ("target, decoded", output),
        ("its answer", answer),
        ("its score", format!("{} {:.1}, {}", score.metric, score.score, score.signature)),
    ];
    let mut text = String::new();
    for (step, found) in steps {
        let mut lines = found.lines();
        writeln!(text, "{step:<17} {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(text, "{:<17} {line}", ""))?;
    }
    Ok(text.trim_end().to_owned())
}

/// Where the rows come from: the files that were read, or what gives them.
fn read_from(data: &Dataset, task: &Task) -> String {
    let origin = data.origin(task, Split::Test);
    match (&data.data, &task.source) {
        _ if !origin.is_empty() => origin,
        (Some(file), _) if file.is_file() => file.display().to_string(),
        (_, DataSource::Generated(name)) => format!("the synthetic corpus, {name}"),
        (_, DataSource::Files(files)) => {
            files.of(Split::Test).iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(", ")
        }
        (folder, DataSource::Given) => {
            folder.as_ref().map_or_else(String::new, |path| path.display().to_string())
        }
    }
}

fn json(example: &Example) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&example.0)?)
}

/// The row and the one behind it, padded to the same length.
fn batch(rows: &[RenderedRow]) -> String {
    let lengths: Vec<usize> = rows.iter().map(|row| row.input.len()).collect();
    let longest = lengths.iter().copied().max().unwrap_or_default();
    let padding: Vec<String> = lengths.iter().map(|length| (longest - length).to_string()).collect();
    format!("with the next row [{}, {longest}] ids, of which padding: {}", rows.len(), padding.join(", "))
}
