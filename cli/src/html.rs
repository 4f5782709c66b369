//! report.html: one file with everything in it, to be opened from disk or sent to someone.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use promot_core::report::{ExampleAnswers, MethodRun, Report, distinct, methods};
use promot_core::summary::{Cell, Grid, grids};

use crate::plots;
use crate::table::number;

mod charts;

const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub fn page(report: &Report) -> anyhow::Result<String> {
    let grids = grids(&report.runs);
    let charts = charts::all(report, &grids)?;
    let title = format!("promot: {} on {}", report.spec.name, tuned(&report.spec.target.tasks()));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(palette())) }
            }
            body {
                main {
                    (heading(report, grids.iter().any(|grid| !grid.tasks.is_empty())))
                    (cards(&grids))
                    @for grid in &grids { (scores(grid)) }
                    (charts)
                    (examples(report))
                    (details(report)?)
                }
            }
        }
    };
    Ok(page.into_string())
}

/// `unseen`: whether there are scores of tasks that nothing was tuned on.
fn heading(report: &Report, unseen: bool) -> Markup {
    let tasks = report.spec.target.tasks();
    let target = tuned(&tasks);
    let (task, format) = match tasks.len() {
        1 => ("the tuned task", "the tuned task's format"),
        _ => ("the tuned tasks", "the format of a tuned task"),
    };
    html! {
        header {
            p.eyebrow { "promot " span { "run " (report.spec.name) } }
            h1 { "Tuned on " (target) @if unseen { ", asked about everything else" } }
            @if unseen { p.lead {
                "The model as it came, and tuned on " b { (target) } " alone in different ways, is asked " (task) " "
                "and tasks that it was not tuned on. The question: how much of what it could do before is left, and how "
                "often does it answer everything in " (format) "?"
            } }
            p.facts {
                span { b { "Model " } (report.model.name) ", " (millions(report.model.parameters)) " parameters" }
                span { b { "Device " } (report.device.name) }
                span { b { "Time " } (duration(report.runs.iter().flat_map(|run| run.seconds.values()).sum())) }
            }
        }
    }
}

/// One card a method, from the first grid: the target's score, the unseen mean, and what changed.
fn cards(grids: &[Grid]) -> Markup {
    let Some(grid) = grids.first() else { return html! {} };
    let base = grid.rows.iter().find(|row| row.method == "pretrained").and_then(|row| row.norm_avg);
    html! {
        section.cards aria-label="Summary" {
            @for (place, row) in grid.rows.iter().enumerate() {
                article.card style=(format!("--series: var(--s{})", place % plots::SERIES.len())) {
                    h2 { (row.method) }
                    dl {
                        @for (task, score) in grid.targets.iter().zip(&row.targets) {
                            div { dt { (task) } dd { (number(*score)) } }
                        }
                        @if row.norm_avg.is_some() { div {
                            dt { "unseen tasks, mean" }
                            dd {
                                (number(row.norm_avg))
                                @if let (Some(base), Some(mine), true) = (base, row.norm_avg, row.method != "pretrained") {
                                    (change(mine.mean - base.mean))
                                }
                            }
                        } }
                        @if row.format_rate.is_some() {
                            div { dt { "tuned format where another one is due" } dd { (number(row.format_rate)) " %" } }
                        }
                    }
                }
            }
        }
    }
}

fn change(difference: f64) -> Markup {
    let class = if difference < -0.05 {
        "down"
    } else if difference > 0.05 {
        "up"
    } else {
        "same"
    };
    html! { small class=(class) { (format!("{difference:+.1}")) } }
}

fn scores(grid: &Grid) -> Markup {
    let (target_tops, tops) = (grid.tops(|row| &row.targets), grid.tops(|row| &row.unseen));
    let norm_top = grid.best(|row| row.norm_avg);
    let cell = |cell: Option<Cell>, top: Option<f64>| {
        let class = if cell.is_some_and(|cell| Some(cell.mean) == top) { "best" } else { "" };
        html! { td class=(class) { (number(cell)) } }
    };
    let cells = |values: &[Option<Cell>], tops: &[Option<f64>]| {
        html! { @for (value, top) in values.iter().zip(tops) { (cell(*value, *top)) } }
    };
    let heads = |tasks: &[String]| html! { @for task in tasks { th scope="col" { (breakable(task)) } } };
    html! {
        section {
            h2 { "Scores" }
            div.scroll {
                table.scores {
                    thead { tr {
                        th scope="col" { "method" }
                        (heads(&grid.targets))
                        @if !grid.tasks.is_empty() {
                            (heads(&grid.tasks))
                            th scope="col" { "Norm. Avg." }
                            th scope="col" title="share of answers in the tuned task's format, on unseen tasks of another format" { "tuned format %" }
                        }
                    } }
                    tbody { @for row in &grid.rows { tr {
                        th scope="row" { (row.method) @if row.seeds > 1 { small { " " (row.seeds) " seeds" } } }
                        (cells(&row.targets, &target_tops))
                        (cells(&row.unseen, &tops))
                        @if !grid.tasks.is_empty() {
                            (cell(row.norm_avg, norm_top))
                            td { (number(row.format_rate)) }
                        }
                    } } }
                }
            }
            p.note {
                (tuned(&grid.targets)) @if grid.targets.len() > 1 { " are the tuned tasks. " } @else { " is the tuned task. " }
                @if !grid.tasks.is_empty() {
                    "The others were asked with " (grid.shots)
                    @if grid.shots == 1 { " answered example" } @else { " answered examples" }
                    " before each question, the soft prompt " (if grid.prompt { "left on" } else { "taken off" }) ". "
                }
                "All scores lie in [0, 100]; the best of each column is bold."
                @if grid.has_intervals() { " ± is the 95 % interval of the mean over seeds." }
            }
        }
    }
}

/// The tuned tasks as part of a sentence.
fn tuned<T: AsRef<str>>(tasks: &[T]) -> String {
    tasks.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" and ")
}

/// A task's name that may break after its `_` and `-`, in narrow columns.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['_', '-']) { (part) wbr; } }
}

fn examples(report: &Report) -> Markup {
    if report.examples.is_empty() {
        return html! {};
    }
    let methods = methods(&report.runs);
    let tasks = distinct(report.examples.iter().map(|example| example.task.as_str()));
    html! {
        section {
            h2 { "The same question, asked of each model" }
            // The first of each task is in view; a page of forty would hide what differs.
            @for task in &tasks {
                @let mut asked = report.examples.iter().filter(|example| example.task == **task);
                @if let Some(first) = asked.next() { (answers(first, &methods)) }
                @let rest: Vec<&ExampleAnswers> = asked.collect();
                @if !rest.is_empty() {
                    details.more {
                        summary { (rest.len()) " more of " (task) }
                        @for example in rest { (answers(example, &methods)) }
                    }
                }
            }
        }
    }
}

fn answers(example: &ExampleAnswers, methods: &[&str]) -> Markup {
    html! {
        article.example {
            p.question { span.task { (example.task) } (example.input) }
            p.reference { b { "Expected " } (example.reference) }
            div.answers {
                @for (place, method) in methods.iter().enumerate() {
                    @if let Some(answer) = example.outputs.get(*method) {
                        div style=(format!("--series: var(--s{})", place % plots::SERIES.len())) {
                            h3 {
                                (method)
                                @if answer.trim() == example.reference.trim() {
                                    span.right title="equals what was expected" { " ✓" }
                                }
                            }
                            p { @if answer.trim().is_empty() { i { "(no answer)" } } @else { (answer) } }
                        }
                    }
                }
            }
        }
    }
}

fn details(report: &Report) -> anyhow::Result<Markup> {
    let signatures = |run: &MethodRun| -> Vec<String> {
        run.targets().chain(&run.unseen).map(|score| score.signature.clone()).collect()
    };
    Ok(html! {
        section {
            h2 { "How it was made" }
            dl.made {
                dt { "Device" } dd { (report.device.name) ": " (report.device.reason) }
                dt { "Model" } dd { (report.model.name) " (" (report.model.model_type) "), " (report.model.parameters) " parameters" }
                dt { "Weights, SHA-256" } dd { code { (report.model.sha256) } }
                dt { "Seconds" }
                dd { @for run in &report.runs {
                    (run.method) " (seed " (run.seed) "): "
                    (run.seconds.iter().map(|(part, seconds)| format!("{part} {seconds:.1}")).collect::<Vec<_>>().join(", "))
                    br;
                } }
            }
            details {
                summary { "Spec (repeat with promot run --spec)" }
                pre { (report.spec.to_toml()?) }
            }
            details {
                summary { "Signatures of all scores" }
                @for run in &report.runs {
                    h3 { (run.method) " (seed " (run.seed) ")" }
                    pre { (signatures(run).join("\n")) }
                }
            }
        }
    })
}

/// Rules that put the stylesheet's series colours, light or dark, in the place of the charts' own.
fn palette() -> String {
    let rule = |(n, colour): (usize, &plotters::style::RGBColor)| {
        let hex = format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
        format!("svg [stroke=\"{hex}\"]{{stroke:var(--s{n})}}svg [fill=\"{hex}\"]{{fill:var(--s{n})}}")
    };
    plots::SERIES.iter().enumerate().map(rule).collect()
}

fn millions(count: usize) -> String {
    match count {
        0..=999_999 => count.to_string(),
        _ => format!("{:.1} million", count as f64 / 1e6),
    }
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..=119 => format!("{seconds:.0} s"),
        120..=7199 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_everything_and_fetches_nothing() {
        let page = page(&crate::sample::report()).unwrap();
        for part in [
            "Norm. Avg.",
            "92.0 ±12.7",
            "Der Hund schläft",
            "flex (CPU)",
            "shots:1|beam4",
            "<svg",
            "[prompt_tuning]",
        ] {
            assert!(page.contains(part), "{part} is missing");
        }
        // The SVG name space is a name, not an address that is fetched.
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        for part in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!outside.contains(part), "{part} reaches outside");
        }
        // Text from models and data sets is text.
        assert!(page.contains("a &lt;small&gt; cat") && !page.contains("<small> cat"));
    }

    #[test]
    fn a_legend_names_nothing_twice() {
        let mut report = crate::sample::report();
        // As a run with several seeds leaves them: all methods of one seed, then all of the next.
        report.runs.push(MethodRun { seed: 2, ..report.runs[1].clone() });
        let page = page(&report).unwrap();
        let legends =
            page.split(r#"<ul class="legend">"#).skip(1).map(|rest| rest.split("</ul>").next().unwrap());
        for legend in legends {
            let names: Vec<&str> = legend.split("</li>").filter(|item| !item.is_empty()).collect();
            assert_eq!(distinct(names.iter().copied()), names);
        }
    }

    #[test]
    fn without_unseen_tasks_nothing_is_said_of_them() {
        let mut report = crate::sample::report();
        for run in &mut report.runs {
            run.unseen.clear();
            run.steps.iter_mut().for_each(|record| record.unseen.clear());
            run.steps.iter_mut().for_each(|record| record.format_rate.clear());
        }
        let page = page(&report).unwrap();
        assert!(page.contains("92.0") && !page.contains("Norm. Avg.") && !page.contains("nseen"), "{page}");
    }

    #[test]
    fn durations_and_sizes_read_well() {
        assert_eq!(duration(61.4), "61 s");
        assert_eq!(duration(125.0), "2 min 5 s");
        assert_eq!(duration(7_300.0), "2 h 1 min");
        assert_eq!((millions(512), millions(2_345_678)), ("512".into(), "2.3 million".into()));
    }

    /// Writes the sample page where PROMOT_SAMPLE_PAGE says, to be looked at.
    #[test]
    fn sample_page_to_look_at() {
        if let Some(path) = std::env::var_os("PROMOT_SAMPLE_PAGE") {
            std::fs::write(path, page(&crate::sample::report()).unwrap()).unwrap();
        }
    }
}
