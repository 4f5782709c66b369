//! Files from the page's own origin.

use gloo::net::http::Request;

/// The bytes at an address.
pub async fn bytes(url: &str) -> Result<Vec<u8>, String> {
    let failed = |error: gloo::net::Error| format!("{url} cannot be loaded: {error}");
    let response = Request::get(url).send().await.map_err(failed)?;
    if !response.ok() {
        return Err(format!("{url} cannot be loaded: the server answered {}", response.status()));
    }
    // A development server answers with its start page where a file is missing.
    if response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(format!("{url} cannot be loaded: there is no such file"));
    }
    response.binary().await.map_err(failed)
}
