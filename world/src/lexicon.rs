//! The words of the mini world: nouns, adjectives and verbs with their forms in four languages, places, times and
//! names. Small on purpose: a model with a few million parameters must learn all of it in an hour.

/// Index of a language in the form tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    En,
    Fr,
    De,
    Ro,
}

/// Grammatical gender. Romanian neuters take masculine forms in the singular, the only number used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    M,
    F,
    N,
}

/// The class that a noun belongs to; its own word stands in `kind_word`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Person,
    Animal,
    Vehicle,
    Food,
    Furniture,
    Plant,
    Garment,
    Tool,
    Other,
}

#[derive(Debug)]
pub struct Noun {
    pub en: &'static str,
    pub kind: Kind,
    pub fr: (&'static str, Gender),
    pub de: (&'static str, Gender),
    /// Bare form, form with the definite article suffixed, gender.
    pub ro: (&'static str, &'static str, Gender),
}

#[derive(Debug)]
pub struct Adjective {
    pub en: &'static str,
    /// An English word that means the same; the word itself where there is none.
    pub synonym: &'static str,
    /// Index of the opposite in `ADJECTIVES`.
    pub opposite: usize,
    pub fr: (&'static str, &'static str),
    /// Whether the French adjective stands before the noun.
    pub fr_before: bool,
    /// German stem; all of them are regular.
    pub de: &'static str,
    pub ro: (&'static str, &'static str),
}

#[derive(Debug)]
pub struct Verb {
    /// Base, third person present, past, past participle.
    pub en: (&'static str, &'static str, &'static str, &'static str),
    /// Past tense of an English verb that means the same.
    pub synonym: &'static str,
    /// Index of a verb that means something else and can stand in the same place.
    pub other: usize,
    /// Third person present and past participle; all take "avoir", "haben", "a".
    pub fr: (&'static str, &'static str),
    pub de: (&'static str, &'static str),
    pub ro: (&'static str, &'static str),
}

/// A place or a time as an adverbial, in all four languages.
#[derive(Debug)]
pub struct Adverbial {
    pub en: &'static str,
    pub fr: &'static str,
    pub de: &'static str,
    pub ro: &'static str,
}

impl Adverbial {
    pub fn text(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Fr => self.fr,
            Lang::De => self.de,
            Lang::Ro => self.ro,
        }
    }
}

use Gender::{F, M, N};
use Kind::{Animal, Food, Furniture, Garment, Other, Person, Plant, Tool, Vehicle};

type Form = (&'static str, Gender);

const fn noun(
    en: &'static str,
    kind: Kind,
    fr: Form,
    de: Form,
    ro: (&'static str, &'static str, Gender),
) -> Noun {
    Noun { en, kind, fr, de, ro }
}

#[rustfmt::skip]
pub const NOUNS: &[Noun] = &[
    noun("man", Person, ("homme", M), ("Mann", M), ("bărbat", "bărbatul", M)),
    noun("woman", Person, ("femme", F), ("Frau", F), ("femeie", "femeia", F)),
    noun("boy", Person, ("garçon", M), ("Junge", M), ("băiat", "băiatul", M)),
    noun("girl", Person, ("fille", F), ("Mädchen", N), ("fată", "fata", F)),
    noun("king", Person, ("roi", M), ("König", M), ("rege", "regele", M)),
    noun("queen", Person, ("reine", F), ("Königin", F), ("regină", "regina", F)),
    noun("teacher", Person, ("professeur", M), ("Lehrer", M), ("profesor", "profesorul", M)),
    noun("dog", Animal, ("chien", M), ("Hund", M), ("câine", "câinele", M)),
    noun("cat", Animal, ("chat", M), ("Katze", F), ("pisică", "pisica", F)),
    noun("horse", Animal, ("cheval", M), ("Pferd", N), ("cal", "calul", M)),
    noun("car", Vehicle, ("voiture", F), ("Auto", N), ("mașină", "mașina", F)),
    noun("boat", Vehicle, ("bateau", M), ("Boot", N), ("barcă", "barca", F)),
    noun("train", Vehicle, ("train", M), ("Zug", M), ("tren", "trenul", N)),
    noun("apple", Food, ("pomme", F), ("Apfel", M), ("măr", "mărul", N)),
    noun("bread", Food, ("pain", M), ("Brot", N), ("pâine", "pâinea", F)),
    noun("cake", Food, ("gâteau", M), ("Kuchen", M), ("tort", "tortul", N)),
    noun("table", Furniture, ("table", F), ("Tisch", M), ("masă", "masa", F)),
    noun("chair", Furniture, ("chaise", F), ("Stuhl", M), ("scaun", "scaunul", N)),
    noun("bed", Furniture, ("lit", M), ("Bett", N), ("pat", "patul", N)),
    noun("flower", Plant, ("fleur", F), ("Blume", F), ("floare", "floarea", F)),
    noun("tree", Plant, ("arbre", M), ("Baum", M), ("copac", "copacul", M)),
    noun("rose", Plant, ("rose", F), ("Rose", F), ("trandafir", "trandafirul", M)),
    noun("hat", Garment, ("chapeau", M), ("Hut", M), ("pălărie", "pălăria", F)),
    noun("coat", Garment, ("manteau", M), ("Mantel", M), ("palton", "paltonul", N)),
    noun("shirt", Garment, ("chemise", F), ("Hemd", N), ("cămașă", "cămașa", F)),
    noun("knife", Tool, ("couteau", M), ("Messer", N), ("cuțit", "cuțitul", N)),
    noun("hammer", Tool, ("marteau", M), ("Hammer", M), ("ciocan", "ciocanul", N)),
    noun("book", Other, ("livre", M), ("Buch", N), ("carte", "cartea", F)),
    noun("house", Other, ("maison", F), ("Haus", N), ("casă", "casa", F)),
    noun("box", Other, ("boîte", F), ("Kiste", F), ("cutie", "cutia", F)),
];

/// The word for a class of things, with its article; `None` for the class of everything else.
pub fn kind_word(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Person => "person",
        Animal => "animal",
        Vehicle => "vehicle",
        Food => "food",
        Furniture => "piece of furniture",
        Plant => "plant",
        Garment => "garment",
        Tool => "tool",
        Other => return None,
    })
}

const fn adjective(
    en: &'static str,
    synonym: &'static str,
    opposite: usize,
    fr: (&'static str, &'static str),
    fr_before: bool,
    de: &'static str,
    ro: (&'static str, &'static str),
) -> Adjective {
    Adjective { en, synonym, opposite, fr, fr_before, de, ro }
}

#[rustfmt::skip]
pub const ADJECTIVES: &[Adjective] = &[
    adjective("big", "large", 1, ("grand", "grande"), true, "groß", ("mare", "mare")),
    adjective("small", "little", 0, ("petit", "petite"), true, "klein", ("mic", "mică")),
    adjective("clean", "spotless", 3, ("propre", "propre"), false, "sauber", ("curat", "curată")),
    adjective("dirty", "filthy", 2, ("sale", "sale"), false, "schmutzig", ("murdar", "murdară")),
    adjective("white", "white", 5, ("blanc", "blanche"), false, "weiß", ("alb", "albă")),
    adjective("black", "black", 4, ("noir", "noire"), false, "schwarz", ("negru", "neagră")),
    adjective("pretty", "beautiful", 7, ("joli", "jolie"), true, "hübsch", ("frumos", "frumoasă")),
    adjective("ugly", "hideous", 6, ("laid", "laide"), false, "hässlich", ("urât", "urâtă")),
];

const fn verb(
    en: (&'static str, &'static str, &'static str, &'static str),
    synonym: &'static str,
    other: usize,
    fr: (&'static str, &'static str),
    de: (&'static str, &'static str),
    ro: (&'static str, &'static str),
) -> Verb {
    Verb { en, synonym, other, fr, de, ro }
}

#[rustfmt::skip]
pub const VERBS: &[Verb] = &[
    verb(("buy", "buys", "bought", "bought"), "purchased", 1, ("achète", "acheté"), ("kauft", "gekauft"), ("cumpără", "cumpărat")),
    verb(("sell", "sells", "sold", "sold"), "auctioned", 0, ("vend", "vendu"), ("verkauft", "verkauft"), ("vinde", "vândut")),
    verb(("find", "finds", "found", "found"), "discovered", 3, ("trouve", "trouvé"), ("findet", "gefunden"), ("găsește", "găsit")),
    verb(("lose", "loses", "lost", "lost"), "mislaid", 2, ("perd", "perdu"), ("verliert", "verloren"), ("pierde", "pierdut")),
    verb(("push", "pushes", "pushed", "pushed"), "shoved", 5, ("pousse", "poussé"), ("schiebt", "geschoben"), ("împinge", "împins")),
    verb(("pull", "pulls", "pulled", "pulled"), "dragged", 4, ("tire", "tiré"), ("zieht", "gezogen"), ("trage", "tras")),
    verb(("see", "sees", "saw", "seen"), "noticed", 7, ("voit", "vu"), ("sieht", "gesehen"), ("vede", "văzut")),
    verb(("hide", "hides", "hid", "hidden"), "concealed", 6, ("cache", "caché"), ("versteckt", "versteckt"), ("ascunde", "ascuns")),
];

/// Verbs between persons, for swapped roles: past tense (also the participle) and synonym. English only.
pub const MEETINGS: &[(&str, &str)] =
    &[("helped", "assisted"), ("followed", "chased"), ("called", "phoned"), ("visited", "met")];

const fn adverbial(en: &'static str, fr: &'static str, de: &'static str, ro: &'static str) -> Adverbial {
    Adverbial { en, fr, de, ro }
}

pub const PLACES: &[Adverbial] = &[
    adverbial("in the garden", "dans le jardin", "im Garten", "în grădină"),
    adverbial("in the kitchen", "dans la cuisine", "in der Küche", "în bucătărie"),
    adverbial("at the market", "au marché", "auf dem Markt", "la piață"),
    adverbial("at the station", "à la gare", "am Bahnhof", "la gară"),
];

/// Times that go with the past.
pub const TIMES: &[Adverbial] = &[
    adverbial("yesterday", "hier", "gestern", "ieri"),
    adverbial("on Monday", "lundi", "am Montag", "luni"),
    adverbial("in summer", "en été", "im Sommer", "vara"),
    adverbial("in winter", "en hiver", "im Winter", "iarna"),
];

/// Times that go with the present.
pub const NOW: &[Adverbial] =
    &[adverbial("today", "aujourd'hui", "heute", "azi"), adverbial("now", "maintenant", "jetzt", "acum")];

#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "Ada", "Anton", "Bella", "Boris", "Carla", "Conrad", "Dora", "Emil", "Eva", "Felix", "Gerda", "Gustav", "Heidi", "Hugo",
    "Irene", "Jacob", "Karin", "Leo", "Lisa", "Magda", "Nadia", "Oscar", "Paul", "Victor",
];
