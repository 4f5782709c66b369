//! Many rows of a task to all models in the columns: scores with their intervals, differences, and the rows themselves.

use gloo::timers::callback::Timeout;
use leptos::prelude::*;

use super::answer::series;
use super::app::App;
use super::batch_rows::BatchRows;
use super::numbers;
use super::point::point_at;
use crate::batch::{BatchDifference, BatchScore, BatchTable, MOST_ROWS, Said};
use crate::state::place::MOST_SHOTS;
use crate::state::{State, columns, fields, tasks};

/// Rows that the form begins with.
const ROWS: usize = 40;

/// How long the page may take to draw what is above the panel, in milliseconds.
const DRAWN: u32 = 200;

#[component]
pub fn BatchPanel() -> impl IntoView {
    let app = expect_context::<App>();
    let wanted = app.rows_wanted.get_untracked();
    app.rows_wanted.set(false);
    if wanted {
        Timeout::new(DRAWN, || point_at("batch")).forget();
    }
    let opened = RwSignal::new(wanted);
    view! {
        <details
            class="panel batch"
            data-testid="batch"
            data-point="batch"
            open=wanted
            on:toggle=move |_| opened.set(true)
        >
            <summary>"Many rows: score these models on a task"</summary>
            <Show when=move || opened.get()>
                <Form />
                <Scores />
                <BatchRows />
            </Show>
        </details>
    }
}

#[component]
fn Form() -> impl IntoView {
    let app = expect_context::<App>();
    let task = RwSignal::new(app.state.with_untracked(|state| match state.question.task.is_empty() {
        true => state.target().to_owned(),
        false => state.question.task.clone(),
    }));
    let (shots, rows) = (RwSignal::new(1), RwSignal::new(ROWS));
    let running = Memo::new(move |_| app.state.with(|state| state.batch.is_running()));
    let trains = Memo::new(move |_| app.state.with(|state| state.training.is_running()));
    let can = Memo::new(move |_| app.state.with(State::can_evaluate));
    let target = Memo::new(move |_| app.state.with(|state| state.target().to_owned()));
    let option = move |name: &'static str| {
        view! {
            <option value=name selected=move || task.with(|task| task == name)>
                {tasks::title(name)}
            </option>
        }
    };
    let group = move |group: tasks::Group| {
        let options = group.tasks.into_iter().map(|task| option(&task.name)).collect_view();
        view! { <optgroup label=group.label>{options}</optgroup> }
    };
    // What is used is what is shown.
    let number = move |event: &leptos::ev::Event, known: RwSignal<usize>, least: usize, most: usize| {
        let given = fields::shots(&event_target_value(event), most).filter(|given| *given >= least);
        known.set(given.unwrap_or(known.get_untracked()));
        event_target::<web_sys::HtmlInputElement>(event).set_value(&known.get_untracked().to_string());
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        app.evaluate(task.get_untracked(), shots.get_untracked(), rows.get_untracked());
    };
    view! {
        <form class="batch-form" aria-label="Many rows" on:submit=submit>
            <div class="picker">
                <label class="grow">
                    <span>"Task"</span>
                    <select data-testid="batch-task" on:change=move |event| task.set(event_target_value(&event))>
                        {move || tasks::groups(&target.get()).into_iter().map(group).collect_view()}
                    </select>
                </label>
                <label>
                    <span>"In-context examples"</span>
                    <input
                        type="number"
                        data-testid="batch-shots"
                        min="0"
                        max=MOST_SHOTS
                        prop:value=move || shots.get().to_string()
                        on:change=move |event| number(&event, shots, 0, MOST_SHOTS)
                    />
                </label>
                <label>
                    <span>{format!("Rows, at most {MOST_ROWS}")}</span>
                    <input
                        type="number"
                        data-testid="batch-rows"
                        min="1"
                        max=MOST_ROWS
                        prop:value=move || rows.get().to_string()
                        on:change=move |event| number(&event, rows, 1, MOST_ROWS)
                    />
                </label>
            </div>
            <div class="buttons">
                <button type="submit" class="primary" data-testid="batch-start" disabled=move || !can.get()>
                    "Score the models"
                </button>
                <Show when=move || running.get()>
                    <button type="button" data-testid="batch-stop" on:click=move |_| app.stop_batch()>
                        "Stop"
                    </button>
                </Show>
                <Progress />
            </div>
            <p class="muted">
                "The first rows of the test split, answered greedily on this device by the models that are chosen above. The
                soft prompt is in front on the task that it was tuned for, and off elsewhere, unless a column says otherwise."
            </p>
            <Show when=move || trains.get()>
                <p class="problem">"A run is under way: the models answer many rows when it is over."</p>
            </Show>
        </form>
    }
}

#[component]
fn Progress() -> impl IntoView {
    let app = expect_context::<App>();
    let progress = Memo::new(move |_| app.state.with(|state| state.batch.progress));
    move || {
        progress.get().map(|now| {
            let left = match now.answered {
                0 => String::new(),
                _ => format!(", about {} left", numbers::seconds(now.seconds_left)),
            };
            view! {
                <progress max=now.all value=now.answered aria-label="Answers"></progress>
                <span class="muted" data-testid="batch-progress">
                    {format!("{} of {} answers{left}", now.answered, now.all)}
                </span>
            }
        })
    }
}

#[component]
fn Scores() -> impl IntoView {
    let app = expect_context::<App>();
    let table = Memo::new(move |_| app.state.with(|state| state.batch.table.clone()));
    let outdated = Memo::new(move |_| app.state.with(|state| state.batch.is_outdated(&state.models)));
    let about = move |table: &BatchTable| {
        let score = table.scores.first().map(|first| first.score.clone()).unwrap_or_default();
        app.state.with(|state| {
            let request = state.batch.request.clone().unwrap_or_default();
            let stopped = if state.batch.stopped { ", stopped there" } else { "" };
            let (task, shots) = (tasks::title(&request.task), request.shots);
            format!("{task}, {shots}-shot, {} rows{stopped}: {}, in [0, 100].", score.n, score.metric)
        })
    };
    move || {
        table.get().map(|table| {
            let heading = about(&table);
            let signatures = table.scores.iter().map(|score| view! { <li>{score.score.signature.clone()}</li> });
            let signatures = signatures.collect_view();
            view! {
                <section class="batch-scores" aria-label="Scores" data-testid="batch-scores">
                    <h3>{heading}</h3>
                    <Show when=move || outdated.get()>
                        <p class="unlike" role="note">"Some of these models were trained anew since: score them again."</p>
                    </Show>
                    <div class="scroll" tabindex="0" role="region" aria-label="Scores of the models">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Model"</th>
                                    <th scope="col">"Score"</th>
                                    <th scope="col">"95 % interval"</th>
                                    <th scope="col">"In its target\u{2019}s format"</th>
                                </tr>
                            </thead>
                            <tbody>{table.scores.iter().map(|score| score_row(app, score)).collect_view()}</tbody>
                        </table>
                    </div>
                    <div class="scroll" tabindex="0" role="region" aria-label="Differences of the models">
                        <table data-testid="batch-differences">
                            <caption>
                                "Paired over rows: both models answered the same ones, so that what both get right or wrong does
                                not count. 95 % intervals by bootstrap."
                            </caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Difference"</th>
                                    <th scope="col">"Points"</th>
                                    <th scope="col">"95 % interval"</th>
                                    <th scope="col">"Verdict"</th>
                                </tr>
                            </thead>
                            <tbody>{table.differences.iter().map(difference_row).collect_view()}</tbody>
                        </table>
                    </div>
                    <details class="made">
                        <summary>"How these scores were made"</summary>
                        <ul class="signatures">{signatures}</ul>
                    </details>
                </section>
            }
        })
    }
}

fn score_row(app: App, score: &BatchScore) -> impl IntoView + use<> {
    let series = app.state.with_untracked(|state| series(state, &score.column));
    let rate = score.score.target_format_rate;
    view! {
        <tr data-series=series data-column=score.column.to_string()>
            <th scope="row">{columns::heading(&score.column)}</th>
            <td>{format!("{:.1}", score.score.score)}</td>
            <td>{interval(score.interval, false)}</td>
            <td>{rate.map_or_else(|| numbers::NONE.to_owned(), |rate| format!("{rate:.0} %"))}</td>
        </tr>
    }
}

fn difference_row(difference: &BatchDifference) -> impl IntoView + use<> {
    let (one, other) = (columns::heading(&difference.one), columns::heading(&difference.other));
    let said = difference.said();
    let verdict = match said {
        Said::Better => format!("{one} is better"),
        Said::Worse => format!("{other} is better"),
        Said::NotEnoughRows => "not enough rows to tell".to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{format!("{one} less {other}")}</th>
            <td>{format!("{:+.1}", difference.mean)}</td>
            <td>{interval(difference.interval, true)}</td>
            <td class:muted=said == Said::NotEnoughRows>{verdict}</td>
        </tr>
    }
}

fn interval(interval: Option<(f64, f64)>, signed: bool) -> String {
    match interval {
        None => numbers::NONE.to_owned(),
        Some((low, high)) if signed => format!("{low:+.1} to {high:+.1}"),
        Some((low, high)) => format!("{low:.1} to {high:.1}"),
    }
}
