//! Short articles with a summary that none of their sentences says: news for xsum-mini, instructions for
//! wikilingua-mini. The summary names what happened (or what is made), which follows from the whole.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{pick, shuffled};
use crate::facts::TOWNS;
use crate::grammar::noun_where;
use crate::lexicon::{ADJECTIVES, Kind, NAMES, NOUNS, PLACES, TIMES};
use crate::split::{distinct, within};
use crate::text::{capital, with_article};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    News,
    HowTo,
}

/// Sentences of an article, in order, and its summary. `{s}`, `{o}` are persons, `{t}` a town, `{n}` a thing,
/// `{d}` the thing described, `{p}` a place, `{w}` a time, `{x}`, `{y}` foods.
struct Story {
    sentences: &'static [&'static str],
    summary: &'static str,
}

#[rustfmt::skip]
const NEWS: &[Story] = &[
    Story { sentences: &["{s} wanted {d}.", "{w} {s} went to a shop {p}.", "{s} paid ten coins for the {n}."], summary: "{s} bought {n} {p}." },
    Story { sentences: &["{s} had {d}.", "{w} it was still {p}.", "In the evening the {n} was gone."], summary: "{s} lost {n} {p}." },
    Story { sentences: &["{s} was {p} {w}.", "Something lay on the ground.", "It was {d}.", "{s} took the {n} home."], summary: "{s} found {n} {p}." },
    Story { sentences: &["There was a race in {t}.", "{o} was fast.", "{s} was faster.", "The people gave {s} a cup."], summary: "{s} won a race in {t}." },
    Story { sentences: &["{s} met {o} {p}.", "They fell in love.", "{w} they went to the church in {t}."], summary: "{s} married {o} in {t}." },
    Story { sentences: &["{s} smelled smoke in {t}.", "The house of {o} was in flames.", "{w} nothing was left of it."], summary: "A fire hit {o} in {t}." },
];

#[rustfmt::skip]
const HOW_TO: &[Story] = &[
    Story { sentences: &["Wash the {x} and the {y}.", "Cut them with a knife.", "Put them in a bowl.", "Add salt and oil."], summary: "Make a salad with {x} and {y}." },
    Story { sentences: &["Cut the {x} and the {y}.", "Put them in a pot.", "Add hot water.", "Cook it for an hour."], summary: "Make a soup with {x} and {y}." },
    Story { sentences: &["Mix the {x} with flour.", "Add the {y} and sugar.", "Put it in the oven.", "Bake it for an hour."], summary: "Bake a pie with {x} and {y}." },
    Story { sentences: &["Take a bucket of water.", "Add some soap.", "Rub the {n} with a cloth.", "Put it {p}."], summary: "Clean the {n} {p}." },
    Story { sentences: &["Put the {n} in a box.", "Close the box.", "Write the address of {s} in {t} on it."], summary: "Send the {n} to {s} in {t}." },
    Story { sentences: &["Put paper around the {n}.", "Add a red ribbon.", "Bring it to the party of {s}."], summary: "Give the {n} to {s}." },
];

const ASIDES: &[&str] =
    &["The sun was shining.", "It was a quiet day.", "Many people were there.", "A dog barked."];
const HINTS: &[&str] = &["Take your time.", "Be careful.", "Ask a friend for help.", "Start early."];
const INGREDIENTS: &[&str] = &["apples", "carrots", "grapes", "beans", "potatoes", "nuts", "eggs", "lemons"];

/// An article and its summary, drawn anew.
fn draw(style: Style, rng: &mut Rng) -> (String, String) {
    let (story, asides) = match style {
        Style::News => (pick(rng, NEWS), ASIDES),
        Style::HowTo => (pick(rng, HOW_TO), HINTS),
    };
    let noun =
        &NOUNS[noun_where(rng, |noun| !matches!(noun.kind, Kind::Person | Kind::Animal | Kind::Plant))];
    let people = shuffled(NAMES.to_vec(), rng);
    let foods = shuffled(INGREDIENTS.to_vec(), rng);
    let described = with_article(&format!("{} {}", pick(rng, ADJECTIVES).en, noun.en));
    let places = [
        ("{s}", people[0].to_owned()),
        ("{o}", people[1].to_owned()),
        ("{t}", pick(rng, &TOWNS[..]).clone()),
        ("{d}", described),
        ("{p}", pick(rng, PLACES).en.to_owned()),
        ("{w}", pick(rng, TIMES).en.to_owned()),
        ("{x}", foods[0].to_owned()),
        ("{y}", foods[1].to_owned()),
    ];
    let fill = |form: &str, thing: &str| {
        let filled = places.iter().fold(form.to_owned(), |text, (place, word)| text.replace(place, word));
        capital(&filled.replace("{n}", thing))
    };
    let mut sentences: Vec<String> = story.sentences.iter().map(|form| fill(form, noun.en)).collect();
    sentences.insert(rng.random_range(0..=sentences.len()), (*pick(rng, asides)).to_owned());
    let thing = if style == Style::News { with_article(noun.en) } else { noun.en.to_owned() };
    (sentences.join(" "), fill(story.summary, &thing))
}

/// An article whose summary belongs to `split`.
pub fn pair(style: Style, split: Split, rng: &mut Rng) -> (String, String) {
    within(split, rng, |rng| {
        let (article, summary) = draw(style, rng);
        ((article, summary.clone()), vec![summary])
    })
}

pub fn rows(style: Style, split: Split, rng: &mut Rng) -> Vec<Example> {
    distinct(split, rng, |_, rng| {
        let (article, summary) = pair(style, split, rng);
        Example::new([("article", Value::from(article)), ("summary", Value::from(summary))])
    })
}
