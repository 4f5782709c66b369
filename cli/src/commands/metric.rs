//! `promot metric`: the library's metrics on files of lines.

use std::path::Path;

use anyhow::bail;
use promot_core::Error;
use promot_core::metrics::bleu::{Smoothing, Tokenize};
use promot_core::metrics::rouge::Words;
use promot_core::metrics::{Bleu, Chrf, Normalization, Rouge, Score, Variant, exact};

use crate::args::{MetricArgs, MetricName};
use crate::fail::usage;
use crate::output;

pub fn run(args: &MetricArgs) -> anyhow::Result<()> {
    refuse_foreign_options(args)?;
    let score = scorer(args)?;
    let predictions = output::read_lines(&args.hyp)?;
    if predictions.is_empty() {
        bail!("{}: expected at least one line to score, found none", shown(&args.hyp));
    }
    let references = references(&predictions, args)?;
    let score = score(&predictions, &references);
    for warning in &score.warnings {
        eprintln!("warning: {warning} (--rouge-tokenizer)");
    }
    output::json(&args.json, &score)
}

/// Options are checked before files are read.
type Scorer = Box<dyn Fn(&[String], &[Vec<String>]) -> Score>;

fn scorer(args: &MetricArgs) -> anyhow::Result<Scorer> {
    Ok(match args.metric {
        MetricName::Bleu => {
            let bleu = bleu(args)?;
            Box::new(move |predictions, references| bleu.score(predictions, references))
        }
        MetricName::Chrf => {
            let words = args.word_order.unwrap_or_default();
            let chrf = Chrf { words, lowercase: args.lowercase, ..Chrf::default() };
            Box::new(move |predictions, references| chrf.score(predictions, references))
        }
        MetricName::Rouge => {
            let variant = variant(args.rouge_type.as_deref().unwrap_or("rouge2"))?;
            let words = args.rouge_tokenizer.as_deref().map(Words::by_name).transpose()?.unwrap_or_default();
            let rouge = Rouge { variant, words };
            Box::new(move |predictions, references| rouge.score(predictions, references))
        }
        MetricName::Em => {
            let normalization = normalization(args.normalize.as_deref().unwrap_or("squad"))?;
            Box::new(move |predictions, references| {
                exact::exact_match(normalization, predictions, references)
            })
        }
        MetricName::Contains => {
            let normalization = normalization(args.normalize.as_deref().unwrap_or("squad"))?;
            Box::new(move |predictions, references| exact::contains(normalization, predictions, references))
        }
        MetricName::Accuracy => Box::new(exact::accuracy),
    })
}

fn bleu(args: &MetricArgs) -> anyhow::Result<Bleu> {
    let tokenize = Tokenize::by_name(args.tokenize.as_deref().unwrap_or("13a"))?;
    // The values that stand where none is given are sacreBLEU's.
    let smoothing = match (args.smooth.as_deref().unwrap_or("exp"), args.smooth_value) {
        ("exp", None) => Smoothing::Exp,
        ("none", None) => Smoothing::None,
        ("floor", value) => Smoothing::Floor(value.unwrap_or(0.1)),
        ("add-k", value) => Smoothing::AddK(value.unwrap_or(1.0)),
        ("exp" | "none", Some(_)) => return Err(usage("--smooth-value goes with --smooth floor or add-k")),
        (other, _) => {
            return Err(Error::unknown("smoothing", other, ["exp", "floor", "add-k", "none"]).into());
        }
    };
    Ok(Bleu { tokenize, smoothing, lowercase: args.lowercase, ..Bleu::default() })
}

fn variant(name: &str) -> anyhow::Result<Variant> {
    match name {
        "rouge1" => Ok(Variant::One),
        "rouge2" => Ok(Variant::Two),
        "rougeL" => Ok(Variant::L),
        "rougeLsum" => Ok(Variant::Lsum),
        other => Err(Error::unknown("ROUGE type", other, ["rouge1", "rouge2", "rougeL", "rougeLsum"]).into()),
    }
}

fn normalization(name: &str) -> anyhow::Result<Normalization> {
    match name {
        "squad" => Ok(Normalization::Squad),
        "triviaqa" => Ok(Normalization::Trivia),
        "none" => Ok(Normalization::None),
        other => Err(Error::unknown("normalisation", other, ["squad", "triviaqa", "none"]).into()),
    }
}

/// An option of another metric would be ignored, and the score would not be what was asked for.
fn refuse_foreign_options(args: &MetricArgs) -> anyhow::Result<()> {
    let options = [
        ("--tokenize", args.tokenize.is_some(), MetricName::Bleu),
        ("--lowercase", args.lowercase && args.metric != MetricName::Chrf, MetricName::Bleu),
        ("--word-order", args.word_order.is_some(), MetricName::Chrf),
        ("--smooth", args.smooth.is_some(), MetricName::Bleu),
        ("--smooth-value", args.smooth_value.is_some(), MetricName::Bleu),
        ("--type", args.rouge_type.is_some(), MetricName::Rouge),
        ("--rouge-tokenizer", args.rouge_tokenizer.is_some(), MetricName::Rouge),
        ("--normalize", args.normalize.is_some() && args.metric != MetricName::Contains, MetricName::Em),
    ];
    match options.iter().find(|(_, given, metric)| *given && *metric != args.metric) {
        Some((name, _, metric)) => {
            let metric = format!("{metric:?}").to_lowercase();
            Err(usage(format!("{name} is an option of `metric {metric}`")))
        }
        None => Ok(()),
    }
}

/// The references of each prediction, one from each file.
fn references(predictions: &[String], args: &MetricArgs) -> anyhow::Result<Vec<Vec<String>>> {
    let mut references = vec![Vec::new(); predictions.len()];
    for path in &args.references {
        let lines = output::read_lines(path)?;
        if lines.len() != predictions.len() {
            bail!(
                "{}: expected {} lines as in {}, found {}",
                shown(path),
                predictions.len(),
                shown(&args.hyp),
                lines.len()
            );
        }
        for (list, line) in references.iter_mut().zip(lines) {
            list.push(line);
        }
    }
    Ok(references)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
