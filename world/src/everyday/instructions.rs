//! Instructions of one line. Their answers are single words, so that a rule can judge them.

use crate::facts::MONTHS;

const OPPOSITES: &[(&str, &str)] = &[
    ("hot", "cold"),
    ("big", "small"),
    ("up", "down"),
    ("fast", "slow"),
    ("old", "new"),
    ("day", "night"),
    ("open", "closed"),
    ("wet", "dry"),
    ("rich", "poor"),
    ("hard", "soft"),
    ("long", "short"),
    ("light", "dark"),
    ("happy", "sad"),
    ("early", "late"),
    ("left", "right"),
    ("full", "empty"),
    ("high", "low"),
    ("strong", "weak"),
    ("first", "last"),
    ("win", "lose"),
    ("good", "bad"),
    ("buy", "sell"),
    ("push", "pull"),
    ("love", "hate"),
    ("question", "answer"),
    ("begin", "end"),
    ("inside", "outside"),
    ("above", "below"),
    ("before", "after"),
    ("always", "never"),
];

const PAST: &[(&str, &str)] = &[
    ("go", "went"),
    ("eat", "ate"),
    ("see", "saw"),
    ("take", "took"),
    ("give", "gave"),
    ("come", "came"),
    ("buy", "bought"),
    ("run", "ran"),
    ("write", "wrote"),
    ("sing", "sang"),
    ("find", "found"),
    ("think", "thought"),
    ("make", "made"),
    ("know", "knew"),
    ("drive", "drove"),
    ("speak", "spoke"),
    ("walk", "walked"),
    ("play", "played"),
    ("open", "opened"),
    ("cook", "cooked"),
    ("drink", "drank"),
    ("swim", "swam"),
    ("sleep", "slept"),
    ("tell", "told"),
];

const PLURALS: &[(&str, &str)] = &[
    ("child", "children"),
    ("mouse", "mice"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("man", "men"),
    ("woman", "women"),
    ("leaf", "leaves"),
    ("knife", "knives"),
    ("box", "boxes"),
    ("city", "cities"),
    ("goose", "geese"),
    ("potato", "potatoes"),
    ("book", "books"),
    ("house", "houses"),
    ("dog", "dogs"),
    ("baby", "babies"),
    ("church", "churches"),
    ("wolf", "wolves"),
    ("bus", "buses"),
    ("story", "stories"),
];

const DAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const WORDS: &[&str] = &[
    "garden", "window", "bridge", "candle", "river", "letter", "winter", "orange", "forest", "silver",
    "button", "castle", "market", "paper", "stone", "music", "table", "horse", "island", "camera", "pocket",
    "summer", "mirror", "ladder", "kitchen", "doctor", "flower", "hammer", "basket", "bottle", "valley",
    "engine", "carpet", "dinner", "planet", "shadow", "school", "finger", "bakery", "pencil",
];

/// Every instruction with its answer.
pub fn all() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |instruction: String, answer: &str| all.push((instruction, answer.to_owned()));
    for (word, opposite) in OPPOSITES {
        add(format!("Write the opposite of the word {word}."), opposite);
    }
    for (verb, past) in PAST {
        add(format!("Write the past tense of the verb {verb}."), past);
    }
    for (noun, plural) in PLURALS {
        add(format!("Write the plural of the noun {noun}."), plural);
    }
    for (what, names) in [("day", DAYS), ("month", MONTHS)] {
        for (name, next) in names.iter().zip(names.iter().cycle().skip(1)) {
            add(format!("Write the {what} that comes after {name}."), next);
        }
    }
    for word in WORDS {
        add(format!("Write the word {word} in capital letters."), &word.to_uppercase());
        add(format!("Write the first letter of the word {word}."), &word[..1]);
    }
    for number in 2..=60 {
        add(format!("Write the number that comes after {number}."), &(number + 1).to_string());
    }
    for words in WORDS.windows(3) {
        for (place, word) in ["first", "second", "last"].into_iter().zip(words) {
            add(format!("Write the {place} of these words: {}.", words.join(", ")), word);
        }
    }
    all
}
