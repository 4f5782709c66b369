//! The story: a card at the lower edge, step by step; each step sets the page and marks what it speaks of.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use super::app::App;
use super::point::{mark, point_at};
use crate::state::place::Place;
use crate::state::story::{Step, Try, steps, tries};

/// How long the page may take to draw what a step points at, in milliseconds.
const DRAWN: u32 = 120;

#[component]
pub fn Story() -> impl IntoView {
    let app = expect_context::<App>();
    let all = Memo::new(move |_| {
        app.recorded.with(|recorded| recorded.report().and_then(|report| steps(report)).unwrap_or_default())
    });
    let step = Memo::new(move |_| {
        let at = app.story.get()?.checked_sub(1)?;
        all.with(|all| all.get(at).cloned().map(|step| (at, step)))
    });
    Effect::new(move |_| {
        let step = step.get();
        let point = move || match &step {
            Some((_, step)) => {
                point_at(step.point);
                mark(Some(step.point), step.column.as_ref());
            }
            None => mark(None, None),
        };
        Timeout::new(DRAWN, point).forget();
    });
    let count = move || all.with(Vec::len);
    move || step.get().map(|(at, step)| view! { <Card at count=count() step /> })
}

#[component]
fn Card(at: usize, count: usize, step: Step) -> impl IntoView {
    let app = expect_context::<App>();
    let last = at + 1 == count;
    view! {
        <aside class="story" aria-label="Story" data-testid="story">
            <div class="told">
                <div aria-live="polite">
                    <p class="step">{format!("Step {} of {count}", at + 1)}</p>
                    <h2>{step.title}</h2>
                    {step.text.into_iter().map(|text| view! { <p>{text}</p> }).collect_view()}
                </div>
                {last.then(|| view! { <Tries /> })}
            </div>
            <div class="buttons">
                <button type="button" data-testid="story-back" disabled=at == 0 on:click=move |_| app.tell(-1)>
                    "\u{2190} Back"
                </button>
                {(!last).then(|| view! {
                    <button type="button" class="primary" data-testid="story-next" on:click=move |_| app.tell(1)>
                        "Next \u{2192}"
                    </button>
                })}
                <button type="button" data-testid="story-end" on:click=move |_| app.end_story()>
                    {if last { "Look around" } else { "Skip the story" }}
                </button>
                <small class="keys">"Keys: arrows, Enter, Escape"</small>
            </div>
        </aside>
    }
}

/// Sentences that set everything.
#[component]
fn Tries() -> impl IntoView {
    let app = expect_context::<App>();
    let all = app.recorded.with_untracked(|recorded| recorded.report().map(|report| tries(report)));
    let link = |one: Try| view! { <li><a href=one.place.hash()>{one.words}</a></li> };
    view! {
        <div class="tries" data-testid="tries">
            <h3>"Try this"</h3>
            <ul>{all.unwrap_or_default().into_iter().map(link).collect_view()}</ul>
        </div>
    }
}

/// The way into the story, where there is one to tell.
#[component]
pub fn StartStory() -> impl IntoView {
    let app = expect_context::<App>();
    let there = Memo::new(move |_| {
        app.recorded.with(|recorded| recorded.report().is_some_and(|report| steps(report).is_some()))
    });
    view! {
        <Show when=move || there.get() && app.story.get().is_none()>
            <p class="start">
                <a class="button" href=Place::of_story(1).hash() data-testid="story-start">
                    "What happens here? The story in five short steps"
                </a>
            </p>
        </Show>
    }
}
