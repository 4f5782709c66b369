//! Metrics against sacreBLEU and rouge_score: `tests/golden/metrics/metrics.json`, written by the script beside
//! it, holds every case with the options and the numbers of the reference tools.

use std::path::Path;

use promot_core::metrics::bleu::{Bleu, Smoothing, Tokenize};
use promot_core::metrics::chrf::Chrf;
use promot_core::metrics::rouge::{Rouge, Variant, Words};
use promot_core::metrics::{Normalization, Score};
use serde_json::Value;

/// Both sides count the same n-grams in 64-bit numbers; only the order of the additions differs.
const TOLERANCE: f64 = 1e-9;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/metrics/metrics.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every case: its name, hypotheses, references, and the whole record.
fn cases(golden: &Value) -> impl Iterator<Item = (&str, Vec<String>, Vec<Vec<String>>, &Value)> {
    golden["cases"].as_array().unwrap().iter().map(|case| {
        let references = case["references"].as_array().unwrap().iter().map(texts).collect();
        (case["name"].as_str().unwrap(), texts(&case["hypotheses"]), references, case)
    })
}

#[track_caller]
fn assert_close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= TOLERANCE, "{what}: expected {expected}, found {found}");
}

fn bleu_with(options: &Value) -> Bleu {
    let method = options["smooth_method"].as_str().unwrap_or("exp");
    Bleu {
        tokenize: Tokenize::by_name(options["tokenize"].as_str().unwrap_or("13a")).unwrap(),
        lowercase: options["lowercase"].as_bool().unwrap_or(false),
        smoothing: Smoothing::by_name(method, options["smooth_value"].as_f64()).unwrap(),
        effective_order: options["effective_order"].as_bool().unwrap_or(false),
        max_order: options["max_ngram_order"].as_u64().unwrap_or(4) as usize,
    }
}

/// Everything but the version, which is ours.
fn options_of(signature: &str) -> &str {
    signature.split("|version:").next().unwrap()
}

fn check_bleu(what: &str, score: &Score, expected: &Value) {
    assert_close(score.score, &expected["score"], what);
    for name in ["brevity_penalty", "prediction_length", "reference_length"] {
        assert_close(score.details[name], &expected[name], &format!("{what}, {name}"));
    }
    for (n, precision) in expected["precisions"].as_array().unwrap().iter().enumerate() {
        assert_close(
            score.details[&format!("precision_{}", n + 1)],
            precision,
            &format!("{what}, order {}", n + 1),
        );
    }
    assert_eq!(options_of(&score.signature), options_of(expected["signature"].as_str().unwrap()), "{what}");
}

#[test]
fn bleu_is_sacrebleus() {
    let golden = golden();
    let mut checked = 0;
    for (name, hypotheses, references, case) in cases(&golden) {
        for expected in case["bleu"].as_array().into_iter().flatten() {
            let what = format!("{name} with {}", expected["options"]);
            check_bleu(&what, &bleu_with(&expected["options"]).score(&hypotheses, &references), expected);
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} scores were checked");
}

#[test]
fn chrf_is_sacrebleus() {
    let golden = golden();
    let mut checked = 0;
    for (name, hypotheses, references, case) in cases(&golden) {
        for expected in case["chrf"].as_array().into_iter().flatten() {
            let options = &expected["options"];
            let chrf = Chrf {
                words: options["word_order"].as_u64().unwrap_or(0) as usize,
                lowercase: options["lowercase"].as_bool().unwrap_or(false),
                beta: options["beta"].as_f64().unwrap_or(2.0),
            };
            let (found, what) = (chrf.score(&hypotheses, &references), format!("{name} with {options}"));
            assert_close(found.score, &expected["score"], &what);
            assert_eq!(
                options_of(&found.signature),
                options_of(expected["signature"].as_str().unwrap()),
                "{what}"
            );
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} scores were checked");
}

#[test]
fn rouge_is_rouge_scores() {
    let golden = golden();
    let mut checked = 0;
    for (name, hypotheses, references, case) in cases(&golden) {
        for variant in Variant::ALL {
            let key = variant.name();
            let Some(expected) = case["rouge"].get(key) else { continue };
            let rouge = Rouge { variant, words: Words::Ascii };
            for (at, row) in expected["rows"].as_array().unwrap().iter().enumerate() {
                let one = rouge.score(&hypotheses[at..=at], &references[at..=at]);
                assert_close(one.score / 100.0, row, &format!("{name}, {key}, row {at}"));
            }
            let score = rouge.score(&hypotheses, &references);
            assert_close(score.score, &expected["score"], &format!("{name}, {key}"));
            assert_close(
                score.details["precision"],
                &expected["precision"],
                &format!("{name}, {key}, precision"),
            );
            assert_close(score.details["recall"], &expected["recall"], &format!("{name}, {key}, recall"));
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} scores were checked");
}

#[test]
fn answers_are_normalised_as_squad_and_triviaqa_do() {
    for answer in golden()["answers"].as_array().unwrap() {
        let text = answer["text"].as_str().unwrap();
        for normalization in [Normalization::Squad, Normalization::Trivia] {
            let expected = answer[normalization.name()].as_str().unwrap();
            assert_eq!(normalization.apply(text), expected, "{text:?}, {}", normalization.name());
        }
    }
}
