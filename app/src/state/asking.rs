//! Tests: what stands under a model's name is that model's answer to the text in the editor.

use std::collections::BTreeMap;

use promot_core::report::ExampleAnswers;

use super::*;
use crate::protocol::{Origin, Tick};

fn column(name: &str) -> Column {
    Column::of(name)
}

fn model(name: &str, origin: Origin, version: u64) -> ModelState {
    let target = if name == "pretrained" { "" } else { "rte-mini" };
    let (recipe, target, prompt) =
        (RecipeName::new(name), target.to_owned(), 20 * usize::from(name == "promot"));
    ModelState { recipe, origin, target, prompt, version, budget: None }
}

/// The three models; the tuned ones of this origin.
fn three(origin: Origin, version: u64) -> Event {
    let tuned = ["fine-tuning", "promot"].map(|name| model(name, origin, version));
    let models = std::iter::once(model("pretrained", Origin::Shipped, 1)).chain(tuned).collect();
    Event::Models { models }
}

fn recorded() -> ExampleAnswers {
    let outputs = ["pretrained", "fine-tuning", "promot"].map(|name| (name.to_owned(), "True".to_owned()));
    let outputs = BTreeMap::from(outputs);
    ExampleAnswers {
        task: "triviaqa-mini".into(),
        input: "Q: Who? A:".into(),
        reference: "Anna".into(),
        outputs,
    }
}

fn show_recorded(state: &mut State) {
    let mut spec = RunSpec::default();
    spec.target.task = "rte-mini".into();
    let example = recorded();
    state.show_recorded(Question::recorded(1, &example, 0, 1), &example, &spec);
}

fn example(id: u64, input: &str) -> Event {
    let (task, references) = ("wmt_ende-mini".to_owned(), vec!["Der Hund.".to_owned()]);
    Event::Example { id, task, row: 0, rows: 9, input: input.into(), references }
}

fn answer(id: u64, name: &str, text: &str) -> Event {
    Event::Answer { id, column: column(name), text: text.into(), ids: vec![1], seconds: 0.1 }
}

fn with(events: impl IntoIterator<Item = Event>) -> State {
    let mut state = State::default();
    events.into_iter().for_each(|event| state.apply(event));
    state
}

#[test]
fn recordings_stand_under_the_shipped_models_alone() {
    assert!(State::default().recordings_hold(), "before the models are there, the shipped ones are to come");
    assert!(with([three(Origin::Shipped, 1)]).recordings_hold());
    assert!(!with([three(Origin::Trained, 1)]).recordings_hold());
    let one = vec![model("pretrained", Origin::Shipped, 1), model("fine-tuning", Origin::Trained, 1)];
    assert!(!with([Event::Models { models: one }]).recordings_hold());
}

#[test]
fn models_of_an_earlier_visit_take_the_recorded_answers_away_and_are_asked() {
    let mut state = State::default();
    show_recorded(&mut state);
    state.apply(three(Origin::Shipped, 1));
    assert!(state.answers.len() == 3 && state.due.is_empty());
    state.prompt = true;
    state.apply(three(Origin::Trained, 1));
    assert!(state.answers.is_empty() && !state.prompt, "triviaqa-mini is not what their prompt is for");
    assert_eq!(state.due, ["pretrained", "fine-tuning", "promot"].map(column));
}

#[test]
fn new_weights_take_the_old_ones_answers_away() {
    let mut state = with([three(Origin::Trained, 1)]);
    state.write("Q: Mine? A:".into());
    state.ask(7, &state.askable());
    for name in ["pretrained", "fine-tuning", "promot"] {
        state.apply(answer(7, name, "x"));
    }
    state.apply(Event::AskDone { id: 7 });
    state.apply(three(Origin::Trained, 1));
    assert_eq!(state.answers.len(), 3, "the same weights");
    state.apply(three(Origin::Trained, 2));
    assert_eq!(state.answers.keys().cloned().collect::<Vec<_>>(), [column("pretrained")]);
    assert_eq!(state.due, ["fine-tuning", "promot"].map(column));
    state.ask(8, &["fine-tuning", "promot"].map(column));
    assert!(state.due.is_empty() && state.answers.len() == 1);
}

#[test]
fn an_edited_question_has_no_answers_and_takes_no_late_ones() {
    let mut state = with([three(Origin::Shipped, 1)]);
    show_recorded(&mut state);
    state.write("Q: Who? A:".into());
    assert_eq!(state.answers.len(), 3, "nothing was changed");
    state.write("Q: Who else? A:".into());
    assert!(state.answers.is_empty());
    state.ask(7, &state.askable());
    state.apply(answer(7, "promot", "Anna"));
    state.write("Q: Where? A:".into());
    assert!(state.answers.is_empty() && state.asking.is_none());
    state.apply(answer(7, "fine-tuning", "Anna"));
    assert!(state.answers.is_empty(), "an answer to the text before");
}

#[test]
fn another_task_takes_text_reference_and_answers_with_it() {
    let mut state = with([three(Origin::Shipped, 1)]);
    show_recorded(&mut state);
    state.wants_example(Question::awaited(2, "wmt_ende-mini", 0, 1));
    assert_eq!((state.question.task.as_str(), state.question.text.as_str()), ("wmt_ende-mini", ""));
    assert!(
        state.question.known_references().is_empty() && state.answers.is_empty() && state.question.awaited
    );
    state.apply(example(2, "Translate: the dog"));
    assert_eq!(state.question.known_references(), ["Der Hund."]);
    assert_eq!(state.due, state.askable(), "asked as soon as its text is there");
}

#[test]
fn the_prompt_follows_the_task_until_the_user_chooses() {
    let mut state = State::default();
    assert!(state.turn_to("rte-mini", "rte-mini") && state.prompt, "before the models are there");
    state.apply(three(Origin::Shipped, 1));
    state.question.task = "rte-mini".into();
    assert!(state.turn_to("triviaqa-mini", "") && !state.prompt);
    show_recorded(&mut state);
    // The first click on the switch, on recorded answers: all are asked, since recorded ones are not of this state.
    assert_eq!(state.switch_prompt(true), state.askable());
    assert!(
        !state.turn_to("triviaqa-mini", ""),
        "the next example of the task: the choice stays, recordings do not hold"
    );
    assert!(state.prompt);
    state.apply(answer(0, "promot", "x"));
    state.ask(9, &state.askable());
    state.apply(answer(9, "promot", "False"));
    assert_eq!(
        state.switch_prompt(true),
        state.askable(),
        "answers that are on their way are asked for again"
    );
    state.apply(Event::AskDone { id: 9 });
    assert_eq!(state.switch_prompt(false), [column("promot")], "live answers of the others stay");
    assert!(state.turn_to("rte-mini", "") && state.prompt, "another task: as the method does");
}

#[test]
fn a_column_that_is_added_is_asked_where_the_others_have_answers() {
    let mut state = with([three(Origin::Shipped, 1)]);
    let alone = Column::new("promot", Part::PromptAlone);
    state.write("Q: Mine? A:".into());
    assert!(state.choose(&alone, true).is_empty(), "nobody has asked yet");
    state.ask(7, &state.askable());
    assert_eq!(state.askable().len(), 4);
    for column in state.askable() {
        let (text, ids, seconds) = ("x".to_owned(), vec![1], 0.1);
        state.apply(Event::Answer { id: 7, column, text, ids, seconds });
    }
    state.apply(Event::AskDone { id: 7 });
    assert_eq!((state.answers[&alone].prompt, state.answers[&column("promot")].prompt), (20, 0));
    let mixed = Column::new("fine-tuning", Part::Mixed);
    assert_eq!(state.choose(&mixed, true), std::slice::from_ref(&mixed));
    assert_eq!(state.set_mix(1.5), [mixed], "the others do not depend on it");
    assert_eq!(state.mix, 1.0);
    assert!(state.choose(&alone, false).len() == 1 && !state.answers.contains_key(&alone));
}

#[test]
fn probabilities_are_asked_for_once_of_answers_that_this_device_gave() {
    let mut state = with([three(Origin::Shipped, 1)]);
    show_recorded(&mut state);
    assert_eq!(state.weigh(3, &column("promot")), None, "its model has not answered here");
    state.write("Q: Mine? A:".into());
    assert_eq!(state.weigh(3, &column("promot")), None, "no answer");
    state.ask(7, &state.askable());
    state.apply(answer(7, "promot", "Anna"));
    assert_eq!(state.weigh(8, &column("promot")), Some(vec![1]));
    assert_eq!(state.weigh(9, &column("promot")), None, "on their way");
    let places = vec![crate::protocol::TokenPlace::default()];
    state.apply(Event::Weighed { id: 8, column: column("promot"), places });
    assert_eq!(state.answers[&column("promot")].weights.places().len(), 1);
    state.apply(answer(7, "promot", "Bob"));
    assert_eq!(state.weigh(10, &column("promot")), Some(vec![1]), "another answer, other probabilities");
}

#[test]
fn a_column_without_a_recording_has_all_of_them_asked() {
    let mut state = State::default();
    state.choose(&Column::new("promot", Part::PromptAlone), true);
    show_recorded(&mut state);
    assert_eq!(state.answers.len(), 3, "before the models are there");
    state.apply(three(Origin::Shipped, 1));
    assert_eq!(state.due, state.askable());
    show_recorded(&mut state);
    assert!(state.answers.is_empty() && state.due.len() == 4);
    state.choose(&Column::new("promot", Part::PromptAlone), false);
    state.choose(&Column::new("promot", Part::WithoutPrompt), true);
    show_recorded(&mut state);
    assert_eq!(state.answers.len(), 4, "off on another task, as it was recorded");
}

#[test]
fn a_dead_worker_is_asked_nothing_until_it_is_restarted() {
    let mut state = with([three(Origin::Shipped, 1)]);
    state.write("Q: Who? A:".into());
    assert!(state.can_ask());
    state.apply(Event::Failed(Failure::other("first").fatal()));
    state.apply(Event::Failed(Failure::other("second")));
    assert!(state.is_dead() && !state.can_ask());
    assert_eq!(state.failure.as_ref().unwrap().message, "first", "the reason stays");
    state.restarted();
    state.apply(three(Origin::Shipped, 1));
    assert!(state.can_ask() && state.due.is_empty(), "what may have killed it is not asked by itself");
}

#[test]
fn a_refused_question_says_why_until_it_is_changed() {
    let mut state = with([three(Origin::Shipped, 1)]);
    state.write("long".into());
    state.ask(7, &state.askable());
    state.apply(Event::Refused { id: 7, reason: "too long".into() });
    assert_eq!((state.asking, state.question.refused.as_deref()), (None, Some("too long")));
    state.write("short".into());
    assert_eq!(state.question.refused, None);
}

#[test]
fn a_device_that_is_being_opened_or_owes_every_answer_is_waited_for() {
    let device = |webgpu| Event::Device { info: DeviceInfo::default(), webgpu, advice: None };
    let loading = |done| Event::Loading { what: "device".into(), done };
    assert!(!State::default().waits_for_gpu(), "the worker's code is still on its way");
    assert!(with([loading(0.0)]).waits_for_gpu());
    assert!(!with([loading(0.0), device(true), loading(0.2)]).waits_for_gpu());
    for webgpu in [true, false] {
        let mut state = with([device(webgpu), three(Origin::Shipped, 1)]);
        state.ask(7, &state.askable());
        assert_eq!(state.waits_for_gpu(), webgpu);
        state.apply(answer(7, "pretrained", "x"));
        assert!(!state.waits_for_gpu(), "it answers, if slowly");
    }
}

#[test]
fn a_saved_run_is_offered_until_it_is_shown_or_discarded() {
    let run = |finished| SavedRun {
        spec: Box::default(),
        method: "promot".into(),
        stage: Default::default(),
        step: 3,
        steps: 9,
        finished,
    };
    let mut state = with([Event::Saved { run: Some(run(false)) }]);
    assert!(state.offered().is_some());
    state.apply(Event::Status { status: Status::Stage(1) });
    assert!(state.offered().is_none(), "while it runs");
    state.apply(Event::Status { status: Status::Idle });
    assert!(state.offered().is_some(), "stopped");
    state.apply(Event::Saved { run: Some(run(true)) });
    state.training.tick = Some(Tick::default());
    assert!(state.offered().is_none(), "its results are in sight");
    state.discarded();
    assert!(!state.training.has_results());
}
