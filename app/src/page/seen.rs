//! How an answer was made: which model, prompt, examples and search, and the exact text that the model saw.

use leptos::prelude::*;

use super::app::App;
use crate::column::Column;
use crate::state::made::{self, Shown};
use crate::state::{Answer, columns};

#[component]
pub fn Made(column: StoredValue<Column>, answer: Memo<Option<Answer>>) -> impl IntoView {
    let app = expect_context::<App>();
    let opened = RwSignal::new(false);
    let recorded =
        Memo::new(move |_| answer.with(|answer| answer.as_ref().is_some_and(|answer| answer.recorded)));
    let lines = Memo::new(move |_| {
        let answer = answer.get().filter(|answer| answer.complete)?;
        app.state.with(|state| {
            let column = column.get_value();
            let model = made::model(
                &columns::heading(&column),
                &columns::origin(&state.models, &column, state.mix),
                app.recorded.with(|recorded| columns::training(&state.models, &column, recorded.spec())),
            );
            Some((model, made::prompt(&answer), made::shots(&state.question), made::search(&answer)))
        })
    });
    let shown = Memo::new(move |_| {
        let seen = |answer: &Answer| app.state.with(|state| made::shown(&state.question, answer));
        opened.get().then(|| answer.with(|answer| answer.as_ref().map(seen))).flatten()
    });
    view! {
        <Show when=move || lines.with(Option::is_some)>
            <details class="made" on:toggle=move |_| opened.update(|opened| *opened = !*opened)>
                <summary>"How this was made"</summary>
                {move || lines.get().map(|(model, prompt, shots, search)| view! {
                    <dl>
                        <div><dt>"Model"</dt><dd>{model}</dd></div>
                        <div><dt>"Prompt"</dt><dd>{prompt}</dd></div>
                        <div><dt>"Examples"</dt><dd>{shots}</dd></div>
                        <div><dt>"Search"</dt><dd>{search}</dd></div>
                    </dl>
                })}
                {move || shown.get().map(view_of)}
                <Show when=move || recorded.get()>
                    <p class="muted">"Computed earlier by the native program, not on this device."</p>
                </Show>
            </details>
        </Show>
    }
}

fn view_of(shown: Shown) -> impl IntoView {
    let vectors = (shown.prompt > 0).then(|| {
        view! { <span class="vectors">{format!("{} prompt vectors", shown.prompt)}</span> }
    });
    let tokens =
        shown.tokens.into_iter().map(|token| view! { <span class="token">{token}</span> }).collect_view();
    view! {
        <p class="muted">{shown.words}</p>
        <p class="exact" data-testid="exact-text">{vectors}{tokens}</p>
    }
}
