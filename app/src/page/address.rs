//! The page's own address.

use leptos::prelude::window;

/// A parameter of the page's address.
pub fn parameter(name: &str) -> Option<String> {
    let query = window().location().search().unwrap_or_default();
    web_sys::UrlSearchParams::new_with_str(&query).ok()?.get(name)
}

/// The folder that everything is served from, with a slash at its end.
pub fn base() -> String {
    let location = window().location();
    let (origin, path) = (location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    format!("{origin}{folder}")
}
