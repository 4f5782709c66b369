//! The made-up world: its people and towns, and a question for every fact.

use leptos::prelude::*;
use promot_world::Topic;

use super::app::App;
use crate::state::lore::{question, subjects};

#[component]
pub fn World() -> impl IntoView {
    let opened = RwSignal::new(false);
    view! {
        <details
            class="panel world"
            data-testid="world"
            data-point="world"
            on:toggle=move |_| opened.set(true)
        >
            <summary>"The world that the model knows: ask about its people and towns"</summary>
            <Show when=move || opened.get()>
                <p class="muted">
                    "Everything the model has read tells of this made-up world; every question below has an answer in it.
                    Whether so small a model remembers it is another matter."
                </p>
                <Subjects topic=Topic::People title="People" />
                <Subjects topic=Topic::Towns title="Towns" />
            </Show>
        </details>
    }
}

#[component]
fn Subjects(topic: Topic, title: &'static str) -> impl IntoView {
    let app = expect_context::<App>();
    let all = StoredValue::new(subjects(topic));
    let chosen = RwSignal::new(None::<usize>);
    let name = move |at: usize| {
        let name = all.with_value(|all| all[at].name.clone());
        view! {
            <button
                type="button"
                class="small"
                aria-pressed=move || (chosen.get() == Some(at)).to_string()
                on:click=move |_| chosen.set(Some(at))
            >
                {name}
            </button>
        }
    };
    let ask = move |subject: usize, fact: usize| {
        let shots = app.shots.get_untracked();
        app.ask_own(all.with_value(|all| question(all, subject, fact, shots)));
    };
    let facts = move |subject: usize| {
        let facts = all.with_value(|all| all[subject].facts.clone());
        let line = move |(at, fact): (usize, promot_world::Known)| {
            view! {
                <li>
                    <button type="button" class="fact" on:click=move |_| ask(subject, at)>
                        {fact.question}
                    </button>
                    <small>{fact.statement}</small>
                </li>
            }
        };
        view! { <ul class="facts-of">{facts.into_iter().enumerate().map(line).collect_view()}</ul> }
    };
    view! {
        <section class="subjects" aria-label=title>
            <h3>{title}</h3>
            <div class="names">{(0..all.with_value(Vec::len)).map(name).collect_view()}</div>
            {move || chosen.get().map(facts)}
        </section>
    }
}
