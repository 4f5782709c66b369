//! A drawing as a PNG: the browser draws the SVG onto a canvas. What web-sys does not offer with the features that this
//! crate has is called by name.

use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect};
use leptos::prelude::document;
use promot_core::chart::Drawing;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlCanvasElement};

/// Pixels of the picture for each of the drawing's: sharp on a projector.
const SHARPNESS: f64 = 2.0;

/// The drawing's bytes as a PNG file.
///
/// # Errors
/// What the browser says where it cannot draw.
pub async fn png(drawing: &Drawing) -> Result<ArrayBuffer, JsValue> {
    let options = web_sys::BlobPropertyBag::new();
    options.set_type("image/svg+xml");
    let svg = Blob::new_with_str_sequence_and_options(&Array::of1(&drawing.file().into()), &options)?;
    let address = web_sys::Url::create_object_url_with_blob(&svg)?;
    let drawn = draw(&address, drawing).await;
    web_sys::Url::revoke_object_url(&address)?;
    let canvas = drawn?;
    let blob = Promise::new(&mut |resolve, reject| {
        if let Err(error) = canvas.to_blob(&resolve) {
            // Nobody could be told of an error of this call.
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    let blob: Blob = JsFuture::from(blob).await?.dyn_into()?;
    JsFuture::from(blob.array_buffer()).await?.dyn_into()
}

async fn draw(address: &str, drawing: &Drawing) -> Result<HtmlCanvasElement, JsValue> {
    let image = document().create_element("img")?;
    image.set_attribute("src", address)?;
    let decoded: Promise = call(&image, "decode", &Array::new())?.dyn_into()?;
    JsFuture::from(decoded).await?;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    let (width, height) = (drawing.width * SHARPNESS, drawing.height * SHARPNESS);
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = canvas.get_context("2d")?.ok_or("no canvas in this browser")?;
    let place = Array::of5(&image, &0.into(), &0.into(), &width.into(), &height.into());
    call(&context, "drawImage", &place)?;
    Ok(canvas)
}

fn call(object: &JsValue, method: &str, arguments: &Array) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    Reflect::apply(&method, object, arguments)
}
