//! Rows inside of one JSON object: `{"data": [..]}`, the `{"rows": [{"row": ..}]}` of the hub's data set server, and
//! SQuAD's articles, whose paragraphs have questions.

use serde_json::{Map, Value, json};

use super::{Example, Row, kind};
use crate::error::{At, Error, Result};

/// The fields of an object that rows stand in.
const AROUND: [&str; 2] = ["data", "rows"];

/// The rows of a file; where its only object has a list of objects under `data` or `rows`, what is in that list.
///
/// # Errors
/// An article without paragraphs or questions, by its number.
pub fn nested(file: &str, mut rows: Vec<Row>) -> Result<Vec<Row>> {
    let inner = match &mut rows[..] {
        [Row { example: Example(fields), .. }] => AROUND.iter().find_map(|field| {
            let list = fields.get_mut(*field)?.as_array_mut()?;
            list.iter().all(Value::is_object).then(|| std::mem::take(list))
        }),
        _ => None,
    };
    let Some(inner) = inner else { return Ok(rows) };
    let mut found = Vec::new();
    for (at, value) in inner.into_iter().enumerate() {
        unfold(value, &mut found).map_err(|problem| Error::Row {
            file: file.to_owned(),
            at: At::Row(at + 1),
            problem,
        })?;
    }
    let row = |(at, fields)| Row { at: At::Row(at + 1), example: Example(fields) };
    Ok(found.into_iter().enumerate().map(row).collect())
}

/// Adds the row, or the rows, that an element is.
fn unfold(value: Value, found: &mut Vec<Map<String, Value>>) -> Result<(), String> {
    let mut fields = object(value)?;
    if let Some(Value::Object(row)) = fields.get_mut("row") {
        found.push(std::mem::take(row));
        return Ok(());
    }
    let Some(paragraphs) = fields.remove("paragraphs") else {
        found.push(fields);
        return Ok(());
    };
    for paragraph in list(paragraphs, "paragraphs")? {
        let mut paragraph = object(paragraph)?;
        let context = paragraph.remove("context").unwrap_or_default();
        for question in list(paragraph.remove("qas").unwrap_or_default(), "qas")? {
            let mut row = fields.clone();
            row.insert("context".to_owned(), context.clone());
            row.extend(object(question)?);
            if let Some(answers) = row.get_mut("answers") {
                *answers = by_field(answers.take());
            }
            found.push(row);
        }
    }
    Ok(())
}

/// SQuAD's list of answers as the hub has it: a list for each of their fields.
fn by_field(answers: Value) -> Value {
    let Value::Array(answers) = answers else { return answers };
    let all = |field: &str| -> Vec<Value> {
        answers.iter().filter_map(|answer| answer.get(field).cloned()).collect()
    };
    json!({ "text": all("text"), "answer_start": all("answer_start") })
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => Err(format!("expected a JSON object, found {}", kind(&other))),
    }
}

fn list(value: Value, field: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("expected a list in `{field}`, found {}", kind(&other))),
    }
}
