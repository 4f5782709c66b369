//! One model's answer, with its marks.

use leptos::prelude::*;

use super::app::{App, View};
use super::numbers;
use crate::protocol::{Column, ColumnState, Origin};
use crate::state::judge::{self, Verdict};
use crate::state::{Answer, State};

#[component]
pub fn AnswerColumn(column: Column) -> impl IntoView {
    let app = expect_context::<App>();
    let answer = Memo::new(move |_| app.state.with(|state| state.answers.get(&column).cloned()));
    let origin = Memo::new(move |_| app.state.with(|state| state.column(column).cloned()));
    let waiting = Memo::new(move |_| {
        app.state.with(|state| state.asking.is_some() && state.askable().contains(&column))
    });
    let busy = move || {
        let complete = answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.complete));
        (waiting.get() && !complete).to_string()
    };
    let title_id = move || format!("title-{}", column.name());
    view! {
        <article class="answer" data-column=column.name() aria-labelledby=title_id>
            <header>
                <h2 id=title_id>{column.title()}</h2>
                <p class="origin">{move || origin_text(column, origin.get().as_ref())}</p>
            </header>
            <div
                class="text"
                data-testid=format!("answer-{}", column.name())
                aria-live="polite"
                aria-busy=busy
            >
                <Text column answer waiting />
            </div>
            <Marks column answer />
            {(column == Column::Promot).then(|| view! { <PromptToggle /> })}
        </article>
    }
}

fn origin_text(column: Column, state: Option<&ColumnState>) -> String {
    match (column, state) {
        (Column::Pretrained, _) => "as it came, tuned on nothing".into(),
        (_, None) => "\u{a0}".into(),
        (_, Some(state)) => match state.origin {
            Origin::Shipped => format!("tuned on {}, comes with the page", state.target),
            Origin::Trained => format!("tuned on {} in this tab", state.target),
            Origin::Missing => "not trained yet".into(),
        },
    }
}

#[component]
fn Text(column: Column, answer: Memo<Option<Answer>>, waiting: Memo<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let missing = Memo::new(move |_| {
        app.state.with(|state| !state.columns.is_empty() && !state.askable().contains(&column))
    });
    let other = Memo::new(move |_| app.state.with(|state| held_against(state, column)));
    move || match answer.get() {
        Some(answer) => written(&answer, other.get().as_deref()).into_any(),
        None if missing.get() => view! {
            <p class="none">
                "This model is not there yet. "
                <a href=View::Train.hash()>"Train it"</a>
                ", which takes a few minutes, and ask again."
            </p>
        }
        .into_any(),
        None if waiting.get() => view! { <p class="none thinking">"thinking\u{2026}"</p> }.into_any(),
        None => view! { <p class="none">"Press \u{201c}Ask all three\u{201d}."</p> }.into_any(),
    }
}

/// What differences are marked against: the right answer, or the pretrained model's where that is not known.
fn held_against(state: &State, column: Column) -> Option<String> {
    if let Some(reference) = state.question.known_references().first() {
        return Some(reference.clone());
    }
    let pretrained = state.answers.get(&Column::Pretrained).filter(|_| column != Column::Pretrained)?;
    Some(judge::readable(&pretrained.text).to_owned())
}

/// The answer, its differing words marked once it is complete; marks that jump about while it is written only
/// disturb.
fn written(answer: &Answer, other: Option<&str>) -> impl IntoView + use<> {
    let text = judge::readable(&answer.text).to_owned();
    match other.filter(|_| answer.complete) {
        _ if answer.complete && text.is_empty() => {
            view! { <p class="none">"(an empty answer)"</p> }.into_any()
        }
        None => view! { <p>{text}</p> }.into_any(),
        Some(other) => {
            let piece = |piece: judge::Piece| match piece.differs {
                true => view! { <mark>{piece.text}</mark> }.into_any(),
                false => piece.text.into_any(),
            };
            view! { <p>{judge::pieces(other, &text).into_iter().map(piece).collect_view()}</p> }.into_any()
        }
    }
}

#[derive(Clone, PartialEq)]
struct Marking {
    verdict: Option<Verdict>,
    /// The tuned task whose format the answer has taken on.
    drift: Option<String>,
    note: String,
}

#[component]
fn Marks(column: Column, answer: Memo<Option<Answer>>) -> impl IntoView {
    let app = expect_context::<App>();
    let marking = Memo::new(move |_| {
        let answer = answer.get().filter(|answer| answer.complete)?;
        app.state.with(|state| {
            let (task, target) = (&state.question.task, state.target());
            // A question of the user's own belongs to no task.
            let asked = if state.question.known_references().is_empty() { "" } else { task };
            Some(Marking {
                verdict: judge::verdict(task, &answer.text, state.question.known_references()),
                drift: (column != Column::Pretrained && judge::drifted(asked, target, &answer.text))
                    .then(|| target.to_owned()),
                note: match answer.recorded {
                    true => "recorded".to_owned(),
                    false => format!("{} tokens in {}", answer.tokens, numbers::seconds(answer.seconds)),
                },
            })
        })
    });
    view! {
        <ul class="marks">
            {move || {
                marking
                    .get()
                    .map(|marking| {
                        view! {
                            {marking.verdict.map(verdict)}
                            {marking.drift.map(|task| view! {
                                <li class="mark drift">{format!("answers in {task}\u{2019}s format")}</li>
                            })}
                            <li class="mark note">{marking.note}</li>
                        }
                    })
            }}
        </ul>
    }
}

fn verdict(verdict: Verdict) -> impl IntoView {
    match verdict {
        Verdict::Right => view! { <li class="mark right">"\u{2713} right"</li> }.into_any(),
        Verdict::Wrong => view! { <li class="mark wrong">"\u{2717} wrong"</li> }.into_any(),
        Verdict::Shared(share) => {
            let text = format!("{:.0} % of the words as expected", share * 100.0);
            view! { <li class="mark shared">{text}</li> }.into_any()
        }
    }
}

/// Soft prompt on or off; a live answer is asked for again at once.
#[component]
fn PromptToggle() -> impl IntoView {
    let app = expect_context::<App>();
    let there = Memo::new(move |_| {
        app.state.with(|state| state.column(Column::Promot).is_some_and(|column| column.has_prompt))
    });
    let toggle = move |event: leptos::ev::Event| {
        app.prompt.set(event_target_checked(&event));
        let live =
            app.state.with_untracked(|state| state.answers.get(&Column::Promot).is_some_and(|a| !a.recorded));
        if live {
            app.ask(vec![Column::Promot]);
        }
    };
    view! {
        <label class="toggle">
            <input
                type="checkbox"
                role="switch"
                data-testid="prompt-toggle"
                prop:checked=move || app.prompt.get()
                disabled=move || !there.get()
                on:change=toggle
            />
            <span>"Soft prompt in front"</span>
            <small>"on for the tuned task, off for all others"</small>
        </label>
    }
}
