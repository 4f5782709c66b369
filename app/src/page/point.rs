//! Brings a part of the page into view, and marks what the story speaks of.

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use crate::column::Column;

const MARK: &str = "pointed";

fn all(selector: &str) -> Vec<Element> {
    let Ok(list) = document().query_selector_all(selector) else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect()
}

/// Brings the part with this `data-point` into view.
pub fn point_at(name: &str) {
    if let Some(element) = all(&format!("[data-point={name}]")).first() {
        element.scroll_into_view();
    }
}

/// Marks a part of the page, and what belongs to the column in it; whatever was marked is not any more.
pub fn mark(part: Option<&str>, column: Option<&Column>) {
    for marked in all(&format!(".{MARK}")) {
        // A class can always be taken off and put on.
        let _ = marked.class_list().remove_1(MARK);
    }
    let Some(part) = part else { return };
    let of_column = |column: &Column| {
        format!("[data-point={part}] :is([data-of=\"{column}\"], [data-column=\"{column}\"])")
    };
    for element in all(&column.map_or_else(|| format!("[data-point={part}]"), of_column)) {
        let _ = element.class_list().add_1(MARK);
    }
}
