use std::collections::BTreeMap;

use promot_core::report::{MethodRun, ModelInfo, Report, StageId, StepRecord, TaskScore};
use promot_core::spec::RunSpec;

use super::curves::{MOST_POINTS, Thinned, value_at};
use super::marks::{Piece, Verdict};
use super::*;
use crate::catalog::presets;
use crate::protocol::{DeviceWish, KeptRun, Origin, Tick};

fn column(name: &str) -> Column {
    Column::of(name)
}

fn models() -> Event {
    let model = |name: &str, origin, target: &str| ModelState {
        recipe: RecipeName::new(name),
        origin,
        target: target.into(),
        prompt: if name == "promot" { 20 } else { 0 },
        version: 1,
        budget: None,
    };
    Event::Models {
        models: vec![
            model("pretrained", Origin::Shipped, ""),
            model("promot", Origin::Trained, "wic-mini"),
            model("joint", Origin::Trained, "wic-mini"),
        ],
    }
}

fn example(id: u64, input: &str) -> Event {
    Event::Example {
        id,
        task: "triviaqa-mini".into(),
        row: 3,
        rows: 400,
        input: input.into(),
        references: vec!["Anna".into()],
    }
}

#[test]
fn a_finished_run_would_be_lost_until_it_is_kept() {
    let report = |seconds: f64| Report {
        version: 1,
        spec: RunSpec::default(),
        device: Default::default(),
        model: ModelInfo::default(),
        runs: vec![MethodRun { seconds: [("stage 1".into(), seconds)].into(), ..MethodRun::default() }],
        examples: Vec::new(),
        frontier: Vec::new(),
        signs: Vec::new(),
    };
    let run = |id, took| KeptRun { id, took, task: RunSpec::default().target.task, ..Default::default() };
    let mut state = State::default();
    state.apply(Event::Kept { runs: vec![run(0, 7000)] });
    state.start(RunSpec::default());
    assert!(!state.would_lose(), "under way");
    state.apply(Event::Finished { report: Box::new(report(2.5)) });
    state.apply(Event::Status { status: Status::Done });
    assert!(state.would_lose());
    state.apply(Event::Kept { runs: vec![run(0, 7000)] });
    assert!(state.would_lose(), "a run of before was renamed");
    state.apply(Event::Kept { runs: vec![run(0, 7000), run(1, 2500)] });
    assert!(!state.would_lose());
    state.apply(Event::Kept { runs: vec![run(0, 7000)] });
    assert!(state.would_lose(), "it was deleted");
    // On a later visit the run is read from storage, and the list of those that were kept, in whatever order.
    state.apply(Event::Finished { report: Box::new(report(7.0)) });
    assert!(!state.would_lose());
}

fn partial(id: u64, text: &str) -> Event {
    Event::Partial { id, column: column("promot"), text: text.into() }
}

fn answer(id: u64, text: &str) -> Event {
    Event::Answer { id, column: column("promot"), text: text.into(), ids: vec![5, 1], seconds: 0.5 }
}

fn tick(method: &str, stage: &str, step: usize) -> Event {
    let tick = Tick {
        method: method.into(),
        stage: stage.parse().unwrap(),
        step,
        steps: 20,
        loss: 1.0 / step as f64,
        ..Tick::default()
    };
    Event::Tick { tick }
}

fn run(method: &str, unseen: f64) -> MethodRun {
    let score = |task: &str, shots, score| TaskScore {
        truncated: 0,
        task: task.into(),
        shots,
        prompt: false,
        metric: "accuracy".into(),
        score,
        n: 10,
        target_format_rate: Some(40.0),
        surface: None,
        rows: None,
        warnings: Vec::new(),
        signature: String::new(),
    };
    let record = |stage: &str, step| StepRecord {
        stage: stage.parse().unwrap(),
        step,
        loss: Some(0.5),
        validation: (step == 2).then_some(60.0),
        ..StepRecord::default()
    };
    MethodRun {
        method: method.into(),
        target: score("rte-mini", 0, 90.0),
        unseen: vec![score("cb-mini", 1, unseen), score("wic-mini", 1, unseen + 10.0)],
        steps: vec![record("stage 1", 1), record("stage 1", 2), record("stage 2", 1)],
        ..MethodRun::default()
    }
}

fn report() -> Report {
    let spec = presets().by_name("quick").unwrap();
    let (device, model) = (DeviceInfo::default(), ModelInfo::default());
    Report {
        version: 1,
        spec,
        device,
        model,
        runs: vec![run("promot", 20.0)],
        examples: Vec::new(),
        frontier: Vec::new(),
        signs: Vec::new(),
    }
}

fn state(events: impl IntoIterator<Item = Event>) -> State {
    let mut state = State::default();
    events.into_iter().for_each(|event| state.apply(event));
    state
}

#[test]
fn models_that_are_there_can_be_asked_and_one_trained_here_gets_a_column() {
    let state = state([models()]);
    assert_eq!(state.askable(), ["pretrained", "promot", "joint"].map(column));
    assert_eq!(state.columns, ["pretrained", "fine-tuning", "promot", "joint"].map(column));
    assert_eq!(State::default().columns, ["pretrained", "fine-tuning", "promot"].map(column));
    assert_eq!(state.target(), "wic-mini");
    assert_eq!(State::default().target(), "rte-mini");
}

#[test]
fn loading_ends_with_its_last_share_or_with_the_models() {
    let loading = |done| Event::Loading { what: "model".into(), done };
    assert_eq!(state([loading(0.5)]).loading, Some(("model".to_owned(), 0.5)));
    assert_eq!(state([loading(0.5), loading(1.0)]).loading, None);
    assert_eq!(state([loading(0.5), models()]).loading, None);
}

#[test]
fn an_answer_streams_in_and_ends() {
    let mut state = state([models()]);
    state.ask(7, &[column("promot")]);
    state.apply(partial(7, "An"));
    assert_eq!(state.answers[&column("promot")].text, "An");
    assert!(!state.answers[&column("promot")].complete);
    state.apply(answer(7, "Anna"));
    state.apply(Event::AskDone { id: 7 });
    assert!(state.answers[&column("promot")].complete && state.asking.is_none());
}

#[test]
fn answers_to_an_earlier_question_are_not_taken() {
    let mut state = state([models()]);
    state.ask(7, &[column("promot")]);
    state.ask(8, &[column("promot")]);
    for event in [partial(7, "old"), answer(7, "old"), Event::AskDone { id: 7 }] {
        state.apply(event);
    }
    assert!(state.answers.is_empty());
    assert_eq!(state.asking, Some(8));
}

#[test]
fn an_example_comes_only_if_it_is_the_one_asked_for_last() {
    let mut state = State::default();
    state.wants_example(Question::awaited(1, "cb-mini", 0, 1));
    state.wants_example(Question::awaited(2, "triviaqa-mini", 3, 1));
    state.apply(example(1, "late"));
    assert_eq!(state.question.text, "");
    state.apply(example(2, "Q: Who? A:"));
    assert_eq!(state.question.known_references(), ["Anna"]);
    state.write("Q: Who else? A:".to_owned());
    assert!(state.question.known_references().is_empty(), "a question of one's own has no reference");
}

#[test]
fn an_example_that_comes_late_does_not_wipe_out_what_was_written() {
    let mut state = State::default();
    state.wants_example(Question::awaited(1, "triviaqa-mini", 0, 1));
    state.write("Q: Mine? A:".to_owned());
    state.apply(example(1, "late"));
    assert_eq!(state.question.text, "Q: Mine? A:");
    assert!(state.question.known_references().is_empty() && !state.question.awaited);
}

#[test]
fn recorded_answers_are_shown_as_such_until_someone_asks() {
    let recorded = ExampleAnswers {
        task: "cb-mini".into(),
        input: "q".into(),
        reference: "True".into(),
        outputs: BTreeMap::from([("pretrained".into(), "True".into()), ("promot".into(), "False".into())]),
    };
    let mut state = State::default();
    state.show_recorded(Question::recorded(1, &recorded, 0, 1), &recorded, &RunSpec::default());
    assert_eq!(state.answers.len(), 2, "a method that was not recorded has no answer");
    assert!(state.answers[&column("promot")].recorded);
    state.ask(2, &[column("pretrained")]);
    assert!(state.answers.is_empty(), "recorded answers do not stand beside live ones");
}

#[test]
fn a_failure_ends_what_waited_and_a_fatal_one_ends_the_run() {
    let failed = |fatal| Event::Failed(Failure { fatal, ..Failure::other("m") });
    let mut running = state([Event::Status { status: Status::Stage(1) }]);
    running.ask(1, &[column("pretrained")]);
    running.apply(failed(false));
    assert_eq!((running.asking, &running.training.status), (None, &Status::Stage(1)));
    running.apply(failed(true));
    assert_eq!(running.training.status, Status::Failed);
    running.restarted();
    assert!(running.failure.is_none() && running.models.is_empty());
}

fn twenty_steps() -> RunSpec {
    let mut spec = presets().by_name("quick").unwrap();
    spec.set("stage.prompt-tuning.steps", "20").unwrap();
    spec
}

#[test]
fn stage_two_goes_on_where_stage_one_ended() {
    let mut state = State::default();
    state.start(twenty_steps());
    assert_eq!(state.training.status, Status::Loading);
    state.apply(tick("promot", "stage 1", 20));
    state.apply(tick("promot", "stage 2", 1));
    let points = &state.training.curves.methods[0].loss.points;
    assert_eq!(points.iter().map(|point| point.0).collect::<Vec<_>>(), [20.0, 21.0]);
    assert_eq!(state.training.tick.as_ref().unwrap().step, 1);
}

#[test]
fn a_done_method_brings_its_whole_curve_and_comes_once() {
    let mut state = State::default();
    state.start(twenty_steps());
    state.apply(tick("promot", "stage 2", 7));
    for _ in 0..2 {
        state.apply(Event::RunDone { run: Box::new(run("promot", 20.0)) });
    }
    assert_eq!(state.training.runs.len(), 1);
    let curves = &state.training.curves.methods[0];
    assert_eq!(curves.loss.points, [(1.0, 0.5), (2.0, 0.5), (21.0, 0.5)]);
    assert_eq!(curves.validation, [(2.0, 60.0)]);
}

#[test]
fn the_parts_of_a_step_are_put_together() {
    let mut state = State::default();
    state.start(presets().by_name("quick").unwrap());
    let mut curve = |unseen: Option<(&str, f64)>, validation| {
        let unseen = unseen.into_iter().map(|(task, score)| (task.to_owned(), score)).collect();
        let record =
            StepRecord { stage: StageId::default(), step: 10, unseen, validation, ..StepRecord::default() };
        state.apply(Event::Curve { method: "promot".into(), record });
    };
    curve(Some(("a", 10.0)), None);
    curve(Some(("b", 20.0)), None);
    curve(None, Some(50.0));
    curve(Some(("a", 30.0)), None);
    let curves = &state.training.curves.methods[0];
    assert_eq!(curves.unseen, [(10.0, 25.0)], "the mean of both tasks, the first one done again");
    assert_eq!(curves.validation, [(10.0, 50.0)]);
    assert!(curves.format.is_empty());
}

#[test]
fn progress_of_an_evaluation_ends_with_the_evaluation() {
    let evaluating = Event::Evaluating { method: "promot".into(), task: "cb-mini".into(), done: 3, rows: 10 };
    let begun = state([Event::Status { status: Status::Evaluating }, evaluating.clone()]);
    assert_eq!(begun.training.evaluating.map(|e| (e.done, e.rows)), Some((3, 10)));
    assert!(
        state([evaluating.clone(), Event::Status { status: Status::Done }]).training.evaluating.is_none()
    );
    assert!(state([evaluating, tick("promot", "stage 1", 4)]).training.evaluating.is_none());
}

#[test]
fn a_saved_run_goes_on_with_its_own_spec() {
    let saved = SavedRun {
        spec: Box::new(presets().by_name("quick").unwrap()),
        method: "promot".into(),
        stage: StageId::default(),
        step: 10,
        steps: 20,
        finished: false,
    };
    let mut state = state([Event::Saved { run: Some(saved.clone()) }]);
    state.resume();
    assert_eq!(state.training.spec.as_ref(), Some(&*saved.spec));
    assert_eq!(state.training.status, Status::Loading);
    assert!(state.saved.is_none());
    state.apply(tick("promot", "stage 1", 11));
    state.apply(Event::Saved { run: Some(saved) });
    state.resume();
    assert_eq!(state.training.curves.methods.len(), 1, "after a lost worker the curves stay");
}

#[test]
fn the_report_at_the_end_is_kept() {
    let state = state([Event::Finished { report: Box::new(report()) }]);
    assert!(state.training.has_results());
    assert_eq!(state.training.spec.unwrap().name, "quick");
}

#[test]
fn long_lines_are_thinned_to_means_of_equal_stretches() {
    let mut line = Thinned::default();
    for step in 0..10_000 {
        line.push((f64::from(step), f64::from(step % 2)));
        assert!(line.points.len() < MOST_POINTS);
    }
    assert!(line.points.len() >= MOST_POINTS / 2);
    assert!(line.points.iter().all(|point| point.1 == 0.5), "{:?}", &line.points[..3]);
    assert!(line.points.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn steps_done_again_do_not_run_backwards() {
    let mut line = Thinned::default();
    for step in [1.0, 2.0, 3.0, 2.0, 3.0] {
        line.push((step, step));
    }
    assert_eq!(line.points, [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
}

#[test]
fn the_records_of_the_method_in_training_are_kept_until_it_is_done() {
    let mut state = State::default();
    state.apply(tick("fine-tuning", "stage 1", 1));
    state.apply(tick("promot", "stage 1", 1));
    let record = StepRecord {
        stage: StageId::default(),
        step: 1,
        unseen: BTreeMap::from([("cb-mini".into(), 50.0)]),
        ..StepRecord::default()
    };
    state.apply(Event::Curve { method: "promot".into(), record });
    state.apply(tick("promot", "stage 1", 2));
    let course = state.training.unfinished.clone().unwrap();
    assert_eq!((course.method.as_str(), course.steps.len()), ("promot", 2));
    assert_eq!((course.steps[0].loss, course.steps[0].unseen["cb-mini"]), (Some(1.0), 50.0));
    state.apply(Event::RunDone { run: Box::new(run("fine-tuning", 10.0)) });
    assert!(state.training.unfinished.is_some());
    state.apply(Event::RunDone { run: Box::new(run("promot", 10.0)) });
    assert_eq!(state.training.unfinished, None);
}

#[test]
fn a_line_has_values_between_its_ends_only() {
    let values = |line: &[(f64, f64)]| [-1.0, 0.0, 2.0, 4.0, 5.0].map(|x| value_at(line, x));
    assert_eq!(values(&[(0.0, 0.0), (4.0, 8.0)]), [None, Some(0.0), Some(4.0), Some(8.0), None]);
    assert_eq!(values(&[(2.0, 1.0)]), [None, None, Some(1.0), None, None]);
    assert_eq!(values(&[]), [None; 5]);
}

#[test]
fn verdicts_follow_each_tasks_metric() {
    let verdict = |task, output, reference: &str| marks::verdict(task, output, &[reference.to_owned()]);
    assert_eq!(verdict("cb-mini", "<extra_id_0> True <extra_id_1>", "True"), Some(Verdict::Right));
    assert_eq!(verdict("cb-mini", "true", "True"), Some(Verdict::Wrong));
    assert_eq!(verdict("triviaqa-mini", "the Mill Q: Who", "mill"), Some(Verdict::Right));
    assert_eq!(verdict("wmt_ende-mini", "Der Hund schläft.", "Der Hund schläft."), Some(Verdict::Right));
    let Some(Verdict::Shared(share)) = verdict("wmt_ende-mini", "Der Hund", "Der Hund schläft.") else {
        panic!("half a sentence is neither right nor wrong")
    };
    assert!(share > 0.5 && share < 1.0, "{share}");
    assert_eq!(
        verdict("wmt_ende-mini", "True", "Der Hund schläft."),
        Some(Verdict::Wrong),
        "no word in common"
    );
    assert_eq!(marks::verdict("cb-mini", "True", &[]), None);
    assert_eq!(verdict("no task", "True", "True"), None);
}

#[test]
fn words_that_differ_are_marked() {
    let piece = |text: &str, differs| Piece { text: text.into(), differs };
    assert_eq!(
        marks::pieces("the old cat sleeps", "the red cat sleeps"),
        [piece("the ", false), piece("red", true), piece(" cat sleeps", false)]
    );
    assert_eq!(marks::pieces("a", "a"), [piece("a", false)]);
}

#[test]
fn answers_are_read_without_sentinels() {
    assert_eq!(marks::readable("<extra_id_0> Anna <extra_id_1> x"), "Anna");
    assert_eq!(marks::readable("<extra_id_0> <extra_id_1> x"), "<extra_id_0> <extra_id_1> x");
}

#[test]
fn every_mini_task_has_a_title_and_the_picker_has_the_eight_unseen_ones() {
    for task in tasks::trainable() {
        assert_ne!(tasks::title(&task.name), task.name);
    }
    let groups = tasks::groups("rte-mini");
    assert_eq!(groups.iter().map(|group| group.tasks.len()).collect::<Vec<_>>(), [2, 2, 2, 2, 1]);
}

#[test]
fn the_address_gives_device_and_spec() {
    assert_eq!(address::device(Some("cpu")), Ok(DeviceWish::Cpu));
    assert_eq!(address::device(None), Ok(DeviceWish::Auto));
    assert!(address::device(Some("tpu")).unwrap_err().contains("webgpu"));
    // {"prompt_tuning":{"steps":3}}: what is left out keeps the default of its place.
    let partial = address::spec("eyJwcm9tcHRfdHVuaW5nIjp7InN0ZXBzIjozfX0=").unwrap();
    let stage = partial.training("prompt-tuning").unwrap();
    assert_eq!((stage.steps, stage.learning_rate), (3, 0.3));
    for wrong in ["%%%", "e30x", "eyJubyI6MX0"] {
        assert!(address::spec(wrong).is_err(), "{wrong}");
    }
}
