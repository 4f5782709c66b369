//! One column: a model's answer, its marks, and how it was made.

use leptos::prelude::*;
use promot_core::chart::Palette;

use super::app::App;
use super::attention::AttentionOf;
use super::numbers;
use super::probabilities::Probabilities;
use super::seen::Made;
use crate::column::{Column, Part};
use crate::state::marks::{self, Verdict};
use crate::state::place::Screen;
use crate::state::{Answer, State, columns};

#[component]
pub fn AnswerColumn(column: Column) -> impl IntoView {
    let app = expect_context::<App>();
    let name = column.to_string();
    let heading = columns::heading(&column);
    let part = column.part;
    let column = StoredValue::new(column);
    let of = move |state: &State| column.with_value(|column| state.answers.get(column).cloned());
    let answer = Memo::new(move |_| app.state.with(of));
    let there = Memo::new(move |_| {
        app.state.with(|state| column.with_value(|column| columns::model(&state.models, column).is_some()))
    });
    let waiting = Memo::new(move |_| there.get() && app.state.with(|state| state.asking.is_some()));
    let busy = move || {
        let complete = answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.complete));
        (waiting.get() && !complete).to_string()
    };
    let switch = Memo::new(move |_| {
        let length =
            |state: &State| column.with_value(|column| columns::prompt_of(&state.models, column, true));
        part == Part::Whole && app.state.with(length) > 0
    });
    let origin = Memo::new(move |_| {
        app.state.with(|state| column.with_value(|column| columns::origin(&state.models, column, state.mix)))
    });
    let title_id = format!("title-{name}");
    let series =
        Memo::new(move |_| column.with_value(|column| app.state.with(|state| series(state, column))));
    view! {
        <article
            class="answer"
            data-column=name.clone()
            data-series=move || series.get()
            aria-labelledby=title_id.clone()
        >
            <header>
                <h3 id=title_id.clone()>{heading}</h3>
                <p class="origin">{move || origin.get()}</p>
            </header>
            <div class="text" data-testid=format!("answer-{name}") aria-live="polite" aria-busy=busy>
                <Text column answer waiting />
            </div>
            <Marks answer />
            <Probabilities column answer />
            <AttentionOf column answer />
            <Show when=move || switch.get()>
                <PromptToggle />
            </Show>
            {(part == Part::Mixed).then(|| view! { <MixSlider /> })}
            <Made column answer />
        </article>
    }
}

/// The number of a column's colour.
pub fn series(state: &State, column: &Column) -> String {
    let names: Vec<String> = state.columns.iter().map(Column::to_string).collect();
    Palette::new(names.iter().map(String::as_str)).of(&column.to_string()).to_string()
}

#[component]
fn Text(column: StoredValue<Column>, answer: Memo<Option<Answer>>, waiting: Memo<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let missing = Memo::new(move |_| {
        app.state.with(|state| column.with_value(|column| columns::is_missing(&state.models, column)))
    });
    let other =
        Memo::new(move |_| app.state.with(|state| column.with_value(|column| compared_with(state, column))));
    move || match answer.get() {
        Some(answer) => written(&answer, other.get().as_deref()).into_any(),
        None if missing.get() => view! {
            <p class="none">
                "This model is not there yet. "
                <a href=Screen::Train.hash()>"Train it"</a>
                ", which takes a few minutes, and ask again."
            </p>
        }
        .into_any(),
        None if waiting.get() => view! { <p class="none thinking">"thinking\u{2026}"</p> }.into_any(),
        None => view! { <p class="none">"Press \u{201c}Ask all models\u{201d}."</p> }.into_any(),
    }
}

/// The text that differences are marked against: the reference answer, or the pretrained model's where there is none.
fn compared_with(state: &State, column: &Column) -> Option<String> {
    if let Some(reference) = state.question.known_references().first() {
        return Some(reference.clone());
    }
    let pretrained = columns::pretrained();
    let pretrained = state.answers.get(&pretrained).filter(|_| *column != pretrained)?;
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
            let pretrained = state.answers.get(&columns::pretrained()).filter(|answer| answer.complete);
            let question = &state.question;
            Some(Marking {
                verdict: marks::verdict(&question.task, &answer.text, question.known_references()),
                drift: marks::drift(question, &answer, pretrained).then(|| answer.target.clone()),
                note: match answer.recorded {
                    true => "precomputed".to_owned(),
                    false => format!("{} tokens in {}", answer.ids.len(), numbers::seconds(answer.seconds)),
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

/// Soft prompt on or off, for all columns that leave it open; they are asked again at once.
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

/// The share of the tuned weights; the mixed model answers again while it moves.
#[component]
fn MixSlider() -> impl IntoView {
    let app = expect_context::<App>();
    let slide = move |event: leptos::ev::Event| {
        let mix = event_target_value(&event).parse::<f64>().unwrap_or(0.5) / 100.0;
        let due = app.state.try_update(|state| state.set_mix(mix)).unwrap_or_default();
        app.ask(due);
    };
    let share = Memo::new(move |_| app.state.with(|state| (state.mix * 100.0).round()));
    view! {
        <label class="mix">
            <span>"Pretrained"</span>
            <input
                type="range"
                min="0"
                max="100"
                step="5"
                data-testid="mix"
                aria-label="Share of the tuned weights, in percent"
                prop:value=move || share.get().to_string()
                on:input=slide
            />
            <span>"tuned"</span>
        </label>
    }
}
