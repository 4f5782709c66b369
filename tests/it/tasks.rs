//! Tasks on the published files, where `../shared/data` beside the repository has them: the parsers meet what
//! users have, and every row's gold answer is right.

use std::path::{Path, PathBuf};

use promot_core::data::{Example, Split};
use promot_core::metrics::format::{LANGUAGES, Language, identify};
use promot_core::task::{DataSource, Format, Task, built_in, format_rate};

use crate::skip::skip;

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// The data folder, or nothing (said so on standard error) where a checkout has none.
fn data_folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !folder.join("rte").is_dir() {
        skip("data", "no data sets in ../shared/data");
        return None;
    }
    Some(folder)
}

fn rows(folder: &Path, task: &Task, split: Split) -> Vec<Example> {
    let read = |path: &str| Ok(std::fs::read(folder.join(path)).ok());
    let rows = task.rows_from_files(split, &read);
    rows.unwrap_or_else(|error| panic!("{} {split:?}: {error}", task.name)).examples
}

fn file_tasks() -> impl Iterator<Item = &'static Task> {
    built_in().iter().filter(|task| matches!(task.source, DataSource::Files(_)))
}

#[test]
fn every_split_has_the_rows_it_should() {
    let Some(folder) = data_folder() else { return };
    for (name, expected) in [
        ("rte", [2490, 277, 277]),
        ("cb", [250, 56, 56]),
        ("wic", [5428, 638, 638]),
        ("snli", [7000, 1000, 1842]),
        ("openbookqa", [4957, 250, 250]),
        ("triviaqa", [150, 100, 250]),
        ("web_questions", [2834, 189, 755]),
        ("wmt_enfr", [8017, 3003, 3000]),
        ("wmt_ende", [3000, 3003, 2169]),
        ("wmt_enro", [800, 200, 999]),
        ("xsum", [326, 100, 500]),
        ("wikilingua", [150, 100, 250]),
    ] {
        let task = built_in().by_name(name).unwrap();
        let found = SPLITS.map(|split| rows(&folder, task, split).len());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn gold_answers_score_100_and_wrong_ones_less() {
    let Some(folder) = data_folder() else { return };
    for task in file_tasks() {
        let rendered: Vec<_> = rows(&folder, task, Split::Test)
            .iter()
            .take(200)
            .map(|row| task.render(row).unwrap_or_else(|error| panic!("{}: {error}", task.name)))
            .collect();
        let references: Vec<_> = rendered.iter().map(|row| row.references.clone()).collect();
        let mut outputs: Vec<_> =
            rendered.iter().map(|row| format!("<extra_id_0> {} <extra_id_1>", row.target)).collect();
        let gold = task.score(&outputs, &references);
        assert!((gold.score - 100.0).abs() < 1e-9, "{}: {}", task.name, gold.score);
        outputs[0] = "no".to_owned();
        assert!(task.score(&outputs, &references).score < gold.score - 1e-3, "{}", task.name);
    }
}

#[test]
fn published_quotation_marks_of_tables_are_gone() {
    let Some(folder) = data_folder() else { return };
    let texts = |name: &str, field: &str| -> Vec<String> {
        let task = built_in().by_name(name).unwrap();
        SPLITS
            .iter()
            .flat_map(|split| rows(&folder, task, *split))
            .map(|row| row.text(field).unwrap())
            .collect()
    };
    let questions = texts("triviaqa", "question");
    let quoted = "Who wrote \"A cauliflower is nothing but a cabbage with a college education\"?";
    assert!(questions.iter().any(|question| question == quoted));
    assert!(
        texts("snli", "hypothesis")
            .contains(&"The man is reading a spoon with the words \"HELP ME\" on it.".into())
    );
    assert!(questions.iter().chain(&texts("snli", "premise")).all(|text| !text.contains("\"\"")));
}

/// News sentences: what the target-format rate of the paper's translation tasks is measured on.
#[test]
fn languages_of_news_sentences_are_told_apart() {
    let Some(folder) = data_folder() else { return };
    let sentences = |name: &str, field: &str| -> Vec<String> {
        let task = built_in().by_name(name).unwrap();
        rows(&folder, task, Split::Test).iter().map(|row| row.text(field).unwrap()).collect()
    };
    for (language, sentences) in [
        (Language::English, sentences("wmt_enfr", "source")),
        (Language::French, sentences("wmt_enfr", "target")),
        (Language::German, sentences("wmt_ende", "target")),
        (Language::Romanian, sentences("wmt_enro", "target")),
    ] {
        let found: Vec<_> = sentences.iter().map(|sentence| identify(sentence)).collect();
        let count = |language| found.iter().filter(|found| **found == language).count();
        let counts: Vec<_> = LANGUAGES.iter().map(|other| (other.name(), count(Some(*other)))).collect();
        let share = |n: usize| 100.0 * n as f64 / found.len() as f64;
        let (right, unknown) = (count(Some(language)), count(None));
        let wrong = found.len() - right - unknown;
        println!("{}: {counts:?}, {unknown} unknown", language.name());
        assert!(share(right) >= 98.0, "{}: {:.2} % recognised", language.name(), share(right));
        assert!(share(wrong) <= 0.6, "{}: {:.2} % taken for another", language.name(), share(wrong));
    }
}

/// Every row of the synthetic corpus renders, its gold answer is right, and its language is recognised: the target-format
/// rate of the tour depends on it.
#[test]
fn rows_of_the_corpus_are_right_and_have_their_language() {
    // Its texts are no tasks that anyone is asked.
    for task in promot_world::catalog().tasks.iter().filter(|task| task.suite == promot_world::SUITE) {
        let DataSource::Generated(name) = &task.source else { continue };
        let rows = promot_world::rows(name, Split::Test, 200).unwrap();
        let rendered: Vec<_> = rows.iter().map(|row| task.render(row).unwrap()).collect();
        let references: Vec<_> = rendered.iter().map(|row| row.references.clone()).collect();
        let outputs: Vec<_> = rendered.iter().map(|row| row.target.clone()).collect();
        let gold = task.score(&outputs, &references);
        assert!((gold.score - 100.0).abs() < 1e-9, "{}: {}", task.name, gold.score);

        if let Format::Language(language) = task.format {
            let rate = format_rate(&[task], &outputs).unwrap();
            assert!(rate >= 95.0, "{}: {rate} % of the gold answers recognised", task.name);
            let sources: Vec<_> = rows.iter().map(|row| row.text("source").unwrap()).collect();
            let rate = format_rate(&[task], &sources).unwrap();
            assert!(rate <= 1.0, "{}: {rate} % of English sources taken for {}", task.name, language.name());
        }
    }
}
