//! One model's answer, with its marks.

use leptos::prelude::*;
use promot_core::chart::Palette;

use super::app::{App, View};
use super::numbers;
use crate::protocol::{ModelState, Origin, RecipeName};
use crate::state::marks::{self, Verdict};
use crate::state::methods::title;
use crate::state::{Answer, State};

#[component]
pub fn AnswerColumn(recipe: RecipeName) -> impl IntoView {
    let app = expect_context::<App>();
    let name = recipe.to_string();
    let recipe = StoredValue::new(recipe);
    let answer = Memo::new(move |_| {
        app.state.with(|state| recipe.with_value(|recipe| state.answers.get(recipe).cloned()))
    });
    let model =
        Memo::new(move |_| app.state.with(|state| recipe.with_value(|recipe| state.model(recipe).cloned())));
    let waiting =
        Memo::new(move |_| model.with(Option::is_some) && app.state.with(|state| state.asking.is_some()));
    let busy = move || {
        let complete = answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.complete));
        (waiting.get() && !complete).to_string()
    };
    let has_prompt =
        Memo::new(move |_| model.with(|model| model.as_ref().is_some_and(|model| model.has_prompt)));
    let title_id = format!("title-{name}");
    let series = {
        let name = name.clone();
        Memo::new(move |_| {
            let shown = app.state.with(State::shown);
            Palette::new(shown.iter().map(RecipeName::as_str)).of(&name).to_string()
        })
    };
    view! {
        <article
            class="answer"
            data-column=name.clone()
            data-series=move || series.get()
            aria-labelledby=title_id.clone()
        >
            <header>
                <h2 id=title_id.clone()>{title(&name)}</h2>
                <p class="origin">{move || origin_text(app.state.with(|state| !state.models.is_empty()), model.get().as_ref())}</p>
            </header>
            <div class="text" data-testid=format!("answer-{name}") aria-live="polite" aria-busy=busy>
                <Text recipe answer waiting />
            </div>
            <Marks answer />
            <Show when=move || has_prompt.get()>
                <PromptToggle />
            </Show>
        </article>
    }
}

fn origin_text(loaded: bool, model: Option<&ModelState>) -> String {
    match model {
        Some(model) if model.target.is_empty() => "not fine-tuned".into(),
        Some(ModelState { origin: Origin::Shipped, target, .. }) => {
            format!("tuned on {target}, comes with the page")
        }
        Some(ModelState { origin: Origin::Trained, target, .. }) => format!("tuned on {target} in this tab"),
        None if loaded => "not trained yet".into(),
        None => "\u{a0}".into(),
    }
}

#[component]
fn Text(recipe: StoredValue<RecipeName>, answer: Memo<Option<Answer>>, waiting: Memo<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let missing = Memo::new(move |_| {
        app.state.with(|state| {
            !state.models.is_empty() && recipe.with_value(|recipe| state.model(recipe).is_none())
        })
    });
    let other =
        Memo::new(move |_| app.state.with(|state| recipe.with_value(|recipe| compared_with(state, recipe))));
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
        None => view! { <p class="none">"Press \u{201c}Ask all models\u{201d}."</p> }.into_any(),
    }
}

/// The text that differences are marked against: the reference answer, or the pretrained model's where there is none.
fn compared_with(state: &State, recipe: &RecipeName) -> Option<String> {
    if let Some(reference) = state.question.known_references().first() {
        return Some(reference.clone());
    }
    let pretrained = RecipeName::pretrained();
    let pretrained = state.answers.get(&pretrained).filter(|_| *recipe != pretrained)?;
    Some(marks::readable(&pretrained.text).to_owned())
}

/// The answer, its differing words marked once it is complete: marks that move while it is written only distract.
fn written(answer: &Answer, other: Option<&str>) -> impl IntoView + use<> {
    let text = marks::readable(&answer.text).to_owned();
    match other.filter(|_| answer.complete) {
        _ if answer.complete && text.is_empty() => {
            view! { <p class="none">"(an empty answer)"</p> }.into_any()
        }
        None => view! { <p>{text}</p> }.into_any(),
        Some(other) => {
            let piece = |piece: marks::Piece| match piece.differs {
                true => view! { <mark>{piece.text}</mark> }.into_any(),
                false => piece.text.into_any(),
            };
            view! { <p>{marks::pieces(other, &text).into_iter().map(piece).collect_view()}</p> }.into_any()
        }
    }
}

#[derive(Clone, PartialEq)]
struct Marking {
    verdict: Option<Verdict>,
    /// The target task, if the answer has its format and should not.
    drift: Option<String>,
    note: String,
}

#[component]
fn Marks(answer: Memo<Option<Answer>>) -> impl IntoView {
    let app = expect_context::<App>();
    let marking = Memo::new(move |_| {
        let answer = answer.get().filter(|answer| answer.complete)?;
        app.state.with(|state| {
            let pretrained = state.answers.get(&RecipeName::pretrained()).filter(|answer| answer.complete);
            let question = &state.question;
            Some(Marking {
                verdict: marks::verdict(&question.task, &answer.text, question.known_references()),
                drift: marks::drift(question, &answer, pretrained).then(|| answer.target.clone()),
                note: match answer.recorded {
                    true => "precomputed".to_owned(),
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

/// Soft prompt on or off, for all models that have one; they are asked again at once.
#[component]
fn PromptToggle() -> impl IntoView {
    let app = expect_context::<App>();
    let toggle = move |event: leptos::ev::Event| {
        let on = event_target_checked(&event);
        let due = app.state.try_update(|state| state.switch_prompt(on)).unwrap_or_default();
        app.ask(due);
    };
    view! {
        <label class="toggle">
            <input
                type="checkbox"
                role="switch"
                data-testid="prompt-toggle"
                prop:checked=move || app.state.with(|state| state.prompt)
                on:change=toggle
            />
            <span>"With the soft prompt prepended"</span>
            <small>"on for the target task, off for all others"</small>
        </label>
    }
}
