//! Parquet files against the same rows as JSON lines, both written by pyarrow's scripts in `tests/golden/parquet`: rows of
//! every shape, and the built-in tasks' data sets in the layout of the hub.

use std::fs;
use std::path::Path;

use promot_core::Result;
use promot_core::data::{self, Example, Split};
use promot_core::task::{DataFolder, FileRows, Task, built_in};
use promot_core::tokenizer::Tokenizer;
use serde_json::{Value, json};

use crate::golden::{bytes, path};

fn rows(name: &str) -> Vec<Example> {
    let rows = data::parse(name, &bytes(&format!("parquet/{name}")));
    rows.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|row| row.example).collect()
}

fn problem(name: &str, bytes: &[u8]) -> String {
    data::parse(name, bytes).unwrap_err().to_string()
}

/// Pages of both versions and of every packing; dictionaries, differences, lengths, split streams; several row groups;
/// nulls in lists in structs in lists; lists under the names that older writers give.
#[test]
fn every_way_to_write_them_gives_the_same_rows() {
    let expected = rows("rows.jsonl");
    assert_eq!(expected.len(), 60);
    for name in ["hub", "zstd", "gzip", "plain", "small-pages", "old-names", "deltas", "lengths"] {
        let found = rows(&format!("{name}.parquet"));
        assert_eq!(found.len(), expected.len(), "{name}");
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (field, value) in &expected.0 {
                assert_eq!(found.0.get(field), Some(value), "{name}, row {at}, {field}");
            }
            assert_eq!(found.0.len(), expected.0.len(), "{name}, row {at}");
        }
    }
    assert!(rows("empty.parquet").is_empty());
}

#[test]
fn columns_that_json_has_no_form_for_are_left_out() {
    let expected = [json!({"text": "a", "image": null}), json!({"text": "b", "image": "text"})];
    let found: Vec<_> = rows("odd-types.parquet").into_iter().map(|row| Value::Object(row.0)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let expected = "x.parquet cannot be read: row group 1: column id: expected pages packed with Snappy, gzip or zstd, or \
                    not at all, found Brotli";
    assert_eq!(problem("x.parquet", &bytes("parquet/brotli.parquet")), expected);
    let whole = bytes("parquet/zstd.parquet");
    for short in [0, 3, 4, 11, 12, whole.len() - 1] {
        let found = problem("x.parquet", &whole[..short]);
        assert!(
            found.contains("expected a Parquet file, which begins and ends with PAR1, found"),
            "{short}: {found}"
        );
    }
    let mut middle_gone = whole.clone();
    middle_gone.drain(40..140);
    let found = problem("x.parquet", &middle_gone);
    assert!(found.starts_with("x.parquet, row 1: row group 1, column id, page 1: expected"), "{found}");
    let mut long_end = whole.clone();
    let at = whole.len() - 8;
    long_end[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let found = problem("x.parquet", &long_end);
    assert!(found.contains("expected metadata within its") && found.contains("4294967295"), "{found}");
    assert!(problem("x.parquet", b"<!DOCTYPE html>").contains("a web page"));
    assert!(problem("x.jsonl", &whole).contains("a Parquet file, whose name should end in .parquet"));
}

/// A file cut off anywhere, or with any bit turned, is read or refused; neither panics, nor takes long.
#[test]
fn damaged_files_are_refused() {
    for name in ["hub", "zstd", "gzip", "small-pages", "deltas", "lengths", "old-names"] {
        let whole = bytes(&format!("parquet/{name}.parquet"));
        for length in (0..whole.len()).step_by(97) {
            assert!(data::parse("x.parquet", &whole[..length]).is_err(), "{name}, {length} bytes");
        }
        let mut refused = 0;
        let places: Vec<usize> = (0..whole.len()).step_by(53).collect();
        for &at in &places {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            refused += usize::from(data::parse("x.parquet", &damaged).is_err());
        }
        assert!(refused * 4 > places.len(), "{name}: {refused} of {} refused", places.len());
    }
}

/// A folder of `tests/golden/parquet`.
struct Folder(&'static str);

impl DataFolder for Folder {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(fs::read(path("parquet").join(self.0).join(name)).ok())
    }

    fn list(&self) -> Result<Vec<String>> {
        let root = path("parquet").join(self.0);
        let (mut folders, mut found) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(below(&root, &path)) }
            }
        }
        Ok(found)
    }
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")
}

fn split(task: &Task, split: Split, folder: &'static str) -> FileRows {
    task.rows_from_files(split, &Folder(folder))
        .unwrap_or_else(|error| panic!("{} {split:?}: {error}", task.name))
}

/// The rows of training, validation and test, the first test row's text, and the file that it is from.
#[test]
fn every_task_reads_the_hubs_files_and_the_same_from_json_lines() {
    let tokenizer = Tokenizer::from_sentencepiece(&bytes("tokenizer/t5.model"), 0).unwrap();
    let nli = "The first owl sleeps. question: Owl 0 is asleep. Is it true or false";
    let one = "-00000-of-00001.parquet";
    for (name, counts, input, target, file) in [
        ("rte", [4, 3, 3], &*format!("{nli}? answer:"), "True", format!("super_glue/rte/validation{one}")),
        (
            "cb",
            [4, 3, 3],
            &format!("{nli} or neither? answer:"),
            "True",
            format!("super_glue/cb/validation{one}"),
        ),
        (
            "wic",
            [5, 4, 4],
            "A first bank. The river bank. question: The word bank is used in the same way in the two sentences. Is it \
             true or False? answer:",
            "False",
            format!("super_glue/wic/validation{one}"),
        ),
        (
            "openbookqa",
            [5, 4, 2],
            "Q: The first ice is A) cold B) hot C) dry D) loud A:",
            "A",
            format!("openbookqa/main/test{one}"),
        ),
        (
            "triviaqa",
            [5, 1000, 3],
            "Q: Who came \"first\"? A:",
            "Ann Lee",
            format!("trivia_qa/unfiltered.nocontext/validation{one}[1000:]"),
        ),
        (
            "web_questions",
            [3, 378, 3],
            "Q: who came first? A:",
            "Ann first",
            format!("web_questions/data/test{one}"),
        ),
        (
            "wmt_enfr",
            [5, 4, 2],
            "Translate English to French: en first",
            "fr first",
            format!("wmt14/fr-en/test{one}"),
        ),
        (
            "wmt_ende",
            [5, 4, 2],
            "Translate English to German: en first",
            "de first",
            format!("wmt14/de-en/test{one}"),
        ),
        (
            "wmt_enro",
            [5, 4, 2],
            "Translate English to Romanian: en first",
            "ro first",
            format!("wmt16/ro-en/test{one}"),
        ),
        (
            "xsum",
            [5, 4, 2],
            "Article: It rained.\nThe first river rose. One sentence summary:",
            "A first river.",
            "xsum/default/test/0000.parquet".to_owned(),
        ),
        (
            "wikilingua",
            [5, 4, 2],
            "Article: A: The first?\nB: Yes. One sentence summary:",
            "The first.",
            format!("dialogsum/data/test{one}"),
        ),
    ] {
        let task = built_in().by_name(name).unwrap();
        let splits = [Split::Train, Split::Validation, Split::Test];
        let [from_parquet, from_lines] =
            ["hub", "lines"].map(|folder| splits.map(|part| split(task, part, folder)));
        assert_eq!(from_parquet.each_ref().map(|rows| rows.examples.len()), counts, "{name}");
        for (found, expected) in from_parquet.iter().zip(&from_lines) {
            assert_eq!(
                (&found.examples, found.unlabelled),
                (&expected.examples, expected.unlabelled),
                "{name}"
            );
            for (found, expected) in found.examples.iter().zip(&expected.examples) {
                let ids = |row| {
                    let rendered = task.render(row).unwrap();
                    (tokenizer.encode(&rendered.input).unwrap(), tokenizer.encode(&rendered.target).unwrap())
                };
                assert_eq!(ids(found), ids(expected), "{name}");
            }
        }
        let rendered = task.render(&from_parquet[2].examples[0]).unwrap();
        assert_eq!((rendered.input.as_str(), rendered.target.as_str()), (input, target), "{name}");
        assert_eq!(from_parquet[2].origin, file, "{name}");
    }
    // Every label of its test rows is kept back.
    let snli = built_in().by_name("snli").unwrap();
    let test = split(snli, Split::Test, "hub");
    assert_eq!((test.examples.len(), test.unlabelled), (0, 2));
    assert_eq!(split(snli, Split::Validation, "hub").unlabelled, 1);
}

/// WikiLingua as its first publisher has it: one file of articles, whose sections are the rows.
#[test]
fn articles_are_a_row_for_each_section() {
    let task = built_in().by_name("wikilingua").unwrap();
    let splits = [Split::Train, Split::Validation, Split::Test];
    let [parquet, lines] =
        ["articles/hub", "articles/lines"].map(|folder| splits.map(|part| split(task, part, folder)));
    for (found, expected) in parquet.iter().zip(&lines) {
        assert_eq!(found.examples, expected.examples);
    }
    // Of five articles two have no section, two one and one two.
    assert_eq!(parquet.each_ref().map(|rows| rows.examples.len()), [4, 800, 1600]);
    let rendered = task.render(&parquet[2].examples[2]).unwrap();
    let input = "Article: Take the third cup. Fill it 1 times. One sentence summary:";
    assert_eq!((rendered.input.as_str(), rendered.target.as_str()), (input, "Fill the third cup 1 times."));
    assert_eq!(parquet[2].origin, "wiki_lingua/english/train-00000-of-00001.parquet[0:2000]");
}

/// A folder with some of the hub's files.
struct Listed(&'static [&'static str]);

impl DataFolder for Listed {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.contains(&path).then(|| bytes(&format!("parquet/hub/super_glue/{path}"))))
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.0.iter().map(|path| (*path).to_owned()).collect())
    }
}

#[test]
fn missing_files_of_a_split_are_named() {
    let rte = built_in().by_name("rte").unwrap();
    let problem = |files| rte.rows_from_files(Split::Train, &Listed(files)).unwrap_err().to_string();
    assert_eq!(
        problem(&["rte/train-00001-of-00002.parquet"]),
        "rte/train-00001-of-00002.parquet: expected file 1 of 2 before it, found none"
    );
    assert_eq!(
        problem(&["rte/train-00000-of-00002.parquet"]),
        "rte/train-00000-of-00002.parquet: expected all 2 files of the split, found 1"
    );
    assert_eq!(
        problem(&["cb/train-00000-of-00002.parquet"]),
        "task rte: expected a file rte/train.jsonl, or the hub's super_glue (rte) in the data folder, found none"
    );
}

/// The page's task of the user's own.
#[test]
fn the_documented_task_reads_the_hubs_squad() {
    let page = include_str!("../../docs/tasks.md");
    let text = page.split("```toml\n").nth(2).unwrap().split("```").next().unwrap();
    let task = Task::from_toml(text, "squad.toml", built_in()).unwrap();
    let rows = split(&task, Split::Test, "hub");
    let rendered = task.render(&rows.examples[1]).unwrap();
    assert_eq!(rendered.input, "The second owl flew. Q: Which owl flew? A:");
    assert_eq!(rendered.references, ["second", "the second"]);
    assert_eq!(rows.examples, split(&task, Split::Test, "lines").examples);
    let few = task.rows_from_files(Split::Train, &Folder("hub")).unwrap_err().to_string();
    let expected = "squad/plain_text/train-00000-of-00001.parquet: expected more than the 1000 rows that belong to other \
                    splits of task squad, found 3";
    assert_eq!(few, expected);
    let nowhere = task.rows_from_files(Split::Train, &Listed(&[])).unwrap_err().to_string();
    assert_eq!(nowhere, "task squad: expected the hub's squad (plain_text) in the data folder, found none");
}

/// One file of a hub's data set, named with `--data`, has its classes and nested fields, too.
#[test]
fn a_single_file_of_the_hub_fits_its_task() {
    let of = |name: &str, file: &str| {
        let task = built_in().by_name(name).unwrap();
        let rows = task.rows_from_bytes("rows.parquet", &bytes(&format!("parquet/hub/{file}")));
        rows.map(|rows| task.render(&rows.examples[1]).unwrap().target).map_err(|error| error.to_string())
    };
    assert_eq!(of("rte", "super_glue/rte/validation-00000-of-00001.parquet").unwrap(), "False");
    assert_eq!(of("openbookqa", "openbookqa/main/train-00000-of-00002.parquet").unwrap(), "B");
    assert_eq!(
        of("rte", "super_glue/cb/validation-00000-of-00001.parquet").unwrap_err(),
        "rows.parquet, row 3: field `label`: expected one of 0 (entailment), 1 (not_entailment), found 2"
    );
}
