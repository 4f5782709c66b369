//! The target-format rate: the share of a model's outputs that look like answers of the task it was tuned on
//! (ProMoT paper, Figure 2), whatever was asked: "True" to a question about the capital of France, or French
//! where a summary was due.
//!
//! Languages are told apart by evidence that a reader can check, not by a model: function words of each
//! language, letters that only it uses, and sequences of letters that are frequent in it and rare in the other
//! three (in news text, at least 25 times rarer). It is meant for sentences; a bare name has no language here.

use serde::{Deserialize, Serialize};

use crate::postprocess;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    English,
    French,
    German,
    Romanian,
}

pub const LANGUAGES: [Language; 4] =
    [Language::English, Language::French, Language::German, Language::Romanian];

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::French => "French",
            Language::German => "German",
            Language::Romanian => "Romanian",
        }
    }

    /// Frequent words that carry grammar rather than meaning.
    fn function_words(self) -> &'static [&'static str] {
        match self {
            Language::English => ENGLISH,
            Language::French => FRENCH,
            Language::German => GERMAN,
            Language::Romanian => ROMANIAN,
        }
    }

    /// Letters that none of the other three uses in words of its own.
    fn letters(self) -> &'static str {
        match self {
            Language::English => "",
            Language::French => "éèêëàçôûùœï",
            Language::German => "äöüß",
            Language::Romanian => "ășțşţî",
        }
    }

    /// Sequences of letters; `^` is the start of a word and `$` its end.
    fn sequences(self) -> &'static [&'static str] {
        match self {
            Language::English => &[
                "th", "wh", "ght", "ed$", "ing$", "ly$", "ty$", "ry$", "ld$", "ay$", "ey$", "ow", "ee", "oo",
                "ck$", "sh$",
            ],
            Language::French => &[
                "eau", "eux$", "aux$", "ait$", "aient$", "oir", "eur$", "eurs$", "que$", "aire$", "ois$",
                "^ouv", "elle$", "ette$", "ez$", "ment$", "ant$",
            ],
            Language::German => &[
                "sch", "cht", "ung$", "ein", "eit$", "lich", "chen$", "gt$", "tz", "^zu", "ich$", "^ge",
                "kt$", "ß", "auf",
            ],
            Language::Romanian => &[
                "ul$", "ului$", "ilor$", "elor$", "ii$", "ea$", "eia$", "ia$", "ez$", "ntru$", "^î", "escu$",
                "ând$", "ân",
            ],
        }
    }
}

/// Whether an output's first word is one of `words`.
pub fn is_choice<'a>(output: &str, words: impl IntoIterator<Item = &'a str>) -> bool {
    words.into_iter().any(|word| word == postprocess::first_word(output))
}

/// Whether an output is in this language; one of no recognisable language is not.
pub fn is_language(output: &str, language: Language) -> bool {
    identify(postprocess::between_sentinels(output)) == Some(language)
}

/// The language of a text, or nothing where there is too little evidence or it points two ways.
///
/// A function word is worth one point, shared by the languages that have it; any other word half a point for
/// each language that has one of its sequences; a word with a letter of only one language another point for
/// that one. The most points win; ties are undecided, and so is half a point alone (a name may have that).
pub fn identify(text: &str) -> Option<Language> {
    let mut points = [0.0; LANGUAGES.len()];
    for word in words(text) {
        let owners = LANGUAGES.map(|language| language.function_words().contains(&word.as_str()));
        let shares = owners.iter().filter(|owns| **owns).count();
        let marked = format!("^{word}$");
        for (at, language) in LANGUAGES.into_iter().enumerate() {
            if shares > 0 {
                points[at] += if owners[at] { 1.0 / shares as f64 } else { 0.0 };
            } else if language.sequences().iter().any(|sequence| marked.contains(sequence)) {
                points[at] += 0.5;
            }
            if word.contains(|c| language.letters().contains(c)) {
                points[at] += 1.0;
            }
        }
    }
    let most = points.iter().copied().fold(0.0, f64::max);
    // Shares are sums of 1, 1/2, 1/3 and 1/4: equal ones may differ in the last bit.
    let mut leaders = (0..points.len()).filter(|at| most - points[*at] < 1e-9);
    let leader = leaders.next()?;
    (most > 0.5 && leaders.next().is_none()).then(|| LANGUAGES[leader])
}

/// Lower-case runs of letters; an apostrophe separates, so that French "l'eau" has the word "l".
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

const ENGLISH: &[&str] = &[
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "an",
    "is",
    "was",
    "were",
    "are",
    "that",
    "it",
    "for",
    "on",
    "with",
    "as",
    "he",
    "she",
    "his",
    "her",
    "their",
    "they",
    "be",
    "been",
    "by",
    "at",
    "from",
    "this",
    "which",
    "have",
    "has",
    "had",
    "not",
    "but",
    "or",
    "who",
    "what",
    "where",
    "when",
    "will",
    "would",
    "can",
    "could",
    "there",
    "than",
    "more",
    "about",
    "into",
    "after",
    "its",
    "we",
    "you",
    "i",
    "my",
    "your",
    "our",
    "do",
    "does",
    "did",
    "no",
    "if",
    "all",
    "up",
    "out",
    "over",
    "s",
    "t",
    "him",
    "them",
    "some",
    "any",
    "while",
    "because",
    "now",
    "today",
    "yesterday",
];

const FRENCH: &[&str] = &[
    "le",
    "la",
    "les",
    "de",
    "des",
    "du",
    "un",
    "une",
    "et",
    "est",
    "en",
    "à",
    "au",
    "aux",
    "que",
    "qui",
    "dans",
    "pour",
    "par",
    "sur",
    "pas",
    "ne",
    "ce",
    "cette",
    "ces",
    "se",
    "sa",
    "son",
    "ses",
    "il",
    "elle",
    "ils",
    "elles",
    "nous",
    "vous",
    "je",
    "on",
    "avec",
    "plus",
    "sont",
    "était",
    "ont",
    "a",
    "mais",
    "ou",
    "où",
    "comme",
    "l",
    "d",
    "qu",
    "n",
    "c",
    "s",
    "j",
    "été",
    "être",
    "fait",
    "leur",
    "leurs",
    "lui",
    "y",
    "si",
    "tout",
    "aussi",
    "chez",
    "sans",
    "entre",
    "après",
    "avant",
    "dont",
    "quand",
    "notre",
    "mon",
    "ma",
    "m",
    "même",
    "avait",
    "deux",
    "hier",
    "maintenant",
    "aujourd",
    "toujours",
];

const GERMAN: &[&str] = &[
    "der", "die", "das", "und", "in", "den", "von", "zu", "mit", "sich", "des", "auf", "für", "ist", "im",
    "dem", "nicht", "ein", "eine", "einen", "einem", "einer", "eines", "als", "auch", "es", "an", "werden",
    "aus", "er", "hat", "dass", "sie", "nach", "wird", "bei", "um", "am", "sind", "noch", "wie", "war",
    "über", "so", "zum", "haben", "nur", "oder", "aber", "vor", "zur", "bis", "mehr", "durch", "sein",
    "wurde", "hatte", "kann", "ich", "wir", "ihr", "ihre", "seine", "wenn", "was", "wo", "wer", "kein",
    "keine", "diese", "dieser", "dieses", "waren", "unter", "vom", "gegen", "schon", "denn", "jetzt",
    "heute", "gestern", "hier",
];

const ROMANIAN: &[&str] = &[
    "și", "şi", "de", "în", "a", "la", "cu", "pe", "din", "nu", "o", "un", "este", "că", "pentru", "care",
    "se", "mai", "sunt", "fost", "ce", "au", "ca", "al", "ale", "ai", "prin", "sau", "după", "dar", "său",
    "sa", "lui", "ei", "lor", "unei", "unui", "fi", "va", "vor", "am", "are", "era", "această", "acest",
    "aceasta", "acesta", "aceste", "când", "cum", "unde", "cine", "foarte", "numai", "doar", "fără", "până",
    "între", "spre", "peste", "dintre", "el", "ea", "eu", "noi", "îi", "îl", "iar", "cel", "cea", "cei",
    "să", "nici", "atunci", "acum", "azi", "ieri", "astăzi",
];
