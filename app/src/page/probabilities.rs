//! The tokens of an answer with their probabilities, and what else was likely in their places: computed once somebody looks.

use leptos::prelude::*;
use web_sys::HtmlDetailsElement;

use super::app::App;
use crate::column::Column;
use crate::protocol::{Likely, TokenPlace};
use crate::state::weights::{Weights, percent, piece, runners};
use crate::state::{Answer, State};

#[component]
pub fn Probabilities(column: StoredValue<Column>, answer: Memo<Option<Answer>>) -> impl IntoView {
    let app = expect_context::<App>();
    let opened = RwSignal::new(false);
    let testid = column.with_value(|column| format!("probabilities-{column}"));
    let there =
        Memo::new(move |_| answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.complete)));
    let recorded =
        Memo::new(move |_| answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.recorded)));
    let weights =
        Memo::new(move |_| answer.with(|answer| answer.as_ref().map(|answer| answer.weights.clone())));
    // Another answer is weighed anew as long as somebody looks.
    Effect::new(move |_| {
        if opened.get() && there.get() && weights.get() == Some(Weights::Unasked) {
            column.with_value(|column| app.weigh(column));
        }
    });
    let toggle = move |event: leptos::ev::Event| {
        opened.set(event_target::<HtmlDetailsElement>(&event).open());
    };
    view! {
        <details class="probabilities" hidden=move || !there.get() data-testid=testid on:toggle=toggle>
            <summary>"How likely each token was"</summary>
            <Show when=move || opened.get()>
                <Show when=move || !recorded.get() fallback=move || view! { <Elsewhere /> }>
                    {move || match weights.get() {
                        Some(Weights::Here(places)) if !places.is_empty() => {
                            view! { <Tokens places /> }.into_any()
                        }
                        Some(Weights::Here(_)) => {
                            view! { <p class="none">"This model is not there any more."</p> }.into_any()
                        }
                        _ => view! { <p class="none">"computing\u{2026}"</p> }.into_any(),
                    }}
                </Show>
            </Show>
        </details>
    }
}

/// Recorded answers have no model behind them that could be asked.
#[component]
fn Elsewhere() -> impl IntoView {
    let app = expect_context::<App>();
    let can_ask = Memo::new(move |_| app.state.with(State::can_ask));
    view! {
        <p class="none">
            "This answer was recorded by the native program, and its probabilities were not. Let the models answer here:"
        </p>
        <button
            type="button"
            class="small"
            data-testid="ask-here"
            disabled=move || !can_ask.get()
            on:click=move |_| app.ask(app.state.with_untracked(State::askable))
        >
            "Ask all models"
        </button>
    }
}

#[component]
fn Tokens(places: Vec<TokenPlace>) -> impl IntoView {
    let chosen = RwSignal::new(0);
    let places = StoredValue::new(places);
    let token = move |(at, place): (usize, TokenPlace)| {
        let text = piece(&place.token);
        let likely = percent(place.token.probability);
        view! {
            <button
                type="button"
                class="weighed"
                style:--p=format!("{:.3}", place.token.probability)
                aria-pressed=move || (chosen.get() == at).to_string()
                on:click=move |_| chosen.set(at)
                on:focus=move |_| chosen.set(at)
                on:mouseenter=move |_| chosen.set(at)
            >
                <span>{text}</span>
                " "
                <small>{likely}</small>
            </button>
        }
    };
    let all = places.with_value(|places| places.iter().cloned().enumerate().collect::<Vec<_>>());
    let place = move || places.with_value(|places| places.get(chosen.get()).cloned());
    view! {
        <div class="weighed-tokens" role="group" aria-label="Tokens of the answer">
            {all.into_iter().map(token).collect_view()}
        </div>
        <div class="runners" aria-live="polite">
            {move || place().map(|place| view! {
                <p class="muted">{format!("Likeliest in place {}:", chosen.get() + 1)}</p>
                <ol>{runners(&place).into_iter().map(runner).collect_view()}</ol>
                <BarredEnd place first=chosen.get() == 0 />
            })}
        </div>
    }
}

fn runner((token, written): (Likely, bool)) -> impl IntoView {
    view! {
        <li class:written=written>
            <span class="piece">{piece(&token)}</span>
            <span class="gauge"><span style:width=format!("{:.1}%", 100.0 * token.probability)></span></span>
            <span class="score">{percent(token.probability)}</span>
            {written.then(|| view! { <small>"written"</small> })}
        </li>
    }
}

/// An answer is not allowed to be empty, so the likeliest token may be passed over.
#[component]
fn BarredEnd(place: TokenPlace, first: bool) -> impl IntoView {
    let barred = first && !place.token.end && place.likeliest.first().is_some_and(|token| token.end);
    barred.then(|| {
        view! { <p class="muted">"The end is passed over here: every answer has at least one token."</p> }
    })
}
