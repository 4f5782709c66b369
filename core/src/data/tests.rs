use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json as value;

use super::*;
use crate::error::At;

fn texts(rows: &[Row], field: &str) -> Vec<String> {
    rows.iter().map(|row| row.example.text(field).unwrap()).collect()
}

fn lines(rows: &[Row]) -> Vec<usize> {
    rows.iter()
        .map(|row| match row.at {
            At::Line(line) => line,
            At::Row(_) => panic!("expected a line, found {}", row.at),
        })
        .collect()
}

/// The whole error text, for a file called `f`.
fn problem<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn json_lines_keep_their_numbers_and_skip_empty_lines() {
    let rows = json("f", "\u{feff}{\"a\": \"é\"}\r\n\n  {\"a\": 2}\n{\"a\": true}".as_bytes()).unwrap();
    assert_eq!(texts(&rows, "a"), ["é", "2", "true"]);
    assert_eq!(lines(&rows), [1, 3, 4]);
}

#[test]
fn a_bad_json_line_is_named() {
    assert_eq!(problem(json("f", b"{}\n{\"a\": }\n")), "f, line 2: not JSON at column 7: expected value");
    assert!(problem(json("f", b"{}\n\n{\"a\": \"b")).starts_with("f, line 3: not JSON at column "));
    assert_eq!(problem(json("f", b"{}\n[1]")), "f, line 2: expected a JSON object, found a list");
    assert_eq!(problem(json("f", b"{}{}")), "f, line 1: not JSON at column 3: trailing characters");
    assert_eq!(
        problem(json("f", b"{\n\"a\": 1\n")),
        "f, line 3: not JSON at column 0: EOF while parsing an object"
    );
    assert_eq!(problem(json("f", b"{}\n\xff\n")), "f, line 2: expected UTF-8 text, found other bytes");
}

#[test]
fn a_json_array_knows_the_line_of_each_element() {
    let rows = json("f", b" [\n {\"a\": \"x\"},\n\n {\"a\":\n \"y, ]\"} , {\"a\": [\"z\"]}\n]\n").unwrap();
    assert_eq!(lines(&rows), [2, 4, 5]);
    assert_eq!(rows[1].example.text("a").unwrap(), "y, ]");
    assert_eq!(rows[2].example.list("a").unwrap(), ["z"]);
    assert_eq!(json("f", b"[]").unwrap(), []);
}

/// Lines in `.json` and an array in `.jsonl` are exported by many tools; old Macs end lines by a carriage return.
#[test]
fn what_stands_in_a_json_file_decides_how_it_is_read() {
    for (name, text) in [
        ("rows.json", "{\"a\": \"x\"}\n{\"a\": \"y\"}\n"),
        ("rows.jsonl", "\n[{\"a\": \"x\"}, {\"a\": \"y\"}]\n"),
        ("rows.json", "{\"a\": \"x\"}\r{\"a\": \"y\"}\r"),
        ("rows.json", "{\n  \"a\": \"x\"\n}\n{\n  \"a\": \"y\"\n}\n"),
        ("rows.csv", "a\rx\ry\r"),
        ("rows.tsv", "a\rx\ry\r"),
    ] {
        let rows = parse(name, text.as_bytes()).unwrap();
        assert_eq!(texts(&rows, "a"), ["x", "y"], "{name}: {text:?}");
    }
    let rows = parse("rows.json", b"{\n\"a\": 1\n}\n{\"a\": 2}\n").unwrap();
    assert_eq!(lines(&rows), [1, 4]);
    assert_eq!(lines(&parse("rows.csv", b"a,b\r1,2\r\"3\r\",4\r5,6").unwrap()), [2, 3, 5]);
    assert_eq!(problem(parse("rows.csv", b"a,b\r1,2\r3\r")), "rows.csv, line 3: expected 2 columns, found 1");
    assert_eq!(
        problem(parse("rows.tsv", b"a\tb\r1\t2\r3\r")),
        "rows.tsv, line 3: expected 2 columns, found 1"
    );
}

#[test]
fn what_is_no_data_is_told() {
    for name in ["rows.json", "rows.jsonl", "rows.csv", "rows.tsv"] {
        assert!(problem(parse(name, b"<!DOCTYPE html>\n<html>")).contains("a web page"));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:5\nsize 7\n";
        assert!(problem(parse(name, pointer)).contains("Git LFS"));
        assert!(problem(parse(name, b"PAR1\x15\x04")).contains("Parquet"));
    }
}

#[test]
fn a_bad_json_array_is_named() {
    for (text, expected) in [
        ("[", "f, line 1: expected an object, found the end of the file"),
        ("[\n{}\n{}]", "f, line 3: expected `,` or `]`, found `{`"),
        ("[{},\n{}", "f, line 2: expected `,` or `]`, found the end of the file"),
        ("[{},\n3]", "f, line 2: expected a JSON object, found a number"),
        ("[{}]\nx", "f, line 2: expected nothing after the array, found `x`"),
        ("[{},\n {\"a\":\n oops}]", "f, line 3: not JSON at column 2: expected value"),
        ("[{},]", "f, line 1: not JSON at column 1: expected value"),
    ] {
        assert_eq!(problem(json("f", text.as_bytes())), expected, "{text:?}");
    }
}

#[test]
fn a_tsv_cell_loses_only_marks_around_the_whole() {
    let text = "a\tb\r\n\"He said \"\"no\"\".\"\t\"x\" and \"y\"\n\n\"\t\"\n\"\"\t\"\"\"\"\n";
    let rows = tsv("f", text.as_bytes()).unwrap();
    assert_eq!(texts(&rows, "a"), ["He said \"no\".", "\"", ""]);
    assert_eq!(texts(&rows, "b"), ["\"x\" and \"y\"", "\"", "\""]);
    assert_eq!(lines(&rows), [2, 4, 5]);
    assert_eq!(problem(tsv("f", b"a\tb\nx\n")), "f, line 2: expected 2 columns, found 1");
    assert_eq!(
        problem(tsv("f", b"")),
        "f: expected a first line that names the columns, found an empty file"
    );
}

#[test]
fn a_quoted_csv_cell_may_hold_anything() {
    let text = "a,b\n\"1,\n\"\"2\"\"\",x\r\n\n,\"\"\nlast,\"y\"";
    let rows = csv("f", text.as_bytes()).unwrap();
    assert_eq!(texts(&rows, "a"), ["1,\n\"2\"", "", "last"]);
    assert_eq!(texts(&rows, "b"), ["x", "", "y"]);
    assert_eq!(lines(&rows), [2, 5, 6]);
    for stray in ["\"x\ny", "\"x\"\"", "\"x\"y", "\"\"x", "\"x\" ", "\"x\"y\"", "\"", "\"\"\""] {
        let expected = "f, line 3: expected quotation marks around a whole cell, found them open";
        for end in ["", "\n", "\nz\n"] {
            assert_eq!(problem(csv("f", format!("a\nb\n{stray}{end}").as_bytes())), expected, "{stray:?}");
        }
    }
    assert_eq!(texts(&csv("f", b"a\n5\" pipe\n\"\"\"x\"\"\"\n").unwrap(), "a"), ["5\" pipe", "\"x\""]);
    assert_eq!(problem(csv("f", b"a,b\nx,y,z\n")), "f, line 2: expected 2 columns, found 3");
}

#[test]
fn csv_lines_are_counted_whatever_ends_them() {
    let text = "\u{feff}a,b\r\n1,\"x\r\ny\"\r\n\r\n\r\n2,\r\n";
    let rows = csv("f", text.as_bytes()).unwrap();
    assert_eq!(texts(&rows, "b"), ["x\r\ny", ""]);
    assert_eq!(lines(&rows), [2, 6]);
    assert_eq!(problem(csv("f", b"a,b\r\n\r\nx\r\n")), "f, line 3: expected 2 columns, found 1");
    let empty = "f: expected a first line that names the columns, found an empty file";
    assert_eq!([problem(csv("f", b"")), problem(csv("f", b"\n"))], [empty, empty]);
}

#[test]
fn a_column_name_that_stands_twice_is_named_with_both_positions() {
    let expected = "f, line 1: expected different column names, found `label` as columns 2 and 4";
    assert_eq!(problem(csv("f", b"id,label,text,label\n1,yes,x,no\n")), expected);
    assert_eq!(problem(tsv("f", b"id\tlabel\ttext\tlabel\n1\tyes\tx\tno\n")), expected);
}

#[test]
fn running_text_has_a_row_for_each_line_that_is_not_blank() {
    let rows = FileFormat::Lines.parse("a.raw", b" \n = Title = \n\nOne , two .\r\n", usize::MAX).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.at, row.example.text("text").unwrap())).collect();
    assert_eq!(found, [(At::Line(2), "= Title =".to_owned()), (At::Line(4), "One , two .".to_owned())]);
    assert!(FileFormat::of("a.raw").is_err(), "never by an ending");
}

#[test]
fn aligned_files_must_have_the_same_length() {
    let rows = aligned(("s", b"one\n\nthree\n"), ("t", "un\ndeux\ntrois\u{2028}\n".as_bytes())).unwrap();
    assert_eq!(texts(&rows, "source"), ["one", "three"]);
    assert_eq!(texts(&rows, "target"), ["un", "trois\u{2028}"]);
    assert_eq!(lines(&rows), [1, 3]);
    assert_eq!(
        problem(aligned(("s", b"a\nb\n"), ("t", b"a\n"))),
        "s and t: expected the same number of lines (2 in the first), found 1"
    );
}

#[test]
fn the_ending_chooses_the_parser() {
    for (file, text) in
        [("x.jsonl", "{\"a\": 1}"), ("x.JSON", "[{\"a\": 1}]"), ("x.csv", "a\n1"), ("d.x/x.tsv", "a\n1\n")]
    {
        assert_eq!(texts(&parse(file, text.as_bytes()).unwrap(), "a"), ["1"], "{file}");
    }
    let expected = "data file: expected an ending .jsonl, .json, .csv, .tsv or .parquet, or .gz behind it, found rows.txt";
    assert_eq!(problem(parse("rows.txt", b"")), expected);
}

#[test]
fn a_field_that_is_no_text_is_named() {
    let row = Example::new([("a", value!(null)), ("b", value!({"c": 1})), ("d", value!(["x", 3]))]);
    assert_eq!(problem(row.text("a")), "field `a`: expected text, found null");
    assert_eq!(problem(row.text("b")), "field `b`: expected text, found an object");
    assert_eq!(problem(row.list("d")), "field `d`: expected a list of texts, found a number");
    assert_eq!(problem(row.text("e")), "row: expected a field `e`, found only the fields: a, b, d");
}

/// Text with much of what the parsers look at.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["[a\",\\[\\]{}:\t\r\n \u{feff}é]{0,8}", any::<String>()]
}

fn table() -> impl Strategy<Value = Vec<[String; 2]>> {
    vec([cell(), cell()], 0..6)
}

fn columns(rows: &[Row]) -> Vec<[String; 2]> {
    rows.iter().map(|row| ["a", "b"].map(|field| row.example.text(field).unwrap())).collect()
}

proptest! {
    #[test]
    fn csv_gives_back_what_was_quoted(cells in table()) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let lines = cells.iter().map(|row| format!("{},{}\r\n", quoted(&row[0]), quoted(&row[1])));
        let text = format!("a,b\r\n{}", lines.collect::<String>());
        prop_assert_eq!(columns(&csv("f", text.as_bytes()).unwrap()), cells);
    }

    #[test]
    fn json_gives_back_what_was_written(cells in table(), pretty in any::<bool>()) {
        let objects: Vec<Value> = cells.iter().map(|[a, b]| value!({"a": a, "b": b})).collect();
        let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
        prop_assert_eq!(&columns(&json("f", lines.as_bytes()).unwrap()), &cells);
        let array = Value::Array(objects);
        let text = if pretty { format!("{array:#}") } else { array.to_string() };
        prop_assert_eq!(columns(&json("f", text.as_bytes()).unwrap()), cells);
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in vec(any::<u8>(), 0..64), text in cell()) {
        for name in ["f.json", "f.jsonl", "f.csv", "f.tsv", "f.parquet", "f.json.gz"] {
            // What matters is that neither panics.
            let _ = parse(name, &bytes);
            let _ = parse(name, text.as_bytes());
        }
    }
}

/// A file's rows whatever stands around them, each with its number.
#[test]
fn rows_inside_of_one_object_are_found() {
    for text in [
        r#"{"data": [{"a": "x"}, {"a": "y"}]}"#,
        "{\"version\": 1, \"data\": [\n  {\"a\": \"x\"},\n  {\"a\": \"y\"}\n]}\n",
        "{\n  \"rows\": [{\"a\": \"x\"}, {\"a\": \"y\"}]\n}\n",
        r#"{"features": [], "rows": [{"row_idx": 0, "row": {"a": "x"}}, {"row_idx": 1, "row": {"a": "y"}}]}"#,
    ] {
        let rows = json("f", text.as_bytes()).unwrap();
        assert_eq!(texts(&rows, "a"), ["x", "y"], "{text}");
        assert_eq!(rows[1].at, At::Row(2), "{text}");
    }
    // One row of two in a file, and one whose list is of other things, are rows.
    for text in ["{\"data\": [{}]}\n{\"data\": []}\n", "{\"data\": [\"x\"]}"] {
        assert!(json("f", text.as_bytes()).unwrap()[0].example.0.contains_key("data"), "{text}");
    }
    assert_eq!(json("f", br#"{"data": []}"#).unwrap(), []);
}

#[test]
fn questions_about_paragraphs_become_rows_as_the_hub_has_them() {
    let text = r#"{"version": "1", "data": [{"title": "Owls", "paragraphs": [
        {"context": "Owls fly.", "qas": [
            {"id": "1", "question": "Who?", "answers": [{"text": "Owls", "answer_start": 0}]},
            {"id": "2", "question": "What?", "answers": [], "is_impossible": true}]},
        {"context": "Mice run.", "qas": [
            {"id": "3", "question": "Who runs?", "answers": [{"text": "Mice", "answer_start": 0},
                                                            {"text": "mice", "answer_start": 0}]}]}]}]}"#;
    let rows = json("f", text.as_bytes()).unwrap();
    assert_eq!(texts(&rows, "context"), ["Owls fly.", "Owls fly.", "Mice run."]);
    assert_eq!(texts(&rows, "title"), ["Owls"; 3]);
    let last = value!({"title": "Owls", "context": "Mice run.", "id": "3", "question": "Who runs?",
                       "answers": {"text": ["Mice", "mice"], "answer_start": [0, 0]}});
    assert_eq!(Value::Object(rows[2].example.0.clone()), last);
    let broken = r#"{"data": [{"paragraphs": []}, {"paragraphs": [{"context": "x"}]}]}"#;
    assert_eq!(problem(json("f", broken.as_bytes())), "f, row 2: expected a list in `qas`, found null");
    let broken = r#"{"data": [{"paragraphs": 3}]}"#;
    assert_eq!(
        problem(json("f", broken.as_bytes())),
        "f, row 1: expected a list in `paragraphs`, found a number"
    );
}

#[test]
fn the_first_line_is_named_where_no_object_spans_lines() {
    assert_eq!(
        problem(json("f", b"{\"a\": [\n{}\n")),
        "f, line 1: not JSON at column 7: EOF while parsing a list"
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn every_text_format_may_be_packed_with_gzip() {
    for (name, text) in [
        ("rows.jsonl.gz", "{\"a\": \"x\"}\n{\"a\": \"y\"}\n"),
        ("rows.json.GZ", "[{\"a\": \"x\"}, {\"a\": \"y\"}]"),
        ("rows.csv.gz", "a\nx\ny\n"),
        ("rows.tsv", "a\nx\ny\n"),
    ] {
        // Packers that work in parallel write several members one after the other.
        let (one, two) = text.split_at(4);
        let packed = [gzip(one.as_bytes()), gzip(two.as_bytes())].concat();
        assert_eq!(texts(&parse(name, &packed).unwrap(), "a"), ["x", "y"], "{name}");
        for length in [3, packed.len() / 3, packed.len() - 1] {
            let problem = problem(parse(name, &packed[..length]));
            assert!(problem.contains("packed with gzip, but damaged"), "{name}, {length}: {problem}");
        }
    }
    let rows = aligned(("s.gz", &gzip(b"one\ntwo\n")), ("t.gz", &gzip(b"un\ndeux\n"))).unwrap();
    assert_eq!(texts(&rows, "target"), ["un", "deux"]);
    let bomb = gzip(&vec![b' '; 100 << 20]);
    let expected = format!(
        "f.csv cannot be read: expected at most {} bytes once unpacked, found more",
        (64 << 20) + 128 * bomb.len()
    );
    assert_eq!(problem(parse("f.csv", &bomb)), expected);
}

#[test]
fn an_sgml_file_may_stand_beside_a_plain_one() {
    let sgm = b"<doc>\n<seg id=\"1\">one</seg>\n<seg id=\"2\">two</seg>\n</doc>\n";
    let rows = aligned(("s.sgm", sgm), ("t", b"un\ndeux\n")).unwrap();
    let pairs: Vec<_> = rows
        .iter()
        .map(|row| (row.example.text("source").unwrap(), row.example.text("target").unwrap()))
        .collect();
    assert_eq!(pairs, [("one".into(), "un".into()), ("two".into(), "deux".into())]);
    assert!(problem(aligned(("s.sgm", sgm), ("t", b"un\n"))).contains("2 in the first"));
}
