//! Short tasks in everyday English for models that were trained on it, with room above and below what a small one answers:
//! questions to a passage, instructions of one line, and general questions. No word of the made-up world is in them.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;

use crate::draw::{pick_word, shuffled};
use crate::split::{distinct, split_of, within};
use crate::text::with_article;

mod instructions;
mod questions;

/// Names of the rows, as of `rows::DATA_SETS`.
pub const DATA_SETS: &[&str] = &["passages", "instructions", "questions"];

const NAMES: &[&str] = &[
    "Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack", "Karen", "Leo",
    "Maria", "Nora", "Oscar", "Paula", "Ralph", "Sarah", "Tom", "Victor",
];
const CITIES: &[&str] = &[
    "Oslo", "Lyon", "Dublin", "Porto", "Vienna", "Prague", "Boston", "Kyoto", "Cairo", "Lima", "Bergen",
    "Turin", "Leeds", "Ghent", "Denver", "Quito",
];
const JOBS: &[&str] = &[
    "baker", "pilot", "nurse", "teacher", "farmer", "painter", "lawyer", "dentist", "plumber", "singer",
    "gardener", "butcher",
];
const PETS: &[&str] =
    &["cat", "dog", "horse", "rabbit", "parrot", "goldfish", "tortoise", "hamster", "pony", "goat"];

/// Two people in a sentence each, and a question to one of them whose answer stands in the passage: fields `passage`,
/// `question`, `answer`. No passage is in two splits.
pub fn passages(split: Split, rng: &mut Rng) -> Vec<Example> {
    distinct(split, rng, |_, rng| {
        within(split, rng, |rng| {
            let people = [two(rng, NAMES), two(rng, JOBS), two(rng, CITIES), two(rng, PETS)];
            let sentence = |i: usize| {
                let [name, job, city, pet] = people.map(|pair| pair[i]);
                format!("{name} is {} in {city} and has {}.", with_article(job), with_article(pet))
            };
            let passage = format!("{} {}", sentence(0), sentence(1));
            let asked = usize::from(rng.random_bool(0.5));
            let [name, job, city, pet] = people.map(|pair| pair[asked]);
            let (question, answer) = match rng.random_range(0..4) {
                0 => (format!("In which city does {name} work?"), city),
                1 => (format!("Which animal does {name} have?"), pet),
                2 => (format!("What is {name}'s job?"), job),
                _ => (format!("Who is {}?", with_article(job)), name),
            };
            let row = [("passage", passage.clone()), ("question", question), ("answer", answer.to_owned())];
            (Example::new(row.map(|(field, text)| (field, text.into()))), vec![passage])
        })
    })
}

/// Two different ones.
fn two(rng: &mut Rng, words: &[&'static str]) -> [&'static str; 2] {
    let first = pick_word(rng, words);
    loop {
        let second = pick_word(rng, words);
        if second != first {
            return [first, second];
        }
    }
}

/// Something to do with a word, and what is to come out: fields `instruction`, `answer`.
pub fn instructions(split: Split, rng: &mut Rng) -> Vec<Example> {
    let all = instructions::all().into_iter().filter(|(instruction, _)| split_of(instruction) == split);
    let rows = all.map(|(instruction, answer)| {
        Example::new([("instruction", instruction.into()), ("answer", answer.into())])
    });
    shuffled(rows.collect(), rng)
}

/// What everybody knows: fields `question`, `answer` and `answers`, all that are right. The few training rows, examples
/// for a context, validate, too.
pub fn questions(split: Split) -> Vec<Example> {
    let list = if split == Split::Test { questions::ASKED } else { questions::EXAMPLES };
    let row = |(question, answers): &(&str, &[&str])| {
        Example::new([
            ("question", (*question).into()),
            ("answer", answers[0].into()),
            ("answers", answers.iter().copied().collect()),
        ])
    };
    list.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rows::rows;
    use crate::tests::SPLITS;

    #[test]
    fn the_answer_to_a_passage_is_of_the_person_asked_for() {
        for row in rows("passages", Split::Test, 200).unwrap() {
            let [passage, question, answer] =
                ["passage", "question", "answer"].map(|field| row.text(field).unwrap());
            let (first, second) = passage.split_once(". ").unwrap();
            let of = [first, second].into_iter().find(|sentence| {
                NAMES.iter().chain(JOBS).any(|word| {
                    let asked =
                        |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word);
                    asked(&question) && asked(sentence)
                })
            });
            assert!(of.unwrap().contains(&answer), "{passage} {question} {answer}");
        }
    }

    #[test]
    fn splits_share_no_row_and_the_test_has_enough() {
        let mut seen = BTreeSet::new();
        for (name, key, least) in [("passages", "passage", 400), ("instructions", "instruction", 64)] {
            for split in SPLITS {
                let rows = rows(name, split, 0).unwrap();
                let keys: BTreeSet<String> = rows.iter().map(|row| row.text(key).unwrap()).collect();
                assert!(keys.is_disjoint(&seen), "{name} {split:?}");
                seen.extend(keys);
                assert!(split != Split::Test || rows.len() >= least, "{name}: {}", rows.len());
            }
        }
    }

    #[test]
    fn no_question_is_among_the_examples_and_none_stands_twice() {
        let list = |split| questions(split).iter().map(|row| row.text("question").unwrap()).collect();
        let (asked, examples): (BTreeSet<String>, BTreeSet<String>) = (list(Split::Test), list(Split::Train));
        assert_eq!(asked.len(), questions::ASKED.len());
        assert!(asked.is_disjoint(&examples));
    }
}
