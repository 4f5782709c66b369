//! Pretraining documents as rows of text: what is replayed, and what plain text costs a model after tuning. Fresh
//! documents of the same mixture, which the model has not seen in these words.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;

use crate::documents::{Document, document};
use crate::spans::corrupt_spans;

/// Which documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    All,
    /// Running text alone, without documents that answer something.
    Running,
}

/// The longest document, in words: pretraining leaves out longer ones, too.
const LONGEST: usize = 120;

/// Rows with `input` and `target`: running text has gaps of whole words, which the target fills in.
pub fn rows(kind: Kind, split: Split, rng: &mut Rng) -> Vec<Example> {
    let count = if split == Split::Train { 2000 } else { 400 };
    let mut rows = Vec::with_capacity(count);
    while rows.len() < count {
        let (input, target) = match document(rng) {
            Document::Text(text) => with_gaps(&text, rng),
            Document::Pair { .. } if kind == Kind::Running => continue,
            Document::Pair { input, target } => (input, target),
        };
        if input.split_whitespace().count() <= LONGEST {
            rows.push(Example::new([("input", input.into()), ("target", target.into())]));
        }
    }
    rows
}

/// Span corruption over words instead of tokens, since rows are text.
fn with_gaps(text: &str, rng: &mut Rng) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ids: Vec<u32> = (0..words.len() as u32).collect();
    let (sentinels, end) = (ids.len() as u32, u32::MAX);
    let (input, target) = corrupt_spans(&ids, |n| sentinels + n as u32, end, rng);
    let text = |ids: Vec<u32>| {
        let words = ids.into_iter().filter(|id| *id != end).map(|id| match words.get(id as usize) {
            Some(word) => (*word).to_owned(),
            None => format!("<extra_id_{}>", id - sentinels),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    (text(input), text(target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{TEXTS, rows};
    use promot_core::tokenizer::Tokenizer;

    #[test]
    fn running_text_has_gaps_that_its_target_fills() {
        let tokenizer = Tokenizer::new(crate::tokenizer::train().unwrap()).unwrap();
        let sentinel = tokenizer.sentinel(0).unwrap();
        for row in rows("text-mini", Split::Test, 50).unwrap() {
            let (input, target) = (row.text("input").unwrap(), row.text("target").unwrap());
            assert!(tokenizer.encode(&input).unwrap().contains(&sentinel), "{input}");
            assert_eq!(tokenizer.encode(&target).unwrap()[0], sentinel, "{target}");
            let gaps = |text: &str| text.matches("<extra_id_").count();
            assert_eq!(gaps(&target), gaps(&input) + 1, "{input} / {target}");
        }
    }

    #[test]
    fn splits_and_kinds_differ() {
        let of = |name: &str, split| rows(name, split, 0).unwrap();
        for name in TEXTS {
            assert_eq!(of(name, Split::Train).len(), 2000);
            assert_ne!(of(name, Split::Test), of(name, Split::Validation));
        }
        let pairs = |name: &str| {
            let rows = of(name, Split::Test);
            rows.iter().filter(|row| !row.text("input").unwrap().contains("<extra_id_")).count()
        };
        assert_eq!(pairs("text-mini"), 0);
        assert!(pairs("pretraining-mini") > 200);
    }
}
