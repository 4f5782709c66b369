//! Clauses and their sentences in English, French, German and Romanian: gender, case, articles, place and form of
//! adjectives, place of verbs and negation. One clause, four sentences: the rows of the translation tasks.

use promot_core::data::{Example, Split};
use promot_core::rng::Rng;
use rand::Rng as _;
use serde_json::Value;

use crate::draw::{chance, pick_word};
use crate::lexicon::{ADJECTIVES, Gender, Kind, Lang, NAMES, NOUNS, NOW, Noun, PLACES, TIMES, VERBS};
use crate::split::{distinct, within};
use crate::text::{capital, with_article};

/// A noun phrase: "the big dog", "a dog".
#[derive(Clone, Copy, Debug)]
pub struct Phrase {
    pub noun: usize,
    pub adjective: Option<usize>,
    pub definite: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Subject {
    Name(&'static str),
    Phrase(Phrase),
}

/// One event: who did what to what, when and where.
#[derive(Clone, Debug)]
pub struct Clause {
    pub subject: Subject,
    pub verb: usize,
    pub past: bool,
    pub negated: bool,
    pub object: Phrase,
    pub place: Option<usize>,
    pub time: Option<usize>,
    /// Whether the time opens the sentence (German then puts the verb before the subject).
    pub time_first: bool,
}

/// German case; the other languages show none on nouns here.
#[derive(Clone, Copy, PartialEq)]
enum Case {
    Nominative,
    Accusative,
}

impl Clause {
    pub fn draw(rng: &mut Rng) -> Self {
        let negated = chance(rng, 0.15);
        let past = chance(rng, 0.6);
        let object = Phrase {
            noun: noun_where(rng, |noun| noun.kind != Kind::Person),
            adjective: chance(rng, 0.5).then(|| rng.random_range(0..ADJECTIVES.len())),
            definite: negated || chance(rng, 0.5),
        };
        let extra = rng.random_range(0..4);
        let times = if past { TIMES.len() } else { NOW.len() };
        Self {
            subject: Subject::draw(rng),
            verb: rng.random_range(0..VERBS.len()),
            past,
            negated,
            object,
            place: (extra == 0 && !negated).then(|| rng.random_range(0..PLACES.len())),
            time: (extra == 1 || extra == 2).then(|| rng.random_range(0..times)),
            time_first: extra == 1,
        }
    }

    pub fn sentence(&self, lang: Lang) -> String {
        let subject = match self.subject {
            Subject::Name(name) => name.to_owned(),
            Subject::Phrase(phrase) => phrase.text(lang, Case::Nominative),
        };
        let object = self.object.text(lang, Case::Accusative);
        let place = self.place.map(|index| PLACES[index].text(lang).to_owned());
        let time =
            self.time.map(|index| if self.past { &TIMES[index] } else { &NOW[index] }.text(lang).to_owned());
        let (first, last) = if self.time_first { (time, None) } else { (None, time) };
        let words = match lang {
            Lang::De => self.german(subject, object, place, first, last),
            _ => vec![first, Some(subject), Some(self.verb_group(lang)), Some(object), place, last],
        };
        let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        capital(&format!("{}.", words.join(" ")))
    }

    /// The finite verb with its auxiliary and negation, for languages that keep them together.
    fn verb_group(&self, lang: Lang) -> String {
        let verb = &VERBS[self.verb];
        let (present, participle) = match lang {
            Lang::En => return self.english_verb(),
            Lang::Fr => verb.fr,
            Lang::De => verb.de,
            Lang::Ro => verb.ro,
        };
        match (lang, self.past, self.negated) {
            (Lang::Ro, true, negated) => format!("{}a {participle}", if negated { "nu " } else { "" }),
            (Lang::Ro, false, negated) => format!("{}{present}", if negated { "nu " } else { "" }),
            (_, true, true) => format!("n'a pas {participle}"),
            (_, true, false) => format!("a {participle}"),
            (_, false, true) if vowel(present) => format!("n'{present} pas"),
            (_, false, true) => format!("ne {present} pas"),
            (_, false, false) => present.to_owned(),
        }
    }

    fn english_verb(&self) -> String {
        let (base, present, past, _) = VERBS[self.verb].en;
        match (self.past, self.negated) {
            (true, false) => past.to_owned(),
            (true, true) => format!("did not {base}"),
            (false, false) => present.to_owned(),
            (false, true) => format!("does not {base}"),
        }
    }

    /// Verb second, participle last, time before the object, "nicht" after it.
    fn german(
        &self,
        subject: String,
        object: String,
        place: Option<String>,
        first: Option<String>,
        last: Option<String>,
    ) -> Vec<Option<String>> {
        let (present, participle) = VERBS[self.verb].de;
        let finite = Some(if self.past { "hat" } else { present }.to_owned());
        let opening =
            if first.is_some() { [first, finite, Some(subject)] } else { [Some(subject), finite, None] };
        let negation = self.negated.then(|| "nicht".to_owned());
        let end = self.past.then(|| participle.to_owned());
        opening.into_iter().chain([last, Some(object), negation, place, end]).collect()
    }
}

impl Subject {
    fn draw(rng: &mut Rng) -> Self {
        if chance(rng, 0.4) {
            return Subject::Name(pick_word(rng, NAMES));
        }
        Subject::Phrase(Phrase {
            noun: noun_where(rng, |noun| noun.kind == Kind::Person),
            adjective: chance(rng, 0.3).then(|| rng.random_range(0..ADJECTIVES.len())),
            definite: chance(rng, 0.7),
        })
    }
}

impl Phrase {
    fn text(self, lang: Lang, case: Case) -> String {
        let noun = &NOUNS[self.noun];
        match lang {
            Lang::En => self.english(noun),
            Lang::Fr => self.french(noun),
            Lang::De => self.german(noun, case),
            Lang::Ro => self.romanian(noun),
        }
    }

    pub fn english(self, noun: &Noun) -> String {
        let words = match self.adjective {
            Some(index) => format!("{} {}", ADJECTIVES[index].en, noun.en),
            None => noun.en.to_owned(),
        };
        if self.definite { format!("the {words}") } else { with_article(&words) }
    }

    fn french(self, noun: &Noun) -> String {
        let (word, gender) = noun.fr;
        let feminine = gender == Gender::F;
        let mut words = vec![word];
        if let Some(index) = self.adjective {
            let (masculine, form) = ADJECTIVES[index].fr;
            let form = if feminine { form } else { masculine };
            words.insert(if ADJECTIVES[index].fr_before { 0 } else { 1 }, form);
        }
        let rest = words.join(" ");
        match (self.definite, feminine) {
            (true, _) if vowel(&rest) => format!("l'{rest}"),
            (true, true) => format!("la {rest}"),
            (true, false) => format!("le {rest}"),
            (false, true) => format!("une {rest}"),
            (false, false) => format!("un {rest}"),
        }
    }

    fn german(self, noun: &Noun, case: Case) -> String {
        use Gender::{F, M, N};
        let (word, gender) = noun.de;
        let masculine_object = gender == M && case == Case::Accusative;
        let (article, ending) = match (self.definite, gender) {
            (true, M) if masculine_object => ("den", "en"),
            (false, M) if masculine_object => ("einen", "en"),
            (true, M) => ("der", "e"),
            (true, F) => ("die", "e"),
            (true, N) => ("das", "e"),
            (false, M) => ("ein", "er"),
            (false, F) => ("eine", "e"),
            (false, N) => ("ein", "es"),
        };
        match self.adjective {
            Some(index) => format!("{article} {}{ending} {word}", ADJECTIVES[index].de),
            None => format!("{article} {word}"),
        }
    }

    fn romanian(self, noun: &Noun) -> String {
        let (bare, with_article, gender) = noun.ro;
        let feminine = gender == Gender::F;
        let adjective = self.adjective.map_or(String::new(), |index| {
            let (masculine, form) = ADJECTIVES[index].ro;
            format!(" {}", if feminine { form } else { masculine })
        });
        match (self.definite, feminine) {
            (true, _) => format!("{with_article}{adjective}"),
            (false, true) => format!("o {bare}{adjective}"),
            (false, false) => format!("un {bare}{adjective}"),
        }
    }
}

/// Whether French elides before the word; all of our h are mute.
fn vowel(word: &str) -> bool {
    word.starts_with(['a', 'e', 'i', 'o', 'u', 'é', 'h'])
}

pub fn noun_where(rng: &mut Rng, fits: impl Fn(&Noun) -> bool) -> usize {
    loop {
        let index = rng.random_range(0..NOUNS.len());
        if fits(&NOUNS[index]) {
            return index;
        }
    }
}

/// A clause whose English sentence belongs to `split`.
pub fn clause(split: Split, rng: &mut Rng) -> Clause {
    within(split, rng, |rng| {
        let clause = Clause::draw(rng);
        let key = clause.sentence(Lang::En);
        (clause, vec![key])
    })
}

pub fn rows(lang: Lang, split: Split, rng: &mut Rng) -> Vec<Example> {
    distinct(split, rng, |_, rng| {
        let clause = clause(split, rng);
        Example::new([
            ("source", Value::from(clause.sentence(Lang::En))),
            ("target", Value::from(clause.sentence(lang))),
        ])
    })
}
