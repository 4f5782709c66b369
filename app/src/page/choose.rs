//! Which models stand side by side.

use leptos::prelude::*;

use super::answer::series;
use super::app::App;
use crate::column::Column;
use crate::state::State;
use crate::state::columns::{self, FEWEST, MOST};

#[component]
pub fn ChooseColumns() -> impl IntoView {
    let app = expect_context::<App>();
    let offered = Memo::new(move |_| app.state.with(State::choices));
    view! {
        <fieldset class="choose" data-testid="choose-columns" data-point="choose">
            <legend>{format!("Models side by side, {FEWEST} to {MOST}")}</legend>
            <For each=move || offered.get() key=Column::clone children=|column| view! { <Choice column /> } />
        </fieldset>
    }
}

#[component]
fn Choice(column: Column) -> impl IntoView {
    let app = expect_context::<App>();
    let (name, heading) = (column.to_string(), columns::heading(&column));
    let column = StoredValue::new(column);
    let chosen = Memo::new(move |_| {
        app.state.with(|state| column.with_value(|column| state.columns.contains(column)))
    });
    let fixed = move || {
        let count = app.state.with(|state| state.columns.len());
        if chosen.get() { count <= FEWEST } else { count >= MOST }
    };
    let series = move || {
        chosen.get().then(|| app.state.with(|state| column.with_value(|column| series(state, column))))
    };
    let choose = move |event: leptos::ev::Event| {
        let wanted = event_target_checked(&event);
        column.with_value(|column| app.choose(column, wanted));
    };
    view! {
        <label class="chip" data-series=series>
            <input
                type="checkbox"
                data-testid=format!("column-{name}")
                prop:checked=move || chosen.get()
                disabled=fixed
                on:change=choose
            />
            <span>{heading}</span>
        </label>
    }
}
