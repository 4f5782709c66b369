//! Words with two senses and sentences that show which one is meant, for wic-mini.

use rand::Rng as _;
use serde_json::Value;

use super::lexicon::NAMES;
use super::{distinct, pick, pick_word, within};
use crate::data::{Example, Split};
use crate::rng::Rng;

/// A word and, for both senses, sentences about `{s}`.
struct Word {
    word: &'static str,
    senses: [&'static [&'static str]; 2],
}

#[rustfmt::skip]
const WORDS: &[Word] = &[
    Word { word: "bank", senses: [
        &["{s} put the money in the bank.", "The bank gave {s} a loan.", "{s} has a job at the bank.", "{s} paid the bank with gold coins."],
        &["{s} sat on the bank of the river.", "The water took {s} to the bank.", "{s} fished from the muddy bank.", "{s} swam to the bank of the lake."]] },
    Word { word: "bat", senses: [
        &["{s} hit the ball with a bat.", "The player gave {s} a wooden bat.", "{s} swung the bat in the game.", "{s} broke the bat during the match."],
        &["{s} saw a bat fly at night.", "The bat slept in the cave near {s}.", "{s} heard the wings of a bat.", "A hungry bat flew over {s}."]] },
    Word { word: "spring", senses: [
        &["{s} plants flowers in spring.", "After the winter {s} waits for spring.", "{s} loves the warm days of spring.", "In spring {s} hears the birds sing."],
        &["{s} fixed the metal spring in the clock.", "The spring of the bed hurt {s}.", "{s} bent the steel spring.", "{s} pressed the spring of the machine."]] },
    Word { word: "ring", senses: [
        &["{s} wears a gold ring.", "{s} put the ring on a finger.", "The ring of {s} has a diamond.", "{s} bought a silver ring at the shop."],
        &["{s} heard the ring of the phone.", "The loud ring of the bell woke {s}.", "{s} waited for the ring of the alarm.", "The ring of the clock surprised {s}."]] },
    Word { word: "bark", senses: [
        &["{s} heard the bark of the dog.", "The loud bark woke {s}.", "The bark of the puppy scared {s}.", "{s} knows the angry bark of that dog."],
        &["{s} cut the bark of the tree.", "The bark of the old oak is rough for {s}.", "{s} made a basket of dry bark.", "{s} touched the brown bark of the tree."]] },
    Word { word: "match", senses: [
        &["{s} lit the candle with a match.", "{s} struck a match in the dark.", "The fire of the match burned {s}.", "{s} needs a match for the stove."],
        &["{s} won the tennis match.", "The team of {s} lost the match.", "{s} watched the match at the stadium.", "{s} scored a goal in the match."]] },
    Word { word: "club", senses: [
        &["{s} joined the chess club.", "The members of the club like {s}.", "{s} meets friends at the club.", "{s} is the president of the club."],
        &["{s} hit the golf ball with a club.", "{s} carried a heavy wooden club.", "The giant swung a club at {s}.", "{s} held the iron club with both hands."]] },
    Word { word: "seal", senses: [
        &["{s} fed the seal some fish.", "The seal swam near {s}.", "{s} saw a grey seal on the ice.", "The young seal played with {s}."],
        &["{s} broke the seal of the letter.", "{s} put a wax seal on the paper.", "The seal of the king scared {s}.", "{s} pressed the royal seal into the wax."]] },
    Word { word: "wave", senses: [
        &["A wave of the sea hit {s}.", "{s} rode the wave on a board.", "The boat of {s} met a high wave.", "{s} swam under a salty wave."],
        &["{s} greeted us with a wave.", "A friendly wave of the hand pleased {s}.", "{s} gave a short wave to the crowd.", "With a wave {s} said goodbye."]] },
    Word { word: "nail", senses: [
        &["{s} hit the nail with a hammer.", "{s} hung the picture on a nail.", "A rusty nail held the board of {s}.", "{s} pulled the nail out of the wood."],
        &["{s} painted the nail of the finger red.", "{s} broke a nail on the left hand.", "{s} cut the nail of the toe.", "The long nail of {s} is polished."]] },
    Word { word: "mouse", senses: [
        &["The cat of {s} caught a mouse.", "{s} saw a mouse eat the cheese.", "A little mouse ran past {s}.", "{s} found a mouse in the trap."],
        &["{s} clicked with the mouse.", "The computer of {s} needs a mouse.", "{s} moved the mouse on the desk.", "{s} plugged the mouse into the laptop."]] },
    Word { word: "chest", senses: [
        &["{s} opened the chest full of gold.", "{s} locked the wooden chest.", "The pirate gave {s} a chest.", "{s} keeps old clothes in a chest."],
        &["{s} has a pain in the chest.", "The doctor listened to the chest of {s}.", "{s} felt the heart beat in the chest.", "{s} crossed both arms over the chest."]] },
    Word { word: "trunk", senses: [
        &["The elephant lifted {s} with its trunk.", "{s} touched the grey trunk of the elephant.", "The elephant drank with its trunk near {s}.", "With its long trunk it sprayed {s}."],
        &["{s} put the bags in the trunk.", "The trunk of the car was full for {s}.", "{s} closed the trunk and drove away.", "{s} keeps a spare wheel in the trunk."]] },
    Word { word: "plant", senses: [
        &["{s} watered the green plant.", "The plant of {s} grows in a pot.", "{s} put the plant in the sun.", "{s} cut a leaf of the plant."],
        &["{s} works at the power plant.", "The plant of {s} makes steel.", "The workers left the plant with {s}.", "{s} is the boss of a chemical plant."]] },
    Word { word: "letter", senses: [
        &["{s} sent a letter by mail.", "{s} read the letter from a friend.", "The postman brought {s} a letter.", "{s} put a stamp on the letter."],
        &["{s} learned to write the letter B.", "The word of {s} starts with the letter M.", "{s} forgot a letter of the alphabet.", "{s} spelled the name letter by letter."]] },
    Word { word: "crane", senses: [
        &["The crane lifted the bricks for {s}.", "{s} drove the tall yellow crane.", "{s} works with a crane at the harbour.", "{s} repaired the engine of the crane."],
        &["{s} saw a crane fly to its nest.", "The white crane ate a frog near {s}.", "{s} watched the feathers of the crane.", "A crane with long legs stood near {s}."]] },
];

/// One sentence with `word` in the given sense, of `split`.
fn sentence(word: &Word, sense: usize, split: Split, rng: &mut Rng) -> String {
    within(split, rng, |rng| {
        let text = pick(rng, word.senses[sense]).replace("{s}", pick_word(rng, NAMES));
        (text.clone(), vec![text])
    })
}

/// Two sentences and the word in both; the word means the same in both where `same`.
pub(crate) fn pair(same: bool, split: Split, rng: &mut Rng) -> [String; 3] {
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
pub(crate) fn text(rng: &mut Rng) -> String {
    let (word, sense) = (pick(rng, WORDS), rng.random_range(0..2));
    (0..3).map(|_| sentence(word, sense, Split::Train, rng)).collect::<Vec<_>>().join(" ")
}

pub(super) fn rows(split: Split, rng: &mut Rng) -> Vec<Example> {
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
