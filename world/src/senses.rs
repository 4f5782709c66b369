//! Words with two senses and sentences that show which one is meant, for wic-mini.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{pick, pick_word};
use crate::lexicon::NAMES;
use crate::split::{distinct, within};

/// A word and, for both senses, sentences about `{s}`.
struct Word {
    word: &'static str,
    senses: [&'static [&'static str]; 2],
}

#[rustfmt::skip]
const WORDS: &[Word] = &[
    Word { word: "bank", senses: [
        &["{s} put the money in the bank.", "The bank gave {s} a loan.", "{s} has a job at the bank."],
        &["{s} sat on the bank of the river.", "The water took {s} to the bank.", "{s} fished from the muddy bank."]] },
    Word { word: "bat", senses: [
        &["{s} hit the ball with a bat.", "The player gave {s} a wooden bat.", "{s} swung the bat in the game."],
        &["{s} saw a bat fly at night.", "The bat slept in the cave near {s}.", "{s} heard the wings of a bat."]] },
    Word { word: "ring", senses: [
        &["{s} wears a gold ring.", "{s} put the ring on a finger.", "The ring of {s} has a diamond."],
        &["{s} heard the ring of the phone.", "The loud ring of the bell woke {s}.", "{s} waited for the ring of the alarm."]] },
    Word { word: "bark", senses: [
        &["{s} heard the bark of the dog.", "The loud bark woke {s}.", "The bark of the puppy scared {s}."],
        &["{s} cut the bark of the tree.", "The bark of the old oak is rough for {s}.", "{s} made a basket of dry bark."]] },
    Word { word: "match", senses: [
        &["{s} lit the candle with a match.", "{s} struck a match in the dark.", "The fire of the match burned {s}."],
        &["{s} won the tennis match.", "The team of {s} lost the match.", "{s} watched the match at the stadium."]] },
    Word { word: "seal", senses: [
        &["{s} fed the seal some fish.", "The seal swam near {s}.", "{s} saw a grey seal on the ice."],
        &["{s} broke the seal of the letter.", "{s} put a wax seal on the paper.", "The seal of the king scared {s}."]] },
    Word { word: "nail", senses: [
        &["{s} hit the nail with a hammer.", "{s} hung the picture on a nail.", "A rusty nail held the board of {s}."],
        &["{s} painted the nail of the finger red.", "{s} broke a nail on the left hand.", "{s} cut the nail of the toe."]] },
    Word { word: "mouse", senses: [
        &["The cat of {s} caught a mouse.", "{s} saw a mouse eat the cheese.", "A little mouse ran past {s}."],
        &["{s} clicked with the mouse.", "The computer of {s} needs a mouse.", "{s} moved the mouse on the desk."]] },
    Word { word: "chest", senses: [
        &["{s} opened the chest full of gold.", "{s} locked the wooden chest.", "The pirate gave {s} a chest."],
        &["{s} has a pain in the chest.", "The doctor listened to the chest of {s}.", "{s} felt the heart beat in the chest."]] },
    Word { word: "crane", senses: [
        &["The crane lifted the bricks for {s}.", "{s} drove the tall yellow crane.", "{s} works with a crane at the harbour."],
        &["{s} saw a crane fly to its nest.", "The white crane ate a frog near {s}.", "{s} watched the feathers of the crane."]] },
];

/// One sentence with `word` in the given sense, of `split`.
fn sentence(word: &Word, sense: usize, split: Split, rng: &mut Rng) -> String {
    within(split, rng, |rng| {
        let text = pick(rng, word.senses[sense]).replace("{s}", pick_word(rng, NAMES));
        (text.clone(), vec![text])
    })
}

/// Two sentences and the word in both; the word means the same in both where `same`.
pub fn pair(same: bool, split: Split, rng: &mut Rng) -> [String; 3] {
    let word = pick(rng, WORDS);
    let sense = rng.random_range(0..2);
    let first = sentence(word, sense, split, rng);
    loop {
        let second = sentence(word, if same { sense } else { 1 - sense }, split, rng);
        if second != first {
            return [first, second, word.word.to_owned()];
        }
    }
}

/// Sentences that show one sense of a word, as running text.
pub fn text(rng: &mut Rng) -> String {
    let (word, sense) = (pick(rng, WORDS), rng.random_range(0..2));
    (0..3).map(|_| sentence(word, sense, Split::Train, rng)).collect::<Vec<_>>().join(" ")
}

pub fn rows(split: Split, rng: &mut Rng) -> Vec<Example> {
    distinct(split, rng, |index, rng| {
        let same = index % 2 == 0;
        let [first, second, word] = pair(same, split, rng);
        Example::new([
            ("sentence1", Value::from(first)),
            ("sentence2", Value::from(second)),
            ("word", Value::from(word)),
            ("label", Value::from(if same { "true" } else { "false" })),
        ])
    })
}
