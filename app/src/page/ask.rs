//! The question: a row of a task, or the user's own text.

use leptos::prelude::*;

use super::app::App;
use crate::state::place::MOST_SHOTS;
use crate::state::{State, fields, tasks};

#[component]
pub fn Ask() -> impl IntoView {
    let app = expect_context::<App>();
    let text = Memo::new(move |_| app.state.with(|state| state.question.text.clone()));
    let awaited = Memo::new(move |_| app.state.with(|state| state.question.awaited));
    let can_ask = Memo::new(move |_| app.state.with(State::can_ask));
    let spelled = Memo::new(move |_| app.state.with(State::spelled));
    let refused = Memo::new(move |_| app.state.with(|state| state.question.refused.clone()));
    let ask = move || app.ask(app.state.with_untracked(State::askable));
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            ask();
        }
    };
    view! {
        <form
            class="panel question"
            data-point="question"
            aria-label="The question"
            on:submit=move |event| {
                event.prevent_default();
                ask();
            }
        >
            <Picker />
            <label class="wide" for="question">
                "Input of the models; change it as you like"
            </label>
            <textarea
                id="question"
                rows="4"
                spellcheck="false"
                aria-busy=move || awaited.get().to_string()
                placeholder=move || if awaited.get() { "An example is shown as soon as the model is loaded." } else { "" }
                prop:value=move || text.get()
                on:input=move |event| {
                    app.write(event_target_value(&event));
                }
                on:keydown=on_key
            ></textarea>
            <div class="buttons">
                <AskButton can_ask />
                <Reference />
            </div>
            <p class="unknown" role="status" data-testid="unknown-words">
                {move || spelled.get()}
            </p>
            <p class="problem" role="status" data-testid="ask-refused">
                {move || refused.get()}
            </p>
        </form>
    }
}

#[component]
fn AskButton(can_ask: Memo<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let asking = Memo::new(move |_| app.state.with(|state| state.asking.is_some()));
    let loaded = Memo::new(move |_| app.state.with(|state| !state.models.is_empty()));
    let label = move || match (loaded.get(), asking.get()) {
        (false, _) => "Loading the models\u{2026}",
        (true, true) => "Ask again",
        (true, false) => "Ask all models",
    };
    view! {
        <button
            type="submit"
            class="primary"
            data-testid="ask"
            disabled=move || !can_ask.get()
            title="Ctrl + Enter in the text"
        >
            {label}
        </button>
        <Show when=move || asking.get()>
            <button type="button" on:click=move |_| app.cancel()>
                "Stop"
            </button>
        </Show>
    }
}

/// Task, number of shots, and the next example.
#[component]
fn Picker() -> impl IntoView {
    let app = expect_context::<App>();
    let task = Memo::new(move |_| app.state.with(|state| state.question.task.clone()));
    let target = Memo::new(move |_| app.state.with(|state| state.target().to_owned()));
    let groups = move || {
        let option = move |name: &'static str| {
            view! {
                <option value=name selected=move || task.with(|task| task == name)>
                    {tasks::title(name)}
                </option>
            }
        };
        tasks::groups(&target.get())
            .into_iter()
            .map(|group| {
                view! {
                    <optgroup label=group.label>
                        {group.tasks.into_iter().map(|task| option(&task.name)).collect_view()}
                    </optgroup>
                }
            })
            .collect_view()
    };
    let set_shots = move |event: leptos::ev::Event| {
        let before = app.shots.get_untracked();
        let shots = fields::shots(&event_target_value(&event), MOST_SHOTS).unwrap_or(before);
        // What is used is what is shown.
        event_target::<web_sys::HtmlInputElement>(&event).set_value(&shots.to_string());
        if shots != before {
            app.shots.set(shots);
            let row = app.state.with_untracked(|state| state.question.row);
            app.example(&task.get_untracked(), row);
        }
    };
    let another = move |_| {
        let (row, rows) = app.state.with_untracked(|state| (state.question.row, state.question.rows));
        app.example(&task.get_untracked(), (row + 1) % rows.unwrap_or(usize::MAX).max(1));
    };
    view! {
        <div class="picker">
            <label class="grow">
                <span>"Task"</span>
                <select
                    data-testid="task-select"
                    on:change=move |event| app.example(&event_target_value(&event), 0)
                >
                    {groups}
                </select>
            </label>
            <label>
                <span>"In-context examples"</span>
                <input
                    type="number"
                    data-testid="shots-input"
                    min="0"
                    max=MOST_SHOTS
                    prop:value=move || app.shots.get().to_string()
                    on:change=set_shots
                />
            </label>
            <button type="button" data-testid="another-example" on:click=another>
                "Another example"
            </button>
        </div>
    }
}

/// The reference answer, where the question is a row of a task.
#[component]
fn Reference() -> impl IntoView {
    let app = expect_context::<App>();
    let references = Memo::new(move |_| app.state.with(|state| state.question.known_references().to_vec()));
    let own = Memo::new(move |_| {
        app.state.with(|state| !state.question.awaited && state.question.text != state.question.rendered)
    });
    view! {
        <p class="reference">
            {move || match references.get().first() {
                Some(reference) => {
                    view! {
                        <span class="muted">"Reference answer: "</span>
                        <b data-testid="reference">{reference.clone()}</b>
                    }
                        .into_any()
                }
                None if own.get() => {
                    view! { <span class="muted">"Your own question: there is no reference answer."</span> }
                        .into_any()
                }
                None => ().into_any(),
            }}
        </p>
    }
}
