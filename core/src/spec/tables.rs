//! TOML tables: one over another, values by dotted paths, text as a value of a given kind.

use serde::Serialize;
use toml::{Table, Value};

use crate::error::{Error, Result};

pub(super) fn table(value: &impl Serialize) -> Result<Table> {
    Table::try_from(value).map_err(|error| Error::format("spec", error))
}

/// Lays `given` over `base`. A table with another `name` (an optimizer) replaces the old one whole, since its
/// fields are not the old one's.
pub(super) fn merge(base: &mut Table, given: Table, prefix: &str) -> Result<()> {
    for (key, value) in given {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (base.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) if same_name(old, &new) => {
                merge_into(old, new, &path)?
            }
            (None, _) if prefix.is_empty() && key == "stage" => {
                return Err(Error::mismatch("stage", "[[stage]]", "none"));
            }
            (None, _) => return Err(Error::unknown("field", &path, base.keys().map(String::as_str))),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    Ok(())
}

/// An optimizer's fields and the sweep's axes are checked when they are read, not by what is there before.
fn merge_into(old: &mut Table, new: Table, path: &str) -> Result<()> {
    if path == "sweep" || path.rsplit('.').next() == Some("optimizer") {
        overlay(old, new);
        return Ok(());
    }
    merge(old, new, path)
}

pub(super) fn overlay(base: &mut Table, given: Table) {
    for (key, value) in given {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) if same_name(old, &new) => overlay(old, new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn same_name(old: &Table, new: &Table) -> bool {
    new.get("name").is_none_or(|name| old.get("name") == Some(name))
}

pub(super) fn lookup<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        value = value.as_table()?.get(part)?;
    }
    Some(value)
}

/// Every field of a table as a dotted path with its value in TOML.
pub(super) fn paths(table: &Table) -> Vec<(String, String)> {
    fn walk(prefix: &str, table: &Table, found: &mut Vec<(String, String)>) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner) => walk(&path, inner, found),
                other => found.push((path, other.to_string())),
            }
        }
    }
    let mut found = Vec::new();
    walk("", table, &mut found);
    found
}

/// A value from the command line in the kind of the one it replaces: text needs no quotes, lists no brackets.
pub(super) fn typed(text: &str, old: Option<&Value>) -> Value {
    let parse =
        |text: &str| toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
    match (old, parse(text)) {
        (Some(Value::Array(_)), Some(list @ Value::Array(_))) => list,
        (Some(Value::Array(old)), _) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| typed(part, old.first())).collect())
        }
        (Some(Value::String(_)), Some(Value::String(text))) => Value::String(text),
        (Some(Value::String(_)), _) | (_, None) => Value::String(text.to_owned()),
        (_, Some(value)) => value,
    }
}

pub(super) fn nested(path: &str, mut value: Value) -> Value {
    for key in path.rsplit('.') {
        value = Value::Table(Table::from_iter([(key.to_owned(), value)]));
    }
    value
}
