//! The third screen: what training left in a model.

use std::sync::Arc;

use leptos::prelude::*;
use promot_core::report::Report;
use promot_core::report_html::alignment_chart;

use super::app::App;
use super::evidence::Evidence;
use super::figure::StillFigure;
use super::glossary::Glossary;
use super::later::Later;
use crate::column::RecipeName;
use crate::inspected::{Inspected, Prompt, Vector};
use crate::protocol::{ModelState, Origin};
use crate::state::explore::{
    Found, between, prompt_alone, prompt_chart, readable, tuned, unmoved, weights_chart,
};
use crate::state::methods::title;
use crate::state::place::{Place, Screen};
use crate::state::story::telling;

#[component]
pub fn Explore() -> impl IntoView {
    let app = expect_context::<App>();
    let loaded = Memo::new(move |_| app.state.with(|state| !state.models.is_empty()));
    let model = Memo::new(move |_| app.state.with(|state| state.explore.model(&state.models).cloned()));
    let found = Memo::new(move |_| app.state.with(|state| state.explore.found(&state.models)));
    view! {
        <section class="intro" aria-labelledby="explore-title">
            <h1 id="explore-title">"What training left behind"</h1>
            <p class="lead">
                "Where a model\u{2019}s weights have moved, what its soft prompt has become, and what the prompt does without the
                model that it was trained with."
            </p>
            <Glossary />
        </section>
        {move || match (loaded.get(), model.get()) {
            (false, _) => view! { <p class="none" role="status">"The models are being loaded\u{2026}"</p> }.into_any(),
            (true, None) => {
                view! {
                    <p class="none">
                        "No tuned model is here. "
                        <a href=Screen::Train.hash()>"Train one"</a>
                        ", which takes a few minutes, and come back."
                    </p>
                }
                    .into_any()
            }
            (true, Some(_)) => {
                view! {
                    <Choose model />
                    <Weights model found />
                    <PromptVectors model found />
                    <Ask model />
                }
                    .into_any()
            }
        }}
        <Later>
            <Measured model />
        </Later>
    }
}

#[component]
fn Choose(model: Memo<Option<ModelState>>) -> impl IntoView {
    let app = expect_context::<App>();
    let all = Memo::new(move |_| app.state.with(|state| tuned(&state.models).cloned().collect::<Vec<_>>()));
    let missing = Memo::new(move |_| {
        let chosen = app.state.with(|state| state.explore.chosen().cloned())?;
        let there = model.with(|model| model.as_ref().is_some_and(|model| model.recipe == chosen));
        (!there).then(|| {
            format!(
                "{} is not here: nothing was tuned under this name. Shown is another model.",
                title(chosen.as_str())
            )
        })
    });
    let option = move |one: ModelState| {
        let (value, recipe) = (one.recipe.to_string(), one.recipe.clone());
        let place = match one.origin {
            Origin::Shipped => "comes with the page",
            Origin::Trained => "trained in this tab",
        };
        let selected = move || model.with(|model| model.as_ref().is_some_and(|model| model.recipe == recipe));
        view! {
            <option value=value.clone() selected=selected>
                {format!("{}, tuned on {}, {place}", title(&value), one.target)}
            </option>
        }
    };
    let choose = move |event: leptos::ev::Event| app.explore(RecipeName::new(event_target_value(&event)));
    view! {
        <div class="panel picker">
            <label class="grow">
                <span>"Model"</span>
                <select data-testid="explore-model" on:change=choose>
                    {move || all.get().into_iter().map(option).collect_view()}
                </select>
            </label>
        </div>
        {move || missing.get().map(|text| view! { <p class="unlike" role="note">{text}</p> })}
    }
}

/// What stands where nothing is known yet, or cannot be.
fn waiting(found: &Found) -> impl IntoView + use<> {
    let text = match found {
        Found::Missing => "This could not be computed; the message above says why.",
        _ => "Computing\u{2026}",
    };
    view! { <p class="none" role="status">{text}</p> }
}

#[component]
fn Weights(model: Memo<Option<ModelState>>, found: Memo<Found>) -> impl IntoView {
    let chart = move |found: &Inspected| {
        let unmoved = model.with(|model| model.as_ref().and_then(|model| unmoved(found, model)));
        match unmoved {
            Some(text) => view! { <p class="none" data-testid="unmoved">{text}</p> }.into_any(),
            None => {
                view! {
                    <StillFigure
                        name="weights-chart"
                        title="Change of the weights, in percent"
                        drawing=weights_chart(found)
                        note="The length of the difference to the pretrained weights, as a share of their own length. The darker, \
                              the further."
                    />
                }
                    .into_any()
            }
        }
    };
    view! {
        <section class="recorded" aria-labelledby="weights-title" data-point="weights">
            <h2 id="weights-title">"How far the weights have moved"</h2>
            {move || match found.get() {
                Found::Here(found) => chart(&found).into_any(),
                other => waiting(&other).into_any(),
            }}
        </section>
    }
}

#[component]
fn PromptVectors(model: Memo<Option<ModelState>>, found: Memo<Found>) -> impl IntoView {
    let none = move || {
        let name = model.with(|model| model.as_ref().map(|model| title(model.recipe.as_str())));
        view! {
            <p class="none" data-testid="no-prompt">
                {format!("{} has no soft prompt. Choose ProMoT or prompt tuning to see one.", name.unwrap_or_default())}
            </p>
        }
    };
    let shown = move |prompt: &Prompt| {
        view! {
            <StillFigure
                name="prompt-chart"
                title="The prompt\u{2019}s vectors among the tokens near to them"
                drawing=prompt_chart(prompt)
                note="Directions alone count: every vector is drawn at length 1, as the cosine takes it. The plane is the one in \
                      which these points differ most; what it leaves out, the axes say."
            />
            <Nearest prompt=prompt.clone() />
        }
    };
    view! {
        <section class="recorded" aria-labelledby="prompt-title" data-point="prompt">
            <h2 id="prompt-title">"What the prompt\u{2019}s vectors are near to"</h2>
            {move || match found.get() {
                Found::Here(found) => match &found.prompt {
                    Some(prompt) => shown(prompt).into_any(),
                    None => none().into_any(),
                },
                other => waiting(&other).into_any(),
            }}
        </section>
    }
}

#[component]
fn Nearest(prompt: Prompt) -> impl IntoView {
    let row = |(at, vector): (usize, Vector)| {
        let near = vector.near.iter().map(|(token, cosine)| {
            view! { <span class="near"><b>{readable(token)}</b> {format!(" {cosine:.2}")}</span> }
        });
        view! {
            <tr>
                <th scope="row">{at + 1}</th>
                <td>{format!("{:.2}", vector.norm)}</td>
                <td class="text-cell">{near.collect_view()}</td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Nearest tokens of each vector">
            <table data-testid="nearest-table">
                <caption>
                    {format!(
                        "Nearest by cosine, in [-1, 1]. A vector need not be near to any token: at 0.1 its tokens mean little. The \
                         model\u{2019}s own embeddings have a mean length of {:.2}.",
                        prompt.embedding_norm,
                    )}
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Vector"</th>
                        <th scope="col">"Length"</th>
                        <th scope="col" class="text-cell">"Nearest tokens"</th>
                    </tr>
                </thead>
                <tbody>{prompt.vectors.into_iter().enumerate().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Compare, set up for what the prompt does alone and for what lies between the weights.
#[component]
fn Ask(model: Memo<Option<ModelState>>) -> impl IntoView {
    let app = expect_context::<App>();
    let question = move || {
        app.recorded.with(|recorded| {
            let (example, row) = telling(recorded.report()?)?;
            Some((example.task.clone(), row))
        })
    };
    let links = move || {
        let model = model.get()?;
        let alone = (model.prompt > 0).then(|| prompt_alone(&model.recipe, question()).hash());
        Some((title(model.recipe.as_str()), alone, between(&model.recipe, question()).hash()))
    };
    let open = move |_| app.rows_wanted.set(true);
    view! {
        <section class="panel ask-alone" aria-labelledby="alone-title">
            <h2 id="alone-title">"Ask it"</h2>
            {move || links().map(|(name, alone, between)| view! {
                <p class="muted">
                    "Both open Compare with other columns: a question is answered there, and many rows are when you start them, with
                    the share of answers in the tuned task\u{2019}s format."
                </p>
                <div class="buttons">
                    {alone.map(|alone| view! {
                        <a class="button" href=alone data-testid="prompt-alone" on:click=open>"The prompt alone"</a>
                    })}
                    <a class="button" href=between data-testid="between">
                        {format!("Between pretrained and {name}")}
                    </a>
                </div>
            })}
        </section>
    }
}

/// What the report of the model's run has: that of this tab for what was trained here, else the recorded one.
#[component]
fn Measured(model: Memo<Option<ModelState>>) -> impl IntoView {
    let app = expect_context::<App>();
    let own = Memo::new(move |_| {
        model.with(|model| model.as_ref().is_some_and(|model| model.origin == Origin::Trained))
    });
    let finished = Memo::new(move |_| app.state.with(|state| state.training.report.is_some()));
    let report = move || -> Option<Arc<Report>> {
        let finished = finished.get();
        match own.get() {
            true if finished => app.state.with_untracked(|state| state.training.report.clone().map(Arc::new)),
            true => None,
            false => app.recorded.with(|recorded| recorded.report().cloned()),
        }
    };
    view! {
        <section class="recorded" aria-labelledby="measured-title" data-point="evidence">
            <h2 id="measured-title">
                "What its run has measured" {move || (!own.get()).then(|| view! { <span class="tag">"precomputed"</span> })}
            </h2>
            {move || match report() {
                Some(report) => {
                    let method = model.with(|model| model.as_ref().map(|model| model.recipe.to_string()));
                    view! {
                        {method.map(|method| alignment(app, &report, &method))}
                        <Evidence report />
                    }
                        .into_any()
                }
                None if own.get() => {
                    view! {
                        <p class="none">
                            "The report of this tab\u{2019}s run is not in sight: finish the run, or show it, on "
                            <a href=Screen::Train.hash()>"Train"</a> "."
                        </p>
                    }
                        .into_any()
                }
                None => view! { <p class="none">"This copy of the page has no recorded results."</p> }.into_any(),
            }}
        </section>
    }
}

/// Gradient alignment over steps, or how to get it.
fn alignment(app: App, report: &Report, method: &str) -> impl IntoView + use<> {
    if let Some((title, drawing)) = alignment_chart(report, method) {
        let note = "Near 1, the task\u{2019}s gradient teaches little but the format of its answers: it is compared with the \
                    gradient of the same inputs with their labels shuffled.";
        return view! { <StillFigure name="alignment-chart" title drawing note /> }.into_any();
    }
    let mut spec = app.form.get_untracked();
    spec.eval.alignment_every = EVERY;
    let place = Place { screen: Screen::Train, spec: Some(spec), ..Place::default() };
    view! {
        <p class="none" data-testid="no-alignment">
            "How much of the gradient is about the format alone, step by step, was not measured in this run. "
            <a href=place.hash()>"Set up a run that measures it"</a>
            {format!(" every {EVERY} steps; it is yours to start.")}
        </p>
    }
    .into_any()
}

/// Steps between two measurements of the gradients, for short runs.
const EVERY: usize = 10;
