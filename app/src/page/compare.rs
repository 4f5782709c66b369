//! The first screen: one question to several models, and the precomputed results below.

use leptos::prelude::*;

use super::answer::AnswerColumn;
use super::app::App;
use super::ask::Ask;
use super::later::Later;
use super::recorded::RecordedResults;
use crate::protocol::RecipeName;
use crate::state::State;

#[component]
pub fn Compare() -> impl IntoView {
    let app = expect_context::<App>();
    let shown = Memo::new(move |_| app.state.with(State::shown));
    view! {
        <section class="intro" aria-labelledby="compare-title">
            <h1 id="compare-title">"One question, three models"</h1>
            <p class="lead">
                "The same small model three times: pretrained, after standard fine-tuning on a single true-or-false
                task, and after ProMoT, which first lets a soft prompt learn that task's answer format and only then
                tunes the weights. Ask them about other tasks. After standard fine-tuning the model answers
                translations and articles with \u{201c}True\u{201d} or \u{201c}False\u{201d}; ProMoT is meant to keep the other
                skills."
            </p>
        </section>
        <Later>
            <Ask />
        </Later>
        <section class="columns" aria-label="Answers">
            <For each=move || shown.get() key=|recipe| recipe.clone() children=later />
        </section>
        <Later>
            <RecordedResults />
        </Later>
    }
}

fn later(recipe: RecipeName) -> impl IntoView {
    view! {
        <Later>
            <AnswerColumn recipe=recipe.clone() />
        </Later>
    }
}
