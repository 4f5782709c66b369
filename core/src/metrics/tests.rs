//! Scores are checked as tables against the reference tools in `tests/it/metrics.rs`; here is what those
//! tables cannot show.

use super::format::{Language, identify, is_choice, is_language};
use super::rouge::Words;
use super::*;

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn one_each(list: &[&str]) -> Vec<Vec<String>> {
    list.iter().map(|text| texts(&[text])).collect()
}

const ALL: [Metric; 9] = [
    Metric::Accuracy,
    Metric::ExactMatch(Normalization::None),
    Metric::ExactMatch(Normalization::Squad),
    Metric::ExactMatch(Normalization::Trivia),
    Metric::Contains(Normalization::Squad),
    Metric::Bleu,
    Metric::Chrf,
    Metric::Rouge2,
    Metric::Rouge2Unicode,
];

#[test]
fn a_sentence_contains_an_answer_as_whole_words() {
    for (prediction, reference, hit) in [
        ("It is Paris, of course.", "paris", true),
        ("Parisians live there.", "Paris", false),
        ("in New  York!", "new york", true),
        ("13", "3", false),
        ("True", "Rome", false),
        ("anything", "", false),
        ("", "Rome", false),
        ("the Gr\u{e4}fin", "fin", false),
        ("fin fine fin", "fine fin", true),
    ] {
        let score =
            Metric::Contains(Normalization::Squad).score(&texts(&[prediction]), &one_each(&[reference]));
        assert_eq!(score.score > 0.0, hit, "{prediction} / {reference}");
    }
}

#[test]
fn rouge_of_any_script_needs_its_tokenizer_and_says_so() {
    let rouge = |words, prediction: &str, reference: &str| {
        Rouge { variant: Variant::One, words }.score(&texts(&[prediction]), &one_each(&[reference]))
    };
    for text in
        ["кот спит дома", "猫が寝ている", "الكلب ينام", "बिल्ली सो रही है", "แมวนอน", "ο σκύλος κοιμάται"]
    {
        let ascii = rouge(Words::Ascii, text, text);
        assert_eq!((ascii.score, ascii.warnings.len()), (0.0, 1), "{text}");
        assert!(ascii.warnings[0].contains("of 1 of 1 rows") && ascii.warnings[0].contains("`unicode`"));
        for words in [Words::Unicode, Words::Characters] {
            let score = rouge(words, text, text);
            assert!((score.score - 100.0).abs() < 1e-9 && score.warnings.is_empty(), "{text}");
            assert!(score.signature.contains(&format!("tok:{}|", words.name())));
        }
    }
    for text in ["the cat sleeps", "le café français", "250", "", "..."] {
        assert_eq!(rouge(Words::Ascii, text, text).warnings, [""; 0], "{text}");
    }
    // Words between spaces, characters where there are none, marks with their letters.
    let half =
        |words, prediction: &str, reference: &str| rouge(words, prediction, reference).details["recall"];
    assert_eq!(half(Words::Unicode, "кот", "КОТ спит"), 50.0);
    assert_eq!(half(Words::Unicode, "猫abc", "猫犬"), 50.0);
    assert_eq!(half(Words::Unicode, "abc", "abc猫"), 50.0);
    assert_eq!(half(Words::Unicode, "बिल्ली", "बिल्ली सो"), 50.0);
    assert_eq!(half(Words::Unicode, "น้", "น้ำ"), 50.0);
    assert_eq!(half(Words::Characters, "ko", "кoт ko"), 40.0);
}

#[test]
fn gold_answers_score_100_and_one_wrong_answer_less() {
    let gold = ["the red cat sleeps here", "a small dog runs far away"];
    for metric in ALL {
        let perfect = metric.score(&texts(&gold), &one_each(&gold)).score;
        assert!((perfect - 100.0).abs() < 1e-9, "{metric:?}: {perfect}");
        let wrong = metric.score(&texts(&[gold[0], "no word in common"]), &one_each(&gold)).score;
        assert!(wrong < 99.0, "{metric:?}: {wrong}");
    }
}

#[test]
fn nothing_to_score_is_zero() {
    for metric in ALL {
        let score = metric.score(&[], &[]);
        assert_eq!((score.score, score.n), (0.0, 0), "{metric:?}");
    }
}

#[test]
fn signatures_name_every_option() {
    let references = vec![texts(&["a"]), texts(&["b", "c"])];
    let bleu = Bleu { lowercase: true, smoothing: bleu::Smoothing::Floor(0.1), ..Bleu::default() };
    let signature = bleu.score(&texts(&["a", "b"]), &references).signature;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        signature,
        format!("nrefs:var|case:lc|eff:no|tok:13a|smooth:floor[0.10]|version:promot-{version}")
    );
    let exact = Metric::ExactMatch(Normalization::Squad).score(&texts(&["a", "b"]), &references).signature;
    assert_eq!(exact, format!("nrefs:var|refs:any|case:lc|norm:squad|version:promot-{version}"));
}

#[test]
fn options_are_found_by_the_names_of_the_reference_tools() {
    for tokenize in bleu::Tokenize::ALL {
        assert_eq!(bleu::Tokenize::by_name(tokenize.name()).unwrap(), tokenize);
    }
    for variant in Variant::ALL {
        assert_eq!(Variant::by_name(variant.name()).unwrap(), variant);
    }
    for normalization in Normalization::ALL {
        assert_eq!(Normalization::by_name(normalization.name()).unwrap(), normalization);
    }
    assert_eq!(bleu::Smoothing::by_name("floor", None).unwrap(), bleu::Smoothing::Floor(0.1));
    assert_eq!(bleu::Smoothing::by_name("add-k", Some(2.0)).unwrap(), bleu::Smoothing::AddK(2.0));
    let error = Variant::by_name("rouge3").unwrap_err().to_string();
    assert!(error.starts_with("unknown ROUGE variant `rouge3`; nearest known: rouge1, rouge2"), "{error}");
}

#[test]
fn any_reference_may_match() {
    let references = vec![texts(&["Mark Twain", "Sam Clemens"])];
    for (prediction, expected) in [("sam clemens!", 100.0), ("Samuel Clemens", 0.0)] {
        let score = Metric::ExactMatch(Normalization::Trivia).score(&texts(&[prediction]), &references);
        assert_eq!(score.score, expected, "{prediction}");
    }
}

#[test]
fn choices_are_seen_behind_punctuation_and_marks() {
    for (output, expected) in [
        ("True", true),
        ("<extra_id_0> False.", true),
        ("It is true", false),
        ("truth", false),
        ("Paris", false),
    ] {
        assert_eq!(is_choice(output, ["True", "False"]), expected, "{output}");
    }
}

#[test]
fn sentences_have_a_language_and_names_have_none() {
    for (text, expected) in [
        ("The red house is in the old town.", Some(Language::English)),
        ("La maison rouge est dans la vieille ville.", Some(Language::French)),
        ("Das rote Haus ist in der alten Stadt.", Some(Language::German)),
        ("Casa roșie este în orașul vechi.", Some(Language::Romanian)),
        ("He lives in a village.", Some(Language::English)),
        ("Il habite à Lyon.", Some(Language::French)),
        ("Er wohnt in Ulm.", Some(Language::German)),
        ("El a mers la Cluj.", Some(Language::Romanian)),
        ("A farmer pulls a flower.", Some(Language::English)),
        ("L'homme perd la rose.", Some(Language::French)),
        ("Profesorul pierde trenul.", Some(Language::Romanian)),
        ("True", None),
        ("Maria", None),
        ("Paris", None),
        ("1066", None),
        ("", None),
    ] {
        assert_eq!(identify(text), expected, "{text}");
    }
}

#[test]
fn the_language_is_that_of_what_stands_between_the_marks() {
    assert!(is_language("<extra_id_0> Le chat est noir. <extra_id_1> the", Language::French));
    for output in ["The cat is black.", "True", "x"] {
        assert!(!is_language(output, Language::French), "{output}");
    }
}
