use super::super::{Task, built_in};
use crate::data::Split;

/// Files may keep what belongs together in one row: an article with its sections.
#[test]
fn a_list_can_be_rows() {
    let text = "name = 'x'\nlike = 'text2text'\n[source.files]\nfields = [{ name = 'input', from = '/a/in', each = true }, \
                { name = 'target', from = '/a/out', each = true }, { name = 'title' }]\n\
                [[source.files.test]]\npath = 'rows.jsonl'\ntake = 2";
    let task = Task::from_toml(text, "x.toml", built_in()).unwrap();
    let row = |inputs: &str, outputs: &str| {
        format!("{{\"title\": \"t\", \"a\": {{\"in\": {inputs}, \"out\": {outputs}}}}}\n")
    };
    let load = |text: &str| {
        let folder = |_: &str| Ok(Some(text.as_bytes().to_vec()));
        task.rows_from_files(Split::Test, &folder)
    };
    let whole = row(r#"["a", "b"]"#, r#"["1", "2"]"#) + &row("[]", "[]") + &row(r#"["c"]"#, r#"["3"]"#);
    let found = load(&whole).unwrap().examples;
    let texts: Vec<_> =
        found.iter().map(|row| task.render(row).unwrap()).map(|row| (row.input, row.target)).collect();
    // Rows that are taken are the file's.
    assert_eq!(texts, [("a".into(), "1".into()), ("b".into(), "2".into())]);
    assert_eq!(found[1].text("title").unwrap(), "t");
    let refused = |inputs: &str, outputs: &str| load(&row(inputs, outputs)).unwrap_err().to_string();
    assert_eq!(
        refused(r#"["a", "b"]"#, r#"["1"]"#),
        "rows.jsonl, line 1: field `/a/out`: expected 2 elements, as `/a/in` has, found 1"
    );
    assert_eq!(
        refused(r#"["a"]"#, r#""1""#),
        "rows.jsonl, line 1: field `/a/out`: expected a list, since each of it is a row, found \"1\""
    );
}
