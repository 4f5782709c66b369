//! Files onto the user's disk.

use leptos::prelude::document;
use wasm_bindgen::{JsCast as _, JsValue};

/// Offers bytes as a download.
pub fn save(name: &str, mime: &str, bytes: &js_sys::ArrayBuffer) {
    if let Err(error) = download(name, mime, bytes) {
        leptos::logging::error!("{name} cannot be saved: {error:?}");
    }
}

/// The same for text.
pub fn save_text(name: &str, mime: &str, text: &str) {
    save(name, mime, &js_sys::Uint8Array::from(text.as_bytes()).buffer());
}

fn download(name: &str, mime: &str, bytes: &js_sys::ArrayBuffer) -> Result<(), JsValue> {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(mime);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&js_sys::Array::of1(bytes), &options)?;
    let address = web_sys::Url::create_object_url_with_blob(&blob)?;
    let anchor: web_sys::HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    anchor.set_href(&address);
    anchor.set_download(name);
    anchor.click();
    // The browser has taken hold of the blob by now; it needs a moment to begin reading it.
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&address);
    })
    .forget();
    Ok(())
}
