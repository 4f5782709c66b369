//! The device in use, the reason, and how to get a faster one.

use leptos::prelude::*;

use super::app::App;

#[component]
pub fn DeviceBadge() -> impl IntoView {
    let app = expect_context::<App>();
    let device = Memo::new(move |_| app.state.with(|state| state.device.clone()));
    let loading = Memo::new(move |_| app.state.with(|state| state.loading.clone()));
    let name = move || device.with(|d| d.as_ref().map_or("starting".to_owned(), |d| d.info.name.clone()));
    let reason = move || {
        device.with(|d| {
            d.as_ref().map_or("looking for a device".to_owned(), |device| device.info.reason.clone())
        })
    };
    let advice = move || device.with(|device| device.as_ref().and_then(|device| device.advice.clone()));
    let kind = move || {
        device.with(|device| match device {
            Some(device) if device.webgpu => "gpu",
            Some(_) => "cpu",
            None => "none",
        })
    };
    view! {
        <div class="device" role="status" data-kind=kind>
            <span class="badge" data-testid="device">{name}</span>
            <span class="reason" data-testid="device-reason">{reason}</span>
            {move || advice().map(|advice| view! { <span class="advice">{advice}</span> })}
            {move || {
                loading
                    .get()
                    .map(|(what, done)| {
                        view! {
                            <span class="loading">
                                <span>{format!("loading {what}")}</span>
                                <progress max="1" value=done aria-label=format!("loading {what}")></progress>
                            </span>
                        }
                    })
            }}
        </div>
    }
}
