//! Name, one sentence, screens and device.

use leptos::prelude::*;

use super::app::App;
use super::device::DeviceBadge;
use super::large::LargeMode;
use super::model::ChooseModel;
use super::share::ShareView;
use crate::state::place::Screen as View;

#[component]
pub fn Header() -> impl IntoView {
    view! {
        <header class="top">
            <div class="bar">
                <a class="brand" href=View::Compare.hash()>
                    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
                        <rect class="mark" x="1" y="1" width="30" height="30" rx="8" />
                        <path class="stroke" d="M9 25V8h7a5.5 5.5 0 0 1 0 11H9" />
                        <circle class="dot" cx="23" cy="23.5" r="2.5" />
                    </svg>
                    "promot"
                </a>
                <p class="what">"Fine-tune in two stages, and keep what the model could already do."</p>
                <nav aria-label="Screens">
                    {View::ALL.into_iter().map(|view| view! { <Screen view /> }).collect_view()}
                </nav>
                <ChooseModel />
                <ShareView />
                <LargeMode />
            </div>
            <DeviceBadge />
        </header>
    }
}

#[component]
fn Screen(view: View) -> impl IntoView {
    let app = expect_context::<App>();
    let current = move || (app.view.get() == view).then_some("page");
    view! {
        <a href=view.hash() aria-current=current>
            {view.title()}
        </a>
    }
}
