//! Start, pause, step, stop; and the state of the run.

use leptos::prelude::*;

use super::app::App;
use super::numbers;
use super::saved::Confirm;
use crate::protocol::{Command, Status, Tick};
use crate::state::State;

#[component]
pub fn Controls() -> impl IntoView {
    let app = expect_context::<App>();
    let status = Memo::new(move |_| app.state.with(|state| state.training.status.clone()));
    let loaded = Memo::new(move |_| app.state.with(|state| !state.models.is_empty()));
    let running = Memo::new(move |_| app.state.with(|state| state.training.is_running()));
    let dead = Memo::new(move |_| app.state.with(State::is_dead));
    let offered = Memo::new(move |_| app.state.with(|state| state.offered().cloned()));
    // Whether the user has been asked what is to become of the saved run.
    let asked = RwSignal::new(false);
    let paused = move || status.get() == Status::Paused && !dead.get();
    let stopped = move || offered.with(|run| run.as_ref().is_some_and(|run| !run.finished)) && loaded.get();
    // Whether the user has been asked whether to keep the finished one.
    let loses = RwSignal::new(false);
    let start = move || {
        let would_lose = app.state.with_untracked(State::would_lose);
        match offered.with_untracked(Option::is_some) {
            true => asked.set(true),
            false if would_lose => loses.set(true),
            false => app.train(),
        }
    };
    let resume = move || match paused() {
        true => app.send(&Command::Resume),
        false => app.resume(),
    };
    // While everything is loaded there is nothing to pause or stop yet.
    let moving = move || running.get() && !paused() && status.get() != Status::Loading && !dead.get();
    let send = move |command: Command| move || app.send(&command);
    view! {
        <section class="panel controls" aria-label="The run">
            <div class="status">
                <span class="dot" data-status=move || status.get().label()></span>
                <strong data-testid="train-status" role="status">
                    {move || status.get().label()}
                </strong>
                <Progress />
            </div>
            <div class="buttons">
                <Action
                    testid="train-start"
                    label="Start"
                    primary=true
                    active=Signal::derive(move || loaded.get() && !running.get() && !dead.get())
                    act=start
                />
                <Action testid="train-pause" label="Pause" active=Signal::derive(moving) act=send(Command::Pause) />
                <Action testid="train-resume" label="Resume" active=Signal::derive(move || paused() || stopped()) act=resume />
                <Action testid="train-step" label="One step" active=Signal::derive(paused) act=send(Command::Step) />
                <Action
                    testid="train-stop"
                    label="Stop"
                    active=Signal::derive(move || moving() || paused())
                    act=send(Command::Stop)
                />
            </div>
            <Show when=move || loses.get()>
                <KeepFirst asked=loses />
            </Show>
            <Show when=move || asked.get() && offered.with(Option::is_some)>
                <Confirm
                    question="A new run takes the place of the saved one, which is deleted."
                    yes="Delete it and start"
                    act=move || {
                        asked.set(false);
                        app.train();
                    }
                    cancel=move || asked.set(false)
                />
            </Show>
        </section>
    }
}

/// A finished run that is not kept, before another one takes its place.
#[component]
fn KeepFirst(asked: RwSignal<bool>) -> impl IntoView {
    let app = expect_context::<App>();
    let start = move |kept: bool| {
        asked.set(false);
        if kept {
            let name = app.state.with_untracked(|state| state.training.usual_name());
            app.send(&Command::Keep { name });
        }
        app.train();
    };
    view! {
        <div class="confirm" role="alert">
            <p>
                "The finished run in sight has not been kept on this visit, and a new one takes its place. Its scores, curves and
                answers can be kept under \u{201c}Your runs\u{201d}; its weights go in either case, unless you download them."
            </p>
            <div class="buttons">
                <button type="button" class="primary" data-testid="keep-and-start" on:click=move |_| start(true)>
                    "Keep it and start"
                </button>
                <button type="button" data-testid="start-anyway" on:click=move |_| start(false)>
                    "Start without keeping it"
                </button>
                <button type="button" data-testid="start-not" on:click=move |_| asked.set(false)>
                    "Not now"
                </button>
            </div>
        </div>
    }
}

/// A button that keeps the keyboard's focus while it cannot be used: a disabled one would lose it, and whoever pauses
/// with the keyboard would have to start from the top of the page.
#[component]
fn Action(
    testid: &'static str,
    label: &'static str,
    #[prop(optional)] primary: bool,
    active: Signal<bool>,
    act: impl Fn() + 'static,
) -> impl IntoView {
    let click = move |_| {
        if active.get_untracked() {
            act();
        }
    };
    view! {
        <button
            type="button"
            class:primary=primary
            data-testid=testid
            aria-disabled=move || (!active.get()).then_some("true")
            on:click=click
        >
            {label}
        </button>
    }
}

/// Progress bar, speed, memory and time left, as of the last step that was reported.
#[component]
fn Progress() -> impl IntoView {
    let app = expect_context::<App>();
    let tick = Memo::new(move |_| app.state.with(|state| state.training.tick.clone()));
    let running = Memo::new(move |_| app.state.with(|state| state.training.is_running()));
    let facts = move |tick: &Tick| {
        let mut facts = vec![
            ("Method", tick.method.clone()),
            ("Loss", format!("{:.3} nats", tick.loss)),
            ("Speed", format!("{:.0} tokens/s", tick.tokens_per_second)),
            ("Memory", numbers::megabytes(tick.memory_bytes)),
        ];
        let left = tick.seconds_left.filter(|_| running.get());
        facts.extend(left.map(|left| ("Time left", numbers::seconds(left))));
        facts
    };
    let fact = |(name, value): (&'static str, String)| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    let evaluating = Memo::new(move |_| app.state.with(|state| state.training.evaluating.clone()));
    let answered = move || {
        evaluating.get().map(|now| {
            let text = format!("{}: evaluating {}, {} of {} rows", now.method, now.task, now.done, now.rows);
            view! { <span class="where">{text}</span> }
        })
    };
    let trained = move || {
        tick.get().map(|tick| {
            let label = format!("{}, step {} of {}", tick.stage, tick.step, tick.steps);
            view! {
                <span class="where" data-testid="train-progress">{label.clone()}</span>
                <progress max=tick.steps value=tick.step aria-label=label></progress>
                <dl class="facts">{facts(&tick).into_iter().map(fact).collect_view()}</dl>
            }
        })
    };
    view! {
        {answered}
        {trained}
    }
}
