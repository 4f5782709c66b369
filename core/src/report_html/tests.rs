use std::collections::BTreeMap;

use insta::assert_snapshot;
use regex::Regex;

use super::*;
use crate::report::{FrontierPoint, StepRecord};
use crate::task::{Task, built_in};

fn sample() -> Report {
    serde_json::from_str(include_str!("../../../tests/golden/report/sample.json")).unwrap()
}

/// Tasks by the sample's names, like the library's own.
fn known() -> TaskList {
    let named = |task: &Task| Task { name: format!("{}-mini", task.name), ..task.clone() };
    built_in().iter().map(named).try_fold(TaskList::default(), TaskList::with).unwrap()
}

/// A page a tag a line, without what other tests look at: stylesheet, drawings, settings.
fn outline(page: &str) -> String {
    let replace =
        |text: &str, pattern: &str, by: &str| Regex::new(pattern).unwrap().replace_all(text, by).into_owned();
    let text = replace(page, r"(?s)<style>.*?</style>", "<style/>");
    let text = replace(&text, r"(?s)<svg.*?<title>(.*?)</title><desc>(.*?)</desc>.*?</svg>", "<svg: $1. $2>");
    let text = replace(&text, r"(?s)(run --spec.*?<pre>).*?(</pre>)", "${1}...$2");
    replace(&text, r"><", ">\n<")
}

#[test]
fn the_page_of_the_sample() {
    assert_snapshot!("page", outline(&page(&sample(), &known(), &[]).unwrap()));
}

#[test]
fn the_charts_of_the_sample() {
    let page = page(&sample(), &known(), &[]).unwrap();
    let charts = page.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap());
    let charts: Vec<String> =
        charts.map(|chart| format!("<svg{chart}</svg>").replace("><", ">\n<")).collect();
    assert_eq!(charts.len(), 9, "and the drawing of the stages");
    assert_snapshot!("bars", charts[0]);
    assert_snapshot!("training_loss", charts[1]);
    assert_snapshot!("tradeoff", charts[5]);
}

#[test]
fn signs_and_frontier_are_shown_where_a_report_has_them() {
    let mut report = sample();
    let plain = page(&report, &known(), &[]).unwrap();
    assert!(!plain.contains("Signs of the paper") && !plain.contains("Frontier"));
    report.signs = crate::signs::judge(&report.runs, crate::signs::Architecture::EncoderDecoder);
    let point = |step, validation, held_out, chosen| FrontierPoint {
        method: "promot".into(),
        swept: [("stage.fine-tuning.learning_rate".to_owned(), "0.001".to_owned())].into(),
        step,
        validation,
        held_out,
        chosen,
        ..FrontierPoint::default()
    };
    report.frontier = vec![point(10, 60.0, 30.0, false), point(20, 80.0, 20.0, true)];
    // A rate that validation did not choose.
    let other = FrontierPoint { swept: BTreeMap::new(), ..point(10, 50.0, 35.0, false) };
    report.frontier.push(other);
    for point in &mut report.frontier {
        point.groups = [("translation".to_owned(), point.held_out + 5.0)].into();
    }
    let page = page(&report, &known(), &[]).unwrap();
    let drawn = |title: &str| {
        page.split(&format!("<title>{title}</title>")).nth(1).unwrap().split("</svg>").next().unwrap()
    };
    let kinds = drawn("Frontier: target task against translation");
    assert!(
        kinds.contains("promot, 0.001, chosen: 80, 25")
            && kinds.contains("validation score 50, translation, mean score 40"),
        "{kinds}"
    );
    let along = drawn("promot: target task and kinds of held-out tasks along training");
    assert!(
        along.contains("translation, step 10: 35") && along.contains("validation, step 20: 80"),
        "{along}"
    );
    assert!(!along.contains("step 10: 40"), "not of another rate: {along}");
    let signs = page.split("<h2>Signs of the paper</h2>").nth(1).unwrap().split("</section>").next().unwrap();
    assert_snapshot!("signs", signs.replace("><", ">\n<"));
    assert!(page.contains("Frontier: target task") && !page.contains("Checkpoints: target task"));
    assert!(page.contains("promot, 0.001, chosen: 80, 20"), "{page}");
    // And a report with all of it is read again.
    let text = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&text).unwrap();
    assert_eq!((read.signs, read.frontier), (report.signs, report.frontier));
}

#[test]
fn a_method_has_one_colour_in_cards_charts_and_answers() {
    let page = page(&sample(), &known(), &[]).unwrap();
    for (method, series) in [("pretrained", 0), ("fine-tuning", 1), ("promot", 2)] {
        assert!(
            page.contains(&format!("<article class=\"card\" data-series=\"{series}\"><h2>{method}</h2>")),
            "{method}"
        );
        assert!(page.contains(&format!("<div data-series=\"{series}\"><h3>{method}")), "{method}");
    }
    assert!(page.contains("stroke=\"var(--s1, #c2650a)\""), "{page}");
}

#[test]
fn scores_are_drawn_from_0_to_100() {
    let page = page(&sample(), &known(), &[]).unwrap();
    for title in ["Held-out tasks, mean score", "Target task, validation score", "Held-out tasks, 1-shot"] {
        let chart =
            page.split(&format!("<title>{title}</title>")).nth(1).unwrap().split("</svg>").next().unwrap();
        assert!(chart.contains(">100</text>") && chart.contains(">0</text>"), "{title}: {chart}");
    }
}

#[test]
fn the_drawing_of_the_stages_says_what_it_shows() {
    assert!(TWO_STAGES.starts_with("<svg") && TWO_STAGES.contains("role=\"img\""));
    for part in ["<title>The two stages", "<desc>Stage 1", "prefers-color-scheme: dark"] {
        assert!(TWO_STAGES.contains(part), "{part}");
    }
}

#[test]
fn nothing_is_fetched_and_text_is_text() {
    let page = page(&sample(), &known(), &[]).unwrap();
    // The SVG name space is a name, not an address that is fetched.
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for part in ["http:", "https:", "src=", "@import", "url(", "<script"] {
        assert!(!outside.contains(part), "{part} reaches outside");
    }
    assert!(page.contains("a &lt;small&gt; cat") && !page.contains("<small> cat"));
}

#[test]
fn an_unfinished_method_has_its_curve_and_is_named() {
    let mut report = sample();
    report.spec.seeds = vec![0];
    let promot = report.runs.pop().unwrap();
    report.runs.remove(2);
    let mut course = Course { method: "promot".into(), steps: Vec::new() };
    for record in promot.steps {
        // As they come in training: the loss first, then each task's score.
        course.push(StepRecord { unseen: Default::default(), ..record.clone() });
        for (task, score) in record.unseen {
            let unseen = [(task, score)].into();
            let (stage, step) = (record.stage.clone(), record.step);
            course.push(StepRecord { stage, step, unseen, ..StepRecord::default() });
        }
    }
    assert_eq!(course.steps.len(), 12);
    let page = page(&report, &known(), &[course]).unwrap();
    assert!(page.contains("<b>Not finished: </b>promot</p>"), "{page}");
    assert!(page.contains("promot, stage 2: 26.5 at step (logarithmic) 16"), "{page}");
}

#[test]
fn without_held_out_tasks_nothing_is_said_of_them() {
    let mut report = sample();
    for run in &mut report.runs {
        run.unseen.clear();
        run.steps.iter_mut().for_each(|record| record.unseen.clear());
        run.steps.iter_mut().for_each(|record| record.format_rate.clear());
    }
    let page = page(&report, &known(), &[]).unwrap();
    let text = page.split("</style>").nth(1).unwrap();
    assert!(text.contains("92.0") && !text.contains("eld-out") && !text.contains("leakage"), "{text}");
}

#[test]
fn a_report_without_runs_is_a_page() {
    let mut report = sample();
    report.runs.clear();
    report.examples.clear();
    assert!(page(&report, &known(), &[]).unwrap().contains("Not finished"));
}

#[test]
fn durations_and_sizes_read_well() {
    assert_eq!(duration(61.4), "61 s");
    assert_eq!(duration(125.0), "2 min 5 s");
    assert_eq!(duration(7_300.0), "2 h 1 min");
    assert_eq!((millions(512), millions(2_345_678)), ("512".into(), "2.3 million".into()));
}
