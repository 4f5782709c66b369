//! Parts of the page that a link hides, for a lesson: the stylesheet hides what the body's `data-hide` names.

use leptos::prelude::document;

const ATTRIBUTE: &str = "data-hide";

pub fn hide(names: &[String]) {
    if let Some(body) = document().body().filter(|_| !names.is_empty()) {
        // An attribute of this name can always be set.
        let _ = body.set_attribute(ATTRIBUTE, &names.join(" "));
    }
}

/// What is hidden.
pub fn hidden() -> Vec<String> {
    let names = document().body().and_then(|body| body.get_attribute(ATTRIBUTE)).unwrap_or_default();
    names.split_whitespace().map(str::to_owned).collect()
}
