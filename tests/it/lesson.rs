//! The numbers of the printable lesson are those of the recorded runs.

use promot_core::report::Report;
use promot_core::results_table::{Estimate, ScoreTable, score_tables};

use crate::shipped::read;

fn report(name: &str) -> Report {
    serde_json::from_slice(&read(&format!("recorded/{name}/report.json"))).unwrap()
}

fn tables(name: &str) -> Vec<ScoreTable> {
    score_tables(&promot_world::catalog().tasks, &report(name).runs)
}

/// The number that a fact names: `what: method`.
fn fact(name: &str) -> Option<f64> {
    let (what, method) = name.split_once(": ")?;
    let by_seed = || {
        let runs = report("rte-mini").runs.into_iter().filter(|run| run.method == method);
        runs.map(|run| run.norm_avg["1"]).collect::<Vec<f64>>().into_iter()
    };
    match what {
        "least of a seed" => return by_seed().reduce(f64::min),
        "most of a seed" => return by_seed().reduce(f64::max),
        _ => {}
    }
    let (run, prompt) = match what {
        "baseline" => ("rte-mini-baselines", false),
        "held-out, prompt on" => ("rte-mini", true),
        _ => ("rte-mini", false),
    };
    let tables = tables(run);
    let table = tables.iter().find(|table| table.shots == 1 && table.prompt == prompt)?;
    let row = table.rows.iter().find(|row| row.method == method)?;
    let found: Option<Estimate> = match what {
        "leakage" => row.format_rate,
        "target" => row.targets[0],
        _ => row.norm_avg,
    };
    Some(found?.mean)
}

#[test]
fn the_lesson_tells_the_recorded_numbers() {
    let page = String::from_utf8(read("lesson.html")).unwrap();
    let (mut facts, mut wrong) = (0, Vec::new());
    for part in page.split("data-fact=\"").skip(1) {
        let (name, rest) = part.split_once("\">").unwrap();
        let (shown, _) = rest.split_once('<').unwrap();
        let found = fact(name).unwrap_or_else(|| panic!("no recorded number is `{name}`"));
        if shown != format!("{found:.1}") {
            wrong.push(format!("{name}: {found:.1}, not {shown}"));
        }
        facts += 1;
    }
    assert_eq!(wrong, [""; 0]);
    assert!(facts >= 10, "{facts} numbers are checked");
}
