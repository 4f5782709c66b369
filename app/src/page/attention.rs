//! What the decoder attended to for a token of its answer: shades over prompt, examples and input, and the strongest in
//! words.

use std::sync::Arc;

use leptos::prelude::*;
use web_sys::HtmlDetailsElement;

use super::app::App;
use crate::column::Column;
use crate::inspected::Attention;
use crate::state::Answer;
use crate::state::attention::{Attending, Look};
use crate::state::explore::readable;
use crate::state::weights::percent;

/// So many of the strongest are named.
const NAMED: usize = 5;

#[component]
pub fn AttentionOf(column: StoredValue<Column>, answer: Memo<Option<Answer>>) -> impl IntoView {
    let app = expect_context::<App>();
    let opened = RwSignal::new(false);
    let testid = column.with_value(|column| format!("attention-{column}"));
    let live = Memo::new(move |_| {
        answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.complete && !answer.recorded))
    });
    let attending =
        Memo::new(move |_| answer.with(|answer| answer.as_ref().map(|answer| answer.attention.clone())));
    // Another answer is looked at anew as long as somebody looks.
    Effect::new(move |_| {
        if opened.get() && live.get() && attending.get() == Some(Attending::Unasked) {
            column.with_value(|column| app.attend(column));
        }
    });
    let toggle = move |event: leptos::ev::Event| {
        opened.set(event_target::<HtmlDetailsElement>(&event).open());
    };
    view! {
        <details class="probabilities" hidden=move || !live.get() data-testid=testid on:toggle=toggle>
            <summary>"What it looked at"</summary>
            <Show when=move || opened.get()>
                {move || match attending.get() {
                    Some(Attending::Here(Some(attention))) if !attention.layers.is_empty() => {
                        view! { <Shades attention /> }.into_any()
                    }
                    Some(Attending::Here(_)) => {
                        view! { <p class="none">"This could not be computed: the model may not be there any more."</p> }.into_any()
                    }
                    _ => view! { <p class="none">"computing\u{2026}"</p> }.into_any(),
                }}
            </Show>
        </details>
    }
}

#[component]
fn Shades(attention: Arc<Attention>) -> impl IntoView {
    let (place, layer) = (RwSignal::new(0), RwSignal::new(None::<usize>));
    let layers = attention.layers.len();
    let answer = attention.answer.clone();
    let look = Memo::new(move |_| Look::of(&attention, layer.get(), place.get()));
    let token = move |(at, token): (usize, String)| {
        view! {
            <button
                type="button"
                class="weighed"
                aria-pressed=move || (place.get() == at).to_string()
                on:click=move |_| place.set(at)
            >
                {readable(&token)}
            </button>
        }
    };
    let choose = move |event: leptos::ev::Event| layer.set(event_target_value(&event).parse().ok());
    let option = |at: usize| view! { <option value=at.to_string()>{format!("Layer {}", at + 1)}</option> };
    view! {
        <p class="muted">"Attention of the decoder when it wrote this token of its answer, a mean over heads:"</p>
        <div class="weighed-tokens" role="group" aria-label="Tokens of the answer">
            {answer.into_iter().enumerate().map(token).collect_view()}
        </div>
        <label class="layer">
            <span>"Layer"</span>
            <select data-testid="attention-layer" on:change=choose>
                <option value="all">"All, their mean"</option>
                {(0..layers).map(option).collect_view()}
            </select>
        </label>
        {move || look.get().map(|look| view! { <Shaded look /> })}
    }
}

#[component]
fn Shaded(look: Look) -> impl IntoView {
    let most = look.most().max(1e-9);
    // As a property: the page's policy allows no style in an attribute.
    let shade = move |weight: f64| format!("{:.3}", weight / most);
    let vectors = look.vectors.iter().enumerate().map(|(at, weight)| {
        view! { <span class="token shaded" style:--a=shade(*weight)>{at + 1}</span> }
    });
    let vectors = vectors.collect_view();
    let tokens = look.tokens.iter().map(|(token, weight)| {
        view! { <span class="token shaded" style:--a=shade(*weight)>{token.replace('\u{2581}', "\u{a0}")}</span> }
    });
    let first = look.first(NAMED).into_iter().map(|(name, weight)| {
        view! {
            <li>
                <b>{name}</b>
                {format!(" {}", percent(weight))}
            </li>
        }
    });
    let prompted = !look.vectors.is_empty();
    let (prompt, rest) = (look.prompt(), look.rest);
    let sums = [
        prompted.then(|| format!("{} on the prompt", percent(prompt))),
        (rest > 0.001).then(|| format!("{} on the answer so far", percent(rest))),
    ];
    let sums = sums.into_iter().flatten().collect::<Vec<_>>().join(", ");
    view! {
        <p class="exact" data-testid="attention-shades">
            {prompted.then(|| view! { <span class="vectors">"prompt " {vectors}</span> })}
            {tokens.collect_view()}
        </p>
        <p class="muted">"Most of it went to:"</p>
        <ol class="strongest" data-testid="attention-first">{first.collect_view()}</ol>
        {(!sums.is_empty()).then(|| view! { <p class="muted">{sums}</p> })}
    }
}
