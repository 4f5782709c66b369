//! The rows of the corpus's tasks.

use promot_core::data::{Example, Split};
use promot_core::rng::Streams;
use promot_core::{Error, Result};

use crate::split::SEED;
use crate::{choice, entail, everyday, facts, grammar, lexicon, senses, summary, texts};

/// What there are rows of, by the names of the tasks that ask it.
pub const DATA_SETS: &[&str] = &[
    "rte-mini",
    "cb-mini",
    "wic-mini",
    "snli-mini",
    "openbookqa-mini",
    "triviaqa-mini",
    "web_questions-mini",
    "wmt_enfr-mini",
    "wmt_ende-mini",
    "wmt_enro-mini",
    "xsum-mini",
    "wikilingua-mini",
];

/// Pretraining documents as rows, for replay, and running text with gaps, for its cross-entropy. Neither is asked of a
/// model as a task.
pub const TEXTS: &[&str] = &["pretraining-mini", "text-mini"];

/// The rows of a data set, in a fixed order, labels balanced; the first `limit` of them, or all where it is 0.
///
/// # Errors
/// An unknown name lists the nearest names.
pub fn rows(name: &str, split: Split, limit: usize) -> Result<Vec<Example>> {
    let rng = &mut Streams::new(SEED).stream(&format!("{name} {split:?}"));
    let mut rows = match name {
        "rte-mini" => entail::rows(entail::Style::Rte, split, rng),
        "cb-mini" => entail::rows(entail::Style::Cb, split, rng),
        "snli-mini" => entail::rows(entail::Style::Snli, split, rng),
        "wic-mini" => senses::rows(split, rng),
        "openbookqa-mini" => choice::rows(split, rng),
        "triviaqa-mini" => facts::rows(facts::Topic::People, split, rng),
        "web_questions-mini" => facts::rows(facts::Topic::Towns, split, rng),
        "wmt_enfr-mini" => grammar::rows(lexicon::Lang::Fr, split, rng),
        "wmt_ende-mini" => grammar::rows(lexicon::Lang::De, split, rng),
        "wmt_enro-mini" => grammar::rows(lexicon::Lang::Ro, split, rng),
        "xsum-mini" => summary::rows(summary::Style::News, split, rng),
        "wikilingua-mini" => summary::rows(summary::Style::HowTo, split, rng),
        "pretraining-mini" => texts::rows(texts::Kind::All, split, rng),
        "text-mini" => texts::rows(texts::Kind::Running, split, rng),
        "passages" => everyday::passages(split, rng),
        "instructions" => everyday::instructions(split, rng),
        "questions" => everyday::questions(split),
        _ => {
            let known = DATA_SETS.iter().chain(TEXTS).chain(everyday::DATA_SETS).copied();
            return Err(Error::unknown("generated data set", name, known));
        }
    };
    if limit > 0 {
        rows.truncate(limit);
    }
    Ok(rows)
}
