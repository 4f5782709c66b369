use proptest::prelude::*;
use serde_json::json;

use super::*;

fn row() -> Example {
    Example::new([("premise", json!("It  rains. ")), ("n", json!(3)), ("answers", json!(["a", "b"]))])
}

fn check(template: &str, expected: &str) {
    assert_eq!(fill(template, &row()).unwrap(), expected);
}

fn refuse(template: &str, part: &str) {
    let error = fill(template, &row()).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn places_are_filled_and_nothing_else_changes() {
    check("{premise} question: {n}?", "It  rains.  question: 3?");
    check("no place at all\n", "no place at all\n");
    check("{n}{n}", "33");
    check("", "");
}

#[test]
fn doubled_braces_are_braces() {
    check("{{n}} = {n}", "{n} = 3");
    check("{{{n}}}", "{3}");
}

#[test]
fn text_of_a_field_is_never_a_template() {
    let row = Example::new([("a", json!("{b}")), ("b", json!("x"))]);
    assert_eq!(fill("{a}", &row).unwrap(), "{b}");
}

#[test]
fn errors_name_the_field_and_the_brace() {
    refuse("{hypothesis}", "`hypothesis`");
    refuse("{answers}", "`answers`");
    refuse("{premise", "a single `{`");
    refuse("premise}", "a single `}`");
    refuse("{pre{mise}", "a single `{`");
}

#[test]
fn fields_lists_each_place_once() {
    assert_eq!(fields("{a} {b} {{c}} {a}").unwrap(), ["a", "b"]);
}

proptest! {
    #[test]
    fn text_without_places_comes_back(text in any::<String>()) {
        let template = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(fill(&template, &row()).unwrap(), text);
        prop_assert!(fields(&template).unwrap().is_empty());
    }

    #[test]
    fn a_field_is_filled_in_as_it_is(before in "[^{}]*", value in any::<String>(), after in "[^{}]*") {
        let row = Example::new([("a", json!(value))]);
        let expected = format!("{before}{value}{after}");
        prop_assert_eq!(fill(&format!("{before}{{a}}{after}"), &row).unwrap(), expected);
    }

    #[test]
    fn any_template_is_filled_or_refused(template in "[{}an ]{0,12}") {
        if fill(&template, &row()).is_ok() {
            prop_assert!(fields(&template).is_ok());
        }
    }
}
