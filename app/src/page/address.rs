//! The page's own address.

use leptos::prelude::window;

/// A parameter of the page's address.
pub fn parameter(name: &str) -> Option<String> {
    web_sys::UrlSearchParams::new_with_str(&query()).ok()?.get(name)
}

/// All parameters, `?` before them.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Opens the page with other parameters, at the same place.
pub fn open(query: &str) {
    // They can always be set.
    let _ = window().location().set_search(query);
}

/// The folder that everything is served from, with a slash at its end.
pub fn base() -> String {
    let location = window().location();
    let (origin, path) = (location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    format!("{origin}{folder}")
}

/// What follows `#`.
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Goes to a hash, with its `#`, as a link to it does.
pub fn turn_to(hash: &str) {
    // A hash can always be set.
    let _ = window().location().set_hash(hash);
}

/// The page's address without its hash, as it was opened.
pub fn whole() -> String {
    format!("{}{}", base(), query())
}
