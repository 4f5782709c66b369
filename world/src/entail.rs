//! Entailment: a hypothesis is drawn first, without regard to the label, and then a premise that entails it,
//! contradicts it or leaves it open. So the hypothesis alone says nothing about the label; one has to compare
//! synonyms, classes, opposites, negation, voice and who did it to whom.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{chance, pick, pick_word};
use crate::grammar::noun_where;
use crate::lexicon::{ADJECTIVES, Kind, MEETINGS, NAMES, NOUNS, PLACES, TIMES, VERBS, kind_word};
use crate::split::{distinct, within};
use crate::text::{capital, with_article};

/// The three tasks: two labels over names; commitment ("Ada knows that ...") and two-sentence premises; captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Rte,
    Cb,
    Snli,
}

/// How a premise stands to its hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Entails,
    Contradicts,
    Open,
}

impl Relation {
    /// Of a hypothesis that does not follow, where there are two labels.
    pub fn unfounded(rng: &mut Rng) -> Self {
        if chance(rng, CONTRADICTED) { Relation::Contradicts } else { Relation::Open }
    }
}

/// Who did something; a role is a noun of kind person, which "a person" covers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Name(&'static str),
    Role(usize),
    Person,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    /// Verb, noun and adjective; `general` says the class of the noun instead of the noun.
    Act {
        verb: usize,
        noun: usize,
        adjective: Option<usize>,
        general: bool,
    },
    Meet {
        verb: usize,
        other: &'static str,
    },
}

#[derive(Clone, Copy, Debug)]
struct Event {
    who: Who,
    deed: Deed,
    negated: bool,
}

/// How often a hypothesis says that something never happened: as often as the premises of false ones do, so that the
/// word alone says nothing.
const NEGATED: f64 = 0.3;

/// The verbs before this one come in pairs that exclude each other, "bought" and "sold"; those after it only differ.
const OPPOSITE_VERBS: usize = 6;

/// How often a hypothesis that does not follow contradicts the premise, where there is no third label. The others turn
/// on who or what is meant, which takes a small model far longer to learn.
const CONTRADICTED: f64 = 0.85;

/// Choices of wording that leave the meaning as it is.
#[derive(Clone, Copy, Debug)]
struct Wording {
    synonym: bool,
    passive: bool,
    other_adjective: bool,
}

impl Who {
    fn draw(style: Style, rng: &mut Rng) -> Self {
        if style != Style::Snli {
            return Who::Name(pick_word(rng, NAMES));
        }
        if chance(rng, 0.25) { Who::Person } else { Self::role(rng) }
    }

    fn role(rng: &mut Rng) -> Self {
        Who::Role(noun_where(rng, |noun| noun.kind == Kind::Person))
    }

    fn text(self) -> String {
        match self {
            Who::Name(name) => name.to_owned(),
            Who::Role(noun) => with_article(NOUNS[noun].en),
            Who::Person => "a person".to_owned(),
        }
    }

    /// Somebody else of the same sort.
    fn another(self, style: Style, rng: &mut Rng) -> Self {
        loop {
            let who = if self == Who::Person { Self::role(rng) } else { Self::draw(style, rng) };
            if who != self && who != Who::Person {
                return who;
            }
        }
    }
}

impl Wording {
    fn draw(rng: &mut Rng) -> Self {
        Self { synonym: chance(rng, 0.3), passive: chance(rng, 0.15), other_adjective: chance(rng, 0.3) }
    }
}

impl Event {
    fn draw(style: Style, rng: &mut Rng) -> Self {
        let who = Who::draw(style, rng);
        let negated = chance(rng, NEGATED);
        if style != Style::Snli && chance(rng, 0.2) {
            let deed = Deed::Meet { verb: rng.random_range(0..MEETINGS.len()), other: other_name(who, rng) };
            return Self { who, deed, negated };
        }
        let noun = noun_where(rng, |noun| noun.kind != Kind::Person);
        let general = kind_word(NOUNS[noun].kind).is_some() && chance(rng, 0.3);
        let adjective = (!general && chance(rng, 0.4)).then(|| rng.random_range(0..ADJECTIVES.len()));
        Self {
            who,
            deed: Deed::Act { verb: rng.random_range(0..VERBS.len()), noun, adjective, general },
            negated,
        }
    }

    /// The event as a clause without capital and full stop; `who` may be wider than the event's own.
    fn clause(&self, wording: Wording, who: &str) -> String {
        let never = if self.negated { "never " } else { "" };
        let (past, participle, what) = match self.deed {
            Deed::Meet { verb, other } => {
                let (word, synonym) = MEETINGS[verb];
                let word = if wording.synonym { synonym } else { word };
                (word, word, other.to_owned())
            }
            Deed::Act { verb, .. } => {
                let verb = &VERBS[verb];
                let words =
                    if wording.synonym { (verb.synonym, verb.synonym) } else { (verb.en.2, verb.en.3) };
                (words.0, words.1, self.thing(wording))
            }
        };
        if wording.passive {
            format!("{what} was {never}{participle} by {who}")
        } else {
            format!("{who} {never}{past} {what}")
        }
    }

    fn thing(&self, wording: Wording) -> String {
        let Deed::Act { noun, adjective, general, .. } = self.deed else { return String::new() };
        let noun = &NOUNS[noun];
        let word = if general { kind_word(noun.kind).unwrap_or(noun.en) } else { noun.en };
        match adjective {
            Some(index) if wording.other_adjective => {
                with_article(&format!("{} {word}", ADJECTIVES[index].synonym))
            }
            Some(index) => with_article(&format!("{} {word}", ADJECTIVES[index].en)),
            None => with_article(word),
        }
    }

    /// An event from which this one follows: more specific, or, under negation, more general.
    fn entailing(mut self, rng: &mut Rng) -> Self {
        if self.who == Who::Person && !self.negated {
            self.who = Who::role(rng);
        }
        if let Deed::Act { noun, adjective, general, .. } = &mut self.deed {
            if self.negated {
                let generalise = chance(rng, 0.5) && kind_word(NOUNS[*noun].kind).is_some();
                *general |= generalise;
                *adjective = adjective.filter(|_| !generalise && chance(rng, 0.5));
            } else {
                *general = false;
                *adjective =
                    adjective.or_else(|| chance(rng, 0.3).then(|| rng.random_range(0..ADJECTIVES.len())));
            }
        }
        self
    }

    /// An event that cannot be true together with this one.
    fn contradicting(self, rng: &mut Rng) -> Self {
        let Deed::Act { verb, noun, adjective, .. } = self.deed else { return self.flipped(rng) };
        if self.negated {
            return self.flipped(rng);
        }
        match (rng.random_range(0..3), adjective) {
            (0, Some(index)) => {
                let adjective = Some(ADJECTIVES[index].opposite);
                Self { deed: Deed::Act { verb, noun, adjective, general: false }, ..self.entailing(rng) }
            }
            (0 | 1, _) if verb < OPPOSITE_VERBS => self.entailing(rng).with_verb(VERBS[verb].other),
            _ => self.flipped(rng),
        }
    }

    /// An event from which it follows that this one did not happen (or, where it never did, that it happened).
    fn flipped(self, rng: &mut Rng) -> Self {
        Self { negated: !self.negated, ..self }.entailing(rng)
    }

    fn with_verb(self, other: usize) -> Self {
        let deed = match self.deed {
            Deed::Act { noun, adjective, general, .. } => Deed::Act { verb: other, noun, adjective, general },
            meet @ Deed::Meet { .. } => meet,
        };
        Self { deed, ..self }
    }

    /// An event that says neither that this one happened nor that it did not.
    fn open(self, style: Style, rng: &mut Rng) -> Self {
        match self.deed {
            Deed::Meet { verb, other } => {
                let deed = match (rng.random_range(0..3), self.who) {
                    (0 | 1, Who::Name(name)) => {
                        return Self {
                            who: Who::Name(other),
                            deed: Deed::Meet { verb, other: name },
                            ..self
                        };
                    }
                    _ => Deed::Meet { verb, other: name_besides(&[self.who, Who::Name(other)], rng) },
                };
                Self { deed, ..self }
            }
            Deed::Act { noun, general, adjective, .. } => match rng.random_range(0..4) {
                // "A person" is no one else: whoever did it is a person.
                0 if self.who != Who::Person => {
                    Self { who: self.who.another(style, rng), ..self.entailing(rng) }
                }
                0 | 1 => {
                    let noun =
                        noun_where(rng, |other| other.kind != NOUNS[noun].kind && other.kind != Kind::Person);
                    self.entailing(rng).with_noun(noun)
                }
                2 if !self.negated && adjective.is_some() => self.vaguer(noun, false),
                2 if !self.negated && !general && kind_word(NOUNS[noun].kind).is_some() => {
                    self.vaguer(noun, true)
                }
                _ => self.entailing(rng).with_unlike_verb(rng),
            },
        }
    }

    /// Says less than this event: no adjective, or only the class of the thing.
    fn vaguer(self, noun: usize, general: bool) -> Self {
        match self.deed {
            Deed::Act { verb, .. } => {
                Self { deed: Deed::Act { verb, noun, adjective: None, general }, ..self }
            }
            Deed::Meet { .. } => self,
        }
    }

    fn with_noun(self, other: usize) -> Self {
        match self.deed {
            Deed::Act { verb, adjective, .. } => {
                Self { deed: Deed::Act { verb, noun: other, adjective, general: false }, ..self }
            }
            Deed::Meet { .. } => self,
        }
    }

    /// A verb that is neither the same nor, like "sold" for "bought", the opposite.
    fn with_unlike_verb(self, rng: &mut Rng) -> Self {
        let Deed::Act { verb, .. } = self.deed else { return self };
        loop {
            let other = rng.random_range(0..VERBS.len());
            if other != verb && VERBS[verb].other != other {
                return self.with_verb(other);
            }
        }
    }
}

fn other_name(who: Who, rng: &mut Rng) -> &'static str {
    name_besides(&[who], rng)
}

fn name_besides(known: &[Who], rng: &mut Rng) -> &'static str {
    loop {
        let name = *pick(rng, NAMES);
        if !known.contains(&Who::Name(name)) {
            return name;
        }
    }
}

/// "at the market", "on Monday" or nothing, behind a premise.
fn circumstance(rng: &mut Rng) -> String {
    match rng.random_range(0..4) {
        0 => format!(" {}", pick(rng, PLACES).en),
        1 => format!(" {}", pick(rng, TIMES).en),
        _ => String::new(),
    }
}

fn sentence(clause: &str) -> String {
    capital(&format!("{clause}."))
}

/// A premise and a hypothesis in the wanted relation, both of `split`.
pub fn pair(style: Style, relation: Relation, split: Split, rng: &mut Rng) -> Pair {
    within(split, rng, |rng| {
        let mut pair = draw_pair(style, relation, rng);
        // A premise that is the hypothesis teaches little: most of them are drawn again.
        while pair.premise == pair.hypothesis && chance(rng, 0.8) {
            pair = draw_pair(style, relation, rng);
        }
        // Each sentence alone could be a premise elsewhere, so each has to belong to the split.
        let mut keys: Vec<String> =
            pair.premise.split_inclusive(". ").map(|sentence| sentence.trim().to_owned()).collect();
        keys.push(pair.hypothesis.clone());
        (pair, keys)
    })
}

/// A premise, a hypothesis, and where they differ, as one would say it; nothing where the first entails the second.
#[derive(Clone, Debug)]
pub struct Pair {
    pub premise: String,
    pub hypothesis: String,
    pub difference: String,
}

/// Where two events differ, in the words "Paul, not Ada".
fn difference(told: &Event, asked: &Event) -> String {
    let not = |one: &str, other: &str| format!("{one}, not {other}");
    if told.negated != asked.negated {
        return if told.negated { "never".to_owned() } else { "not never".to_owned() };
    }
    if told.who != asked.who && asked.who != Who::Person {
        return not(&told.who.text(), &asked.who.text());
    }
    let word = |noun: usize, general: bool| {
        let noun = &NOUNS[noun];
        kind_word(noun.kind).filter(|_| general).unwrap_or(noun.en)
    };
    match (told.deed, asked.deed) {
        (Deed::Meet { other: one, .. }, Deed::Meet { other, .. }) => not(one, other),
        (Deed::Act { verb: one, .. }, Deed::Act { verb: other, .. }) if one != other => {
            not(VERBS[one].en.2, VERBS[other].en.2)
        }
        (Deed::Act { noun: one, general: vague, .. }, Deed::Act { noun: other, general, .. })
            if one != other =>
        {
            not(word(one, vague), word(other, general))
        }
        (Deed::Act { adjective: Some(one), .. }, Deed::Act { adjective: Some(other), .. })
            if one != other =>
        {
            not(ADJECTIVES[one].en, ADJECTIVES[other].en)
        }
        (Deed::Act { .. }, Deed::Act { adjective: Some(other), .. }) => {
            format!("perhaps {}", ADJECTIVES[other].en)
        }
        (_, Deed::Act { noun, .. }) => format!("perhaps {}", NOUNS[noun].en),
        _ => String::new(),
    }
}

fn draw_pair(style: Style, relation: Relation, rng: &mut Rng) -> Pair {
    let event = Event::draw(style, rng);
    let mut wording = Wording::draw(rng);
    wording.synonym &= chance(rng, 0.5);
    let hypothesis = sentence(&event.clause(wording, &event.who.text()));
    if style == Style::Cb && chance(rng, 0.5) {
        let (premise, verb) = commitment(event, relation, rng);
        return Pair { premise, hypothesis, difference: verb.to_owned() };
    }
    let told = match relation {
        Relation::Entails => event.entailing(rng),
        Relation::Contradicts => event.contradicting(rng),
        Relation::Open => event.open(style, rng),
    };
    let difference = difference(&told, &event);
    let clause = told.clause(Wording::draw(rng), &told.who.text());
    let mut premise = sentence(&format!("{clause}{}", circumstance(rng)));
    if style == Style::Cb {
        let aside = aside(style, event, rng);
        premise = if chance(rng, 0.5) { format!("{premise} {aside}") } else { format!("{aside} {premise}") };
    }
    Pair { premise, hypothesis, difference }
}

/// A sentence about other people, which settles nothing.
fn aside(style: Style, event: Event, rng: &mut Rng) -> String {
    let other = Event { who: event.who.another(style, rng), ..Event::draw(style, rng) };
    sentence(&other.clause(Wording { passive: false, ..Wording::draw(rng) }, &other.who.text()))
}

/// "Ada knows that ..." entails, "Ada lied that ..." contradicts, "Ada thinks that ..." leaves open.
fn commitment(event: Event, relation: Relation, rng: &mut Rng) -> (String, &'static str) {
    let verb = match relation {
        Relation::Entails => *pick(rng, &["knows", "remembers", "regrets"]),
        Relation::Contradicts => *pick(rng, &["lied", "pretended", "dreamed"]),
        Relation::Open => *pick(rng, &["thinks", "hopes", "claims"]),
    };
    let clause = event.clause(Wording::draw(rng), &event.who.text());
    (format!("{} {verb} that {clause}.", other_name(event.who, rng)), verb)
}

/// A passage, a question that it answers and the answer: who did it, to whom, or what it was done to. It trains the
/// same comparison as entailment, with more to say than one of two words.
pub fn reading(rng: &mut Rng) -> [String; 3] {
    let (event, told) = within(Split::Train, rng, |rng| {
        let event = Event::draw(Style::Rte, rng);
        let told = event.entailing(rng);
        let told = sentence(&told.clause(Wording::draw(rng), &told.who.text()));
        ((event, told.clone()), vec![told])
    });
    let wording = Wording { passive: false, ..Wording::draw(rng) };
    let (question, answer) = match event.deed {
        Deed::Meet { other, .. } if chance(rng, 0.5) => {
            let asked = event.clause(Wording { passive: true, ..wording }, &event.who.text());
            (asked.replacen(other, "Who", 1), other.to_owned())
        }
        _ => (event.clause(wording, "Who"), event.who.text()),
    };
    let aside = within(Split::Train, rng, |rng| {
        let text = aside(Style::Rte, event, rng);
        (text.clone(), vec![text])
    });
    let passage = match rng.random_range(0..3) {
        0 => told,
        1 => format!("{told} {aside}"),
        _ => format!("{aside} {told}"),
    };
    [passage, format!("{question}?"), answer]
}

pub fn rows(style: Style, split: Split, rng: &mut Rng) -> Vec<Example> {
    use Relation::{Contradicts, Entails, Open};
    distinct(split, rng, |index, rng| {
        let (relation, label) = match (style, index % 2, index % 3) {
            (Style::Rte, 0, _) => (Entails, "entailment"),
            (Style::Rte, ..) => (Relation::unfounded(rng), "not_entailment"),
            (_, _, 0) => (Entails, "entailment"),
            (_, _, 1) => (Contradicts, "contradiction"),
            _ => (Open, "neutral"),
        };
        let Pair { premise, hypothesis, .. } = pair(style, relation, split, rng);
        Example::new([
            ("premise", Value::from(premise)),
            ("hypothesis", Value::from(hypothesis)),
            ("label", Value::from(label)),
        ])
    })
}
