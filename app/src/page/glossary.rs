//! The field's words, explained where the pointer rests, the focus is or a finger taps.

use leptos::prelude::*;

const WORDS: [(&str, &str); 5] = [
    (
        "loss",
        "How surprised the model is by the right answer, in nats for each of its tokens: 0 is no surprise at all.",
    ),
    (
        "soft prompt",
        "Some vectors that are trained and put in front of the text, as if they were words. No word of the vocabulary \
         need be like them.",
    ),
    ("1-shot", "One solved example of the task stands before the question; 0-shot is the question alone."),
    ("format", "The form of an answer, whatever it says: True or False, a sentence of German, a name."),
    (
        "held-out",
        "Not trained on: tasks that the tuned model was not tuned on, and test rows that nobody has seen.",
    ),
];

#[component]
pub fn Glossary() -> impl IntoView {
    let word = |(at, (word, meaning)): (usize, (&'static str, &'static str))| {
        let id = format!("word-{at}");
        view! {
            <span class="word">
                <button type="button" class="term" aria-describedby=id.clone() on:keydown=leave>
                    {word}
                </button>
                <span role="tooltip" id=id>{meaning}</span>
            </span>
        }
    };
    view! {
        <p class="words" data-testid="glossary">
            "Words: " {WORDS.into_iter().enumerate().map(word).collect_view()}
        </p>
    }
}

/// Escape takes the explanation away.
fn leave(event: leptos::ev::KeyboardEvent) {
    if event.key() == "Escape" {
        let _ = event_target::<web_sys::HtmlElement>(&event).blur();
    }
}
