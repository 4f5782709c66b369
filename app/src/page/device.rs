//! The device in use, the reason, and how to get a faster one.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use super::app::App;
use crate::protocol::DeviceWish;

/// How long a graphics device may be opened, or a first token awaited from it, before the CPU is offered: milliseconds.
/// A driver that hangs looks like one that is slow.
const PATIENCE: u32 = 12_000;

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
                                <span data-testid="loading">{format!("loading {what}")}</span>
                                <progress max="1" value=done aria-label=format!("loading {what}")></progress>
                            </span>
                        }
                    })
            }}
            <Slow />
        </div>
    }
}

/// The way out where a graphics device does not answer.
#[component]
fn Slow() -> impl IntoView {
    let app = expect_context::<App>();
    let waits =
        Memo::new(move |_| app.device() != DeviceWish::Cpu && app.state.with(|state| state.waits_for_gpu()));
    let slow = RwSignal::new(false);
    let timer = StoredValue::new_local(None::<Timeout>);
    Effect::new(move |_| {
        slow.set(false);
        // An old timer is cancelled with its handle.
        timer.set_value(waits.get().then(|| Timeout::new(PATIENCE, move || slow.set(true))));
    });
    on_cleanup(move || timer.set_value(None));
    view! {
        <Show when=move || slow.get()>
            <span class="slow" role="alert">
                "The graphics device has not answered for a while. "
                <button type="button" data-testid="use-cpu" on:click=move |_| app.use_cpu()>
                    "Use the CPU instead"
                </button>
            </span>
        </Show>
    }
}
