//! What answers look like beside what they say: length, copying, case and punctuation, against the references (ProMoT
//! paper, section 3.2: format is language, length, style, special tokens, punctuation and case; A.3.8: fine-tuned models
//! repeat their input).

use serde::{Deserialize, Serialize};

use super::words::split;

/// Of one task's raw outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// Words of all answers for each word of their first references.
    pub length_ratio: f64,
    /// Percentage of answers of three words or more whose longest run of words that also stands in the input has at least
    /// four fifths of the answer's words; of all answers.
    pub copy_rate: f64,
    /// Percentage of answers that differ from their first reference in whether they begin with a capital, or in the mark
    /// that they end with.
    pub case_punctuation_rate: f64,
}

/// Answers this short stand in many an input by chance.
const SHORTEST_COPY: usize = 3;

impl Surface {
    /// Rows are (input, output, reference); nothing where there are none.
    pub fn of<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Option<Self> {
        let (mut count, mut answered, mut referred) = (0usize, 0usize, 0usize);
        let (mut copies, mut differing) = (0usize, 0usize);
        for (input, output, reference) in rows {
            count += 1;
            let words: Vec<&str> = split(output).collect();
            answered += words.len();
            referred += split(reference).count();
            let input: Vec<&str> = split(input).collect();
            let common = longest_run(&words, &input);
            copies += usize::from(words.len() >= SHORTEST_COPY && 5 * common >= 4 * words.len());
            differing += usize::from(outline(output) != outline(reference));
        }
        let share = |part: usize| 100.0 * part as f64 / count as f64;
        (count > 0).then(|| Self {
            length_ratio: answered as f64 / referred.max(1) as f64,
            copy_rate: share(copies),
            case_punctuation_rate: share(differing),
        })
    }
}

/// Whether the text begins with a capital, and the mark that it ends with, if any.
fn outline(text: &str) -> (bool, Option<char>) {
    let text = text.trim();
    let first = text.chars().find(|c| c.is_alphanumeric());
    let last = text.chars().next_back().filter(char::is_ascii_punctuation);
    (first.is_some_and(char::is_uppercase), last)
}

/// Words of the longest run that stands in both.
fn longest_run(one: &[&str], other: &[&str]) -> usize {
    let mut best = 0;
    // `lengths[j]`: the run that ends with the last word and `other[j - 1]`.
    let mut lengths = vec![0usize; other.len() + 1];
    for word in one {
        for j in (0..other.len()).rev() {
            lengths[j + 1] = if other[j] == *word { lengths[j] + 1 } else { 0 };
            best = best.max(lengths[j + 1]);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_longest_common_ones() {
        assert_eq!(longest_run(&["a", "b", "c"], &["x", "b", "c", "a", "b"]), 2);
        assert_eq!(longest_run(&["a", "a"], &["a", "a", "a"]), 2);
        assert_eq!(longest_run(&[], &["a"]), 0);
    }

    #[test]
    fn length_copies_and_marks_are_counted() {
        let input = "Translate : the old man sleeps in the house";
        let rows = [
            // Copied, and without the reference's capital and full stop.
            (input, "the old man sleeps in", "Der alte Mann schläft im Haus."),
            // As it should be.
            (input, "Der Mann schläft im Haus.", "Der alte Mann schläft im Haus."),
            // Too short for a copy.
            (input, "the house", "das Haus"),
            (input, "", "das Haus"),
        ];
        let found = Surface::of(rows).unwrap();
        assert_eq!((found.copy_rate, found.case_punctuation_rate), (25.0, 25.0));
        assert_eq!(found.length_ratio, 12.0 / 16.0);
        assert_eq!(Surface::of([]), None);
    }
}
