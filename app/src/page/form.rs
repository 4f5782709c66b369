//! The settings of a run. Fields and text both show the spec and change it.

use leptos::prelude::*;
use promot_core::spec::RunSpec;

use super::address;
use super::app::App;
use crate::catalog::preset;
use crate::protocol::resolved;
use crate::state::fields::{FIELDS, Field};
use crate::state::methods::{MAIN, recipes, set_method, stage_lengths, title};
use crate::state::{share, tasks};

/// The presets that make sense in a browser, each with its title and what to expect.
const PRESETS: [(&str, &str, &str); 2] = [
    ("quick", "Quick look", "shows the effect on few rows"),
    ("tour", "Default experiment", "minutes on a GPU, far longer on a CPU"),
];

#[component]
pub fn Form() -> impl IntoView {
    let app = expect_context::<App>();
    let running = Memo::new(move |_| app.state.with(|state| state.training.is_running()));
    view! {
        <form class="panel settings" data-point="settings" aria-label="Settings" on:submit=|event| event.prevent_default()>
            <fieldset disabled=move || running.get()>
                <legend>"Settings"</legend>
                <Preset />
                <TargetTask />
                <Methods />
                <div class="numbers">
                    {FIELDS.iter().map(|field| view! { <Number field /> }).collect_view()}
                </div>
                <AllSettings />
            </fieldset>
            <Show when=move || running.get()>
                <p class="muted">"Settings cannot be changed during a run."</p>
            </Show>
        </form>
    }
}

#[component]
fn Preset() -> impl IntoView {
    let app = expect_context::<App>();
    let chosen = Memo::new(move |_| {
        app.form.with(|form| {
            PRESETS.iter().position(|(name, ..)| preset(name, app.model).is_some_and(|spec| spec == *form))
        })
    });
    let set = move |event: leptos::ev::Event| {
        if let Some(spec) = preset(&event_target_value(&event), app.model) {
            app.set_form(spec);
        }
    };
    let option = move |(at, (name, title, expect)): (usize, (&'static str, &'static str, &'static str))| {
        let steps = preset(name, app.model).map(|spec| stage_lengths(&spec)).unwrap_or_default();
        view! {
            <option value=name selected=move || chosen.get() == Some(at)>
                {format!("{title}: {steps}; {expect}")}
            </option>
        }
    };
    view! {
        <label>
            <span>"Start from"</span>
            <select data-testid="train-preset" on:change=set>
                {PRESETS.into_iter().enumerate().map(option).collect_view()}
                <option value="" disabled selected=move || chosen.get().is_none()>
                    "Your own settings"
                </option>
            </select>
        </label>
    }
}

#[component]
fn TargetTask() -> impl IntoView {
    let app = expect_context::<App>();
    let task = Memo::new(move |_| app.form.with(|form| form.target.task.clone()));
    let set = move |event: leptos::ev::Event| {
        let task = event_target_value(&event);
        app.change_form(|form| {
            // The target task is not held out.
            form.eval.tasks.retain(|held_out| *held_out != task);
            form.target.task = task;
        });
    };
    let option = move |name: &'static str| {
        view! {
            <option value=name selected=move || task.with(|task| task == name)>
                {tasks::title(name)}
            </option>
        }
    };
    view! {
        <label>
            <span>"Target task"</span>
            <select data-testid="train-task" on:change=set>
                {tasks::trainable().map(|task| option(&task.name)).collect_view()}
            </select>
        </label>
    }
}

#[component]
fn Methods() -> impl IntoView {
    let app = expect_context::<App>();
    // A spec in the address may ask for one of the other methods: then they are in sight.
    let asked = app.form.with_untracked(|form| {
        recipes().skip(MAIN).any(|(known, _)| form.methods.iter().any(|entry| entry.name() == known))
    });
    let method = move |(name, summary): (&'static str, &'static str)| {
        let there =
            Memo::new(move |_| app.form.with(|form| form.methods.iter().any(|known| known.name() == name)));
        let set = move |event: leptos::ev::Event| {
            let wanted = event_target_checked(&event);
            app.change_form(|form| set_method(form, name, wanted));
        };
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    data-testid=format!("train-method-{name}")
                    prop:checked=move || there.get()
                    on:change=set
                />
                <span>{title(name)} <small>{summary}</small></span>
            </label>
        }
    };
    view! {
        <fieldset class="methods">
            <legend>"Methods"</legend>
            {recipes().take(MAIN).map(method).collect_view()}
            <details prop:open=asked>
                <summary>"More methods"</summary>
                {recipes().skip(MAIN).map(method).collect_view()}
            </details>
        </fieldset>
    }
}

#[component]
fn Number(field: &'static Field) -> impl IntoView {
    let app = expect_context::<App>();
    let draft = move || app.drafts.with(|drafts| drafts.get(field.testid).cloned());
    let shown = Memo::new(move |_| draft().unwrap_or_else(|| app.form.with(field.get).to_string()));
    let problem =
        Memo::new(move |_| app.form.with(|form| app.drafts.with(|drafts| field.problem_in(form, drafts))));
    let set = move |event: leptos::ev::Event| {
        let text = event_target_value(&event);
        match field.read(&text) {
            Ok(value) => {
                app.drafts.update(|drafts| {
                    drafts.remove(field.testid);
                });
                app.change_form(|form| (field.set)(form, value));
                // "05" is 5.
                event_target::<web_sys::HtmlInputElement>(&event).set_value(&value.to_string());
            }
            Err(_) => app.drafts.update(|drafts| {
                drafts.insert(field.testid, text);
            }),
        }
    };
    let problem_id = format!("problem-{}", field.testid);
    view! {
        <div>
            <label>
                <span>{field.label}</span>
                <input
                    type="number"
                    inputmode="decimal"
                    data-testid=field.testid
                    min=field.range.0
                    max=field.range.1
                    step=if field.whole { "1" } else { "any" }
                    prop:value=move || shown.get()
                    aria-invalid=move || problem.with(Option::is_some).then_some("true")
                    aria-describedby=problem_id.clone()
                    on:change=set
                />
                <small>{field.hint}</small>
            </label>
            <p class="problem" id=problem_id>
                {move || problem.get()}
            </p>
        </div>
    }
}

/// The whole spec as text, for settings without a field.
#[component]
fn AllSettings() -> impl IntoView {
    let app = expect_context::<App>();
    let problem = app.text_problem;
    let text = Memo::new(move |_| app.form.with(RunSpec::to_toml).unwrap_or_default());
    let set = move |event: leptos::ev::Event| match RunSpec::from_toml(
        &event_target_value(&event),
        "the text above",
    )
    .and_then(|spec| resolved(&spec, app.model).map(|_| spec))
    {
        Ok(spec) => app.set_form(spec),
        Err(error) => problem.set(Some(error.to_string())),
    };
    let shared =
        |made: fn(&RunSpec) -> Option<String>| Memo::new(move |_| app.form.with(made).unwrap_or_default());
    let link = shared(|spec| share::query(spec).ok());
    let command = shared(|spec| share::command(spec).ok());
    let link = move || link.with(|query| format!("{}{query}", address::base()));
    // Where a click selects all, a copy is two keys away in every browser, also without a secure context.
    let all = |event: leptos::ev::MouseEvent| {
        event_target::<web_sys::HtmlTextAreaElement>(&event).select();
    };
    view! {
        <details>
            <summary>"All settings"</summary>
            <textarea
                class="spec"
                rows="18"
                spellcheck="false"
                aria-label="All settings as TOML"
                aria-describedby="spec-problem"
                aria-invalid=move || problem.with(Option::is_some).then_some("true")
                data-testid="train-spec"
                prop:value=move || text.get()
                on:change=set
            ></textarea>
            <p id="spec-problem" class="problem" role="status">
                {move || problem.get()}
            </p>
            <label class="share">
                <span>"A link to these settings"</span>
                <textarea readonly rows="2" data-testid="train-link" prop:value=link on:click=all></textarea>
            </label>
            <label class="share">
                <span>"The same run in a terminal"</span>
                <textarea
                    readonly
                    rows="4"
                    spellcheck="false"
                    class="spec"
                    data-testid="train-command"
                    prop:value=move || command.get()
                    on:click=all
                ></textarea>
            </label>
        </details>
    }
}
