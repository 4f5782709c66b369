//! A failure, what may help, and a way to continue.

use leptos::prelude::*;

use super::app::App;

#[component]
pub fn Alert() -> impl IntoView {
    let app = expect_context::<App>();
    let failure = Memo::new(move |_| app.state.with(|state| state.failure.clone()));
    let restart = move || {
        view! {
            <button type="button" class="primary" on:click=move |_| app.restart()>
                "Restart and continue"
            </button>
        }
    };
    let dismiss = move || {
        view! {
            <button type="button" on:click=move |_| app.state.update(|state| state.failure = None)>
                "Dismiss"
            </button>
        }
    };
    move || {
        failure.get().map(|failure| {
            let kind = failure.kind.name();
            view! {
                <div class="alert" role="alert" data-testid="error" data-kind=kind>
                    <div>
                        <p class="message">{failure.message}</p>
                        {failure.advice.map(|advice| view! { <p>{advice}</p> })}
                    </div>
                    <div class="buttons">
                        // Without its worker the page is dead: only a restart helps.
                        {match failure.fatal {
                            true => restart().into_any(),
                            false => dismiss().into_any(),
                        }}
                    </div>
                </div>
            }
        })
    }
}
