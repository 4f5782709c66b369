//! The first screen: one question, three models, and the recorded results below.

use leptos::prelude::*;

use super::answer::AnswerColumn;
use super::ask::Ask;
use super::later::Later;
use super::recorded::RecordedResults;
use crate::protocol::Column;

#[component]
pub fn Compare() -> impl IntoView {
    view! {
        <section class="intro" aria-labelledby="compare-title">
            <h1 id="compare-title">"One question, three models"</h1>
            <p class="lead">
                "The same small model three times: as it came, after ordinary fine-tuning on a single true-or-false
                task, and after ProMoT, which first lets a soft prompt learn that task's answer format and only then
                tunes the weights. Ask all three something else. Ordinary fine-tuning tends to answer everything
                with \u{201c}True\u{201d} or \u{201c}False\u{201d}; ProMoT is meant to keep the other skills."
            </p>
        </section>
        <Later>
            <Ask />
        </Later>
        <section class="columns" aria-label="Answers">
            {Column::ALL.into_iter().map(later).collect_view()}
        </section>
        <Later>
            <RecordedResults />
        </Later>
    }
}

fn later(column: Column) -> impl IntoView {
    view! {
        <Later>
            <AnswerColumn column />
        </Later>
    }
}
