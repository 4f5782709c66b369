//! The fixed questions of a run, answered while it trains, and a slider that goes back to any of its points.

use leptos::prelude::*;

use super::app::App;
use crate::state::methods::title;
use crate::state::tasks;
use crate::state::watched::{Mark, Shown, WatchedMethod};

#[component]
pub fn WatchedAnswers() -> impl IntoView {
    let app = expect_context::<App>();
    // Which method the user has chosen, and which of its points; otherwise the newest.
    let chosen = RwSignal::new(None::<String>);
    let place = RwSignal::new(None::<usize>);
    let names = Memo::new(move |_| {
        let names = |known: &WatchedMethod| known.method.clone();
        app.state.with(|state| state.training.watched.methods.iter().map(names).collect::<Vec<_>>())
    });
    let course = Memo::new(move |_| {
        let name = chosen.get();
        app.state.with(|state| state.training.watched.method(name.as_deref()).cloned())
    });
    let last =
        move || course.with(|course| course.as_ref().map_or(0, |course| course.points.len().max(1) - 1));
    let at = Memo::new(move |_| place.get().map_or(last(), |place| place.min(last())));
    let words = Memo::new(move |_| {
        let at = at.get();
        course.with(|course| course.as_ref()?.points.get(at).map(|point| point.words())).unwrap_or_default()
    });
    let shown = Memo::new(move |_| {
        let at = at.get();
        let target = app.state.with_untracked(|state| state.training.spec.clone());
        let target = target.map(|spec| spec.target.task).unwrap_or_default();
        course.with(|course| course.as_ref().map(|course| course.shown(at, &target))).unwrap_or_default()
    });
    let slide = move |event: leptos::ev::Event| {
        let to = event_target_value(&event).parse().unwrap_or(0);
        // At the right end it follows the run.
        place.set((to < last()).then_some(to));
    };
    let choose = move |name: String| {
        chosen.set(Some(name));
        place.set(None);
    };
    let method = move |name: String| {
        let testid = format!("watch-{name}");
        let (heading, value) = (title(&name), name.clone());
        let pressed =
            move || course.with(|course| course.as_ref().is_some_and(|course| course.method == name));
        view! {
            <button
                type="button"
                class="small"
                data-testid=testid
                aria-pressed=move || pressed().to_string()
                on:click=move |_| choose(value.clone())
            >
                {heading}
            </button>
        }
    };
    let begun = Memo::new(move |_| course.with(Option::is_some));
    view! {
        <section class="panel watch" data-testid="watch" data-point="watch" aria-labelledby="watch-title">
            <h2 id="watch-title">"Watch it change"</h2>
            <p class="muted">
                "Fixed questions, the first row of the target task and of two held-out ones, are answered along the run:
                before its first step, after 1, 2, 4, 8 and so on, and wherever the curves have a point."
            </p>
            <Show when=move || begun.get() fallback=|| view! { <p class="none">"The answers come with the run."</p> }>
                <div class="watch-head">
                    <div class="names" role="group" aria-label="Method">
                        <For each=move || names.get() key=String::clone children=method />
                    </div>
                    <label class="when">
                        <span data-testid="watch-when">{move || words.get()}</span>
                        <input
                            type="range"
                            min="0"
                            max=move || last().to_string()
                            data-testid="watch-step"
                            aria-label="Point of the training"
                            aria-valuetext=move || words.get()
                            prop:value=move || at.get().to_string()
                            on:input=slide
                        />
                    </label>
                </div>
                <div class="cards">
                    {move || {
                        let stages = course.with(|course| stage_starts(course.as_ref()));
                        let card = |shown| card(shown, at.get(), &stages);
                        shown.get().into_iter().map(card).collect_view()
                    }}
                </div>
                <details>
                    <summary>"All answers as a table"</summary>
                    {move || course.get().map(|course| table(&course))}
                </details>
            </Show>
        </section>
    }
}

/// The points that begin a stage.
fn stage_starts(course: Option<&WatchedMethod>) -> Vec<usize> {
    let Some(course) = course else { return Vec::new() };
    let stage = |at: usize| course.points[at].stage.index;
    (1..course.points.len()).filter(|at| stage(*at) != stage(at - 1)).collect()
}

fn card(shown: Shown, at: usize, stages: &[usize]) -> impl IntoView + use<> {
    let about = match (shown.prompt, shown.frozen) {
        (true, _) => Some("with the soft prompt"),
        (false, true) => Some("model frozen in this stage: without the prompt nothing changes"),
        (false, false) => None,
    };
    let cell = |(place, mark): (usize, &Mark)| {
        let (current, first) = (place == at, stages.contains(&place));
        view! { <span data-mark=mark.name() class:current=current class:first=first>{glyph(*mark)}</span> }
    };
    let strip = shown.strip.iter().enumerate().map(cell).collect_view();
    view! {
        <article class="card" data-testid=format!("watched-{}", shown.task) data-mark=shown.mark.name()>
            <h3>{tasks::heading(&shown.task)}</h3>
            {about.map(|about| view! { <p class="about">{about}</p> })}
            <p class="asked">{shown.question}</p>
            <p class="said">
                {if shown.answer.is_empty() { "(an empty answer)".to_owned() } else { shown.answer }}
            </p>
            <ul class="marks">
                {verdict(shown.mark)}
                {shown.changed.then(|| view! { <li class="mark new">"changed here"</li> })}
            </ul>
            <p class="reference">
                <small>"right: " <b>{shown.reference}</b></small>
            </p>
            <p class="strip" aria-hidden="true">{strip}</p>
        </article>
    }
}

fn verdict(mark: Mark) -> impl IntoView {
    let (class, text) = match mark {
        Mark::Right => ("mark right", "\u{2713} right"),
        Mark::Wrong => ("mark wrong", "\u{2717} wrong"),
        Mark::Drifted => ("mark drift", "in the target\u{2019}s format"),
        Mark::Partly | Mark::Unasked => ("mark shared", "partly as expected"),
    };
    view! { <li class=class>{text}</li> }
}

fn glyph(mark: Mark) -> &'static str {
    match mark {
        Mark::Right => "\u{2713}",
        Mark::Wrong => "\u{2717}",
        Mark::Drifted => "!",
        Mark::Partly => "~",
        Mark::Unasked => "\u{b7}",
    }
}

/// Every point with all its answers.
fn table(course: &WatchedMethod) -> impl IntoView + use<> {
    // The marks of a table's cells are words of their own.
    let rows: Vec<(String, Vec<Shown>)> =
        course.points.iter().enumerate().map(|(at, point)| (point.words(), course.shown(at, ""))).collect();
    let heads =
        rows.first().map(|(_, shown)| shown.iter().map(|shown| shown.task.clone()).collect::<Vec<_>>());
    let head = |task: String| view! { <th scope="col">{task}</th> };
    let cell = |shown: Shown| match shown.frozen {
        true => view! { <td class="muted">"as before the first step"</td> }.into_any(),
        false => view! { <td>{shown.answer}</td> }.into_any(),
    };
    let row = |(words, shown): (String, Vec<Shown>)| {
        view! {
            <tr>
                <th scope="row">{words}</th>
                {shown.into_iter().map(cell).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Answers at every point">
            <table class="answers-table" data-testid="watch-table">
                <thead>
                    <tr>
                        <th scope="col">"Point"</th>
                        {heads.unwrap_or_default().into_iter().map(head).collect_view()}
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
