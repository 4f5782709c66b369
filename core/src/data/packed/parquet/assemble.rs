//! From columns back to rows: the format's levels say which values are null and which lists begin (Dremel, Melnik et
//! al. 2010).

use serde_json::{Map, Value};

use super::budget::Budget;
use super::column::Column;
use super::schema::{Node, Shape};

/// What a field costs in memory beside its name and value.
const FIELD: usize = 64;

/// What the columns of `node` hold next.
///
/// # Errors
/// Columns that end, or that disagree about where lists begin, with the column's name.
pub fn value(node: &Node, columns: &mut [Column<'_>], budget: &Budget) -> Result<Value, String> {
    match &node.shape {
        Shape::Leaf => {
            let column = &mut columns[node.leaves.start];
            match column.take() {
                Ok(Some(value)) => Ok(value),
                Ok(None) => Err(in_column(column, "expected a value, found null")),
                Err(problem) => Err(in_column(column, &problem)),
            }
        }
        Shape::Struct(fields) => {
            let mut map = Map::new();
            for (name, node) in fields {
                budget.spend(FIELD + name.len())?;
                map.insert(name.clone(), value(node, columns, budget)?);
            }
            Ok(Value::Object(map))
        }
        Shape::Optional(definition, inner) => {
            if is_absent(node, *definition, columns)? {
                return Ok(Value::Null);
            }
            value(inner, columns, budget)
        }
        Shape::Repeated(definition, repetition, element) => {
            if is_absent(node, *definition, columns)? {
                return Ok(Value::Array(Vec::new()));
            }
            let mut all = Vec::new();
            loop {
                budget.spend(size_of::<Value>())?;
                all.push(value(element, columns, budget)?);
                let next = levels(&mut columns[node.leaves.start])?;
                if next.is_none_or(|(_, next)| next != *repetition) {
                    return Ok(Value::Array(all));
                }
            }
        }
    }
}

/// Whether every column is at the beginning of a row.
///
/// # Errors
/// Names the column that is not.
pub fn check_between_rows(columns: &mut [Column<'_>]) -> Result<(), String> {
    for column in columns {
        if levels(column)?.is_some_and(|(_, repetition)| repetition != 0) {
            return Err(in_column(column, "expected the beginning of a row, found more of a list"));
        }
    }
    Ok(())
}

/// Whether nothing stands at `node`; then each of its columns has one mark of that, which is taken.
fn is_absent(node: &Node, definition: u32, columns: &mut [Column<'_>]) -> Result<bool, String> {
    let first = &mut columns[node.leaves.start];
    let (found, _) = levels(first)?.ok_or_else(|| in_column(first, "expected more rows, found the end"))?;
    if found >= definition {
        return Ok(false);
    }
    for column in &mut columns[node.leaves.clone()] {
        column.take().map_err(|problem| in_column(column, &problem))?;
    }
    Ok(true)
}

fn levels(column: &mut Column<'_>) -> Result<Option<(u32, u32)>, String> {
    column.peek().map_err(|problem| in_column(column, &problem))
}

fn in_column(column: &Column<'_>, problem: &str) -> String {
    format!("column {}, {problem}", column.leaf.path)
}
