//! A run from an earlier visit, or one that was stopped: resume or discard it.

use leptos::prelude::*;

use super::app::App;

#[component]
pub fn SavedRun() -> impl IntoView {
    let app = expect_context::<App>();
    let offer = Memo::new(move |_| {
        app.state.with(|state| {
            let saved = state.offered()?;
            let here = state.training.spec.as_ref() == Some(&*saved.spec);
            Some((saved.clone(), here))
        })
    });
    let loaded = Memo::new(move |_| app.state.with(|state| !state.models.is_empty()));
    move || {
        offer.get().map(|(saved, here)| {
            let task = &saved.spec.target.task;
            let model = saved.spec.model.clone();
            let elsewhere = model != app.model;
            let (text, label) = if saved.finished {
                (format!("A finished run on {task} is stored in this browser."), "Show it")
            } else {
                let at = match saved.steps {
                    0 => String::new(),
                    steps => format!(", {}, step {} of {steps}", saved.stage, saved.step),
                };
                let when = if here { "was stopped" } else { "from an earlier visit is unfinished" };
                (format!("A run on {task} {when} ({}{at}).", saved.method), "Continue")
            };
            let label = if elsewhere { format!("Open {model}") } else { label.to_owned() };
            let text = if elsewhere { format!("{text} It is of the model {model}.") } else { text };
            let go = move || if elsewhere { app.open_model(&model) } else { app.resume() };
            view! {
                <aside class="panel saved" aria-label="Saved run" data-testid="saved-run">
                    <p>{text}</p>
                    <div class="buttons">
                        <button
                            type="button"
                            class="primary"
                            data-testid="saved-continue"
                            disabled=move || !loaded.get()
                            on:click=move |_| go()
                        >
                            {label}
                        </button>
                        <Discard testid="saved-discard" label="Discard" />
                    </div>
                </aside>
            }
        })
    }
}

/// Deletes the saved run, once that is confirmed.
#[component]
pub fn Discard(testid: &'static str, label: &'static str) -> impl IntoView {
    let app = expect_context::<App>();
    let asked = RwSignal::new(false);
    view! {
        <Show
            when=move || asked.get()
            fallback=move || {
                view! {
                    <button type="button" data-testid=testid on:click=move |_| asked.set(true)>
                        {label}
                    </button>
                }
            }
        >
            <Confirm
                question="Delete this run with its checkpoints and weights? The models that come with the page take their \
                          places again."
                yes="Delete it"
                act=move || app.discard()
                cancel=move || asked.set(false)
            />
        </Show>
    }
}

/// A question before something is lost.
#[component]
pub fn Confirm(
    question: &'static str,
    yes: &'static str,
    act: impl Fn() + Copy + 'static,
    cancel: impl Fn() + Copy + 'static,
) -> impl IntoView {
    view! {
        <div class="confirm" role="alert">
            <p>{question}</p>
            <div class="buttons">
                <button type="button" class="primary" data-testid="confirm-yes" on:click=move |_| act()>
                    {yes}
                </button>
                <button type="button" data-testid="confirm-no" on:click=move |_| cancel()>
                    "Keep it"
                </button>
            </div>
        </div>
    }
}
