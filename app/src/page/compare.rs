//! The first screen: one question to several models, and the precomputed results below.

use leptos::prelude::*;
use promot_core::report_html::TWO_STAGES;

use super::answer::AnswerColumn;
use super::app::App;
use super::ask::Ask;
use super::batch::BatchPanel;
use super::choose::ChooseColumns;
use super::glossary::Glossary;
use super::later::Later;
use super::recorded::RecordedResults;
use super::story::StartStory;
use super::wall::WallOfAnswers;
use super::world::World;
use crate::catalog::tasks;
use crate::column::Column;
use crate::protocol::Origin;
use crate::state::recorded::Recorded;
use crate::state::tasks::heading;
use crate::state::{State, alike};

/// What the models that come with the page show.
const SHIPPED: &str = "The same small model three times: pretrained, after fine-tuning on a single true-or-false task, and \
     after ProMoT. The fine-tuned one answers translations and articles with \u{201c}True\u{201d} or \u{201c}False\u{201d}; \
     ProMoT is meant to keep the other skills.";

/// The same of a target whose answers are text of their own.
fn shipped(target: &str) -> String {
    match tasks().by_name(target) {
        Ok(task) if task.words().next().is_none() => format!(
            "The same small model three times: pretrained, after fine-tuning on \u{201c}{}\u{201d} alone, and after ProMoT. \
             The fine-tuned one answers other tasks in that one\u{2019}s form, too; ProMoT is meant to keep the other \
             skills.",
            heading(target)
        ),
        // Also until it is known.
        _ => SHIPPED.to_owned(),
    }
}

/// What is so where no tuned model has come with the page.
const BARE: &str = "A small model as it was pretrained. Tune it on the Train screen, by fine-tuning and by ProMoT: the tuned models \
     then stand beside it, and one sees which of its skills each of them has kept.";

/// What is so of any models.
const OWN: &str = "The same small model several times: pretrained, and after the training of this tab, whose tasks stand \
     below the models' names. ProMoT first lets a soft prompt learn its task's answer format and only then tunes the \
     weights; it is meant to keep the other skills. Ask all of them about other tasks, too.";

#[component]
pub fn Compare() -> impl IntoView {
    let app = expect_context::<App>();
    let shown = Memo::new(move |_| app.state.with(|state| state.columns.clone()));
    let lead = Memo::new(move |_| {
        app.state.with(|state| {
            let of =
                |origin| state.models.iter().find(|model| !model.target.is_empty() && model.origin == origin);
            // Until the models are there, what is recorded tells which they are.
            app.recorded.with(|recorded| match (of(Origin::Trained), of(Origin::Shipped)) {
                (Some(_), _) => OWN.to_owned(),
                (None, Some(model)) => shipped(&model.target),
                _ if matches!(recorded, Recorded::None(_)) || !state.models.is_empty() => BARE.to_owned(),
                _ => shipped(recorded.target()),
            })
        })
    });
    let unlike = Memo::new(move |_| {
        let difference = |state: &State| {
            app.recorded.with(|recorded| alike::difference(&state.compared(), recorded.spec()))
        };
        app.state.with(difference)
    });
    view! {
        <section class="intro" aria-labelledby="compare-title">
            <h1 id="compare-title">"One question, several models"</h1>
            <p class="lead">{move || lead.get()}</p>
            <StartStory />
            <Glossary />
        </section>
        <Later>
            <WallOfAnswers />
        </Later>
        <Later>
            <ChooseColumns />
        </Later>
        <Later>
            <Ask />
        </Later>
        {move || unlike.get().map(|text| view! { <p class="unlike" role="note" data-testid="unlike">{text}</p> })}
        <section class="columns" aria-label="Answers" data-point="answers">
            <For each=move || shown.get() key=Column::clone children=later />
        </section>
        <Later>
            <BatchPanel />
        </Later>
        <Later>
            <World />
        </Later>
        <Later>
            <RecordedResults />
        </Later>
        <section class="recorded" aria-labelledby="stages-title" data-point="stages">
            <h2 id="stages-title">"The two stages of ProMoT"</h2>
            <div class="panel stages" inner_html=TWO_STAGES></div>
        </section>
    }
}

fn later(column: Column) -> impl IntoView {
    view! {
        <Later>
            <AnswerColumn column=column.clone() />
        </Later>
    }
}
