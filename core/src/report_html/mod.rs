//! The report as one HTML file with everything in it, to be opened from disk or sent to someone. The program and the page
//! write the same one.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::{Drawing, Palette, SHARED_STYLE};
use crate::error::Result;
use crate::report::{ExampleAnswers, MethodRun, Report, distinct, methods};
use crate::results_table::{Estimate, ScoreTable, TextRow, score_tables, text_rows};
use crate::task::TaskList;

mod charts;
mod course;
mod frontier;
mod signs;
#[cfg(test)]
mod tests;

pub use course::Course;

const STYLE: &str = include_str!("style.css");

/// What is trained in which stage (the paper's Figure 4): an `<svg>` that the page and the README show, too.
pub const TWO_STAGES: &str = include_str!("../../../docs/two-stages.svg");

/// The paper's claims and what these runs say to each, as an HTML table, those that disagree first; nothing where the runs
/// can judge none.
pub fn signs_table(report: &Report) -> Option<String> {
    signs::judged(report).map(Markup::into_string)
}

/// The frontier chart, with its title; nothing where a report has no points.
pub fn frontier_chart(report: &Report) -> Option<(&'static str, Drawing)> {
    Some((frontier::TITLE, frontier::drawing(&report.frontier)?))
}

/// How much of a method's gradients was about the format alone, along its last stage, with a title; nothing where its run
/// did not measure it.
pub fn alignment_chart(report: &Report, method: &str) -> Option<(String, Drawing)> {
    let run = report.runs.iter().find(|run| run.method == method)?;
    charts::alignment(method, &run.steps)
}

/// For each method: the target and the kinds of held-out tasks along its training, with titles.
pub fn charts_along_training(report: &Report) -> Vec<(String, Drawing)> {
    frontier::along_training(&report.frontier)
}

/// The frontier by kind of held-out task, with titles.
pub fn frontiers_by_kind(report: &Report) -> Vec<(String, Drawing)> {
    frontier::by_kind(&report.frontier)
}

/// The models' answers side by side as HTML, without a heading; nothing where a report has none.
pub fn answers_side_by_side(report: &Report) -> Option<String> {
    (!report.examples.is_empty()).then(|| examples(report).into_string())
}

/// The whole page; `known` are the tasks that the report may name.
///
/// # Errors
/// A spec that cannot be written as TOML.
pub fn page(report: &Report, known: &TaskList, unfinished: &[Course]) -> Result<String> {
    let tables = score_tables(known, &report.runs);
    let title = format!("promot: {} on {}", report.spec.name, listed(&report.spec.target.tasks()));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(SHARED_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (heading(report, &tables))
                    @if !report.runs.is_empty() {
                        (cards(&tables))
                        @for table in &tables { (scores(table)) }
                        (text(&text_rows(&report.runs)))
                    }
                    (signs::section(report))
                    (charts::all(report, known, &tables, unfinished))
                    section {
                        h2 { "The two stages" }
                        div.stages { (PreEscaped(TWO_STAGES)) }
                    }
                    @if !report.examples.is_empty() {
                        section {
                            h2 { "Answers to the same inputs" }
                            (examples(report))
                        }
                    }
                    (details(report)?)
                }
            }
        }
    };
    Ok(page.into_string())
}

fn heading(report: &Report, tables: &[ScoreTable]) -> Markup {
    let target = listed(&report.spec.target.tasks());
    let held_out = distinct(tables.iter().flat_map(|table| &table.tasks)).len();
    let missing = missing(report);
    html! {
        header {
            p.eyebrow { "promot " span { "run " (report.spec.name) } }
            h1 { "Fine-tuned on " (target) @if held_out > 0 { ", evaluated on " (counted(held_out, "held-out task")) } }
            @if held_out > 0 { p.lead {
                "The pretrained model and each fine-tuned variant are evaluated on " b { (target) } " and on "
                (counted(held_out, "held-out task")) ". How much of the pretrained model's ability remains, and how often "
                "are held-out tasks answered in the format of " (target) "?"
            } }
            @if !missing.is_empty() { p.lead { b { "Not finished: " } (missing.join(", ")) } }
            p.facts {
                span { b { "Model " } (report.model.name) ", " (millions(report.model.parameters)) " parameters" }
                span { b { "Device " } (report.device.name) }
                span { b { "Time " } (duration(report.runs.iter().flat_map(|run| run.seconds.values()).sum())) }
            }
        }
    }
}

/// The methods of the spec that have no run for some seed.
fn missing(report: &Report) -> Vec<&str> {
    // A sweep gives its runs names of their own.
    if !report.spec.sweep.is_empty() && !report.spec.sweep.selects() {
        return Vec::new();
    }
    let finished = |method: &str| report.runs.iter().filter(|run| run.method == method).count();
    let methods = report.spec.methods.iter().map(|entry| entry.name());
    methods.filter(|method| finished(method) < report.spec.seeds.len().max(1)).collect()
}

/// One card a method, from the first table: the target's score, the mean of the held-out ones, and what changed.
fn cards(tables: &[ScoreTable]) -> Markup {
    let Some(table) = tables.first() else { return html! {} };
    let base = table.rows.iter().find(|row| row.method == "pretrained").and_then(|row| row.norm_avg);
    let palette = Palette::new(table.rows.iter().map(|row| row.method.as_str()));
    html! {
        section.cards aria-label="Summary" {
            @for row in &table.rows {
                article.card data-series=(palette.of(&row.method)) {
                    h2 { (row.method) }
                    dl {
                        @for (task, score) in table.targets.iter().zip(&row.targets) {
                            div { dt { (task) } dd { (number(*score)) } }
                        }
                        @if let Some(mean) = row.norm_avg { div {
                            dt { "held-out mean" }
                            dd {
                                (mean)
                                @if let (Some(base), true) = (base, row.method != "pretrained") {
                                    (change(mean.mean - base.mean))
                                }
                            }
                        } }
                        @if row.format_rate.is_some() {
                            div { dt { "format leakage" } dd { (number(row.format_rate)) " %" } }
                        }
                    }
                }
            }
        }
    }
}

fn change(difference: f64) -> Markup {
    let class = match difference {
        _ if difference < -0.05 => "down",
        _ if difference > 0.05 => "up",
        _ => "same",
    };
    html! { small class=(class) { (format!("{difference:+.1}")) } }
}

fn scores(table: &ScoreTable) -> Markup {
    let (target_tops, tops) = (table.tops(|row| &row.targets), table.tops(|row| &row.held_out));
    let mean_top = table.best(|row| row.norm_avg);
    let cell = |value: Option<Estimate>, top: Option<f64>| {
        let class = if value.is_some_and(|value| Some(value.mean) == top) { "best" } else { "" };
        html! { td class=(class) { (number(value)) } }
    };
    let cells = |values: &[Option<Estimate>], tops: &[Option<f64>]| {
        html! { @for (value, top) in values.iter().zip(tops) { (cell(*value, *top)) } }
    };
    let has_held_out = !table.tasks.is_empty();
    html! {
        section {
            h2 { "Scores" }
            div.scroll {
                table.scores {
                    thead { tr {
                        th scope="col" { "method" }
                        @for task in &table.targets { th scope="col" { (breakable(task)) " (target)" } }
                        @for task in &table.tasks { th scope="col" { (breakable(task)) } }
                        @if has_held_out {
                            th scope="col" { "held-out mean" }
                            th scope="col" { "format leakage, %" }
                        }
                    } }
                    tbody { @for row in &table.rows { tr data-method=(row.method) {
                        th scope="row" { (row.method) @if row.seeds > 1 { small { " " (row.seeds) " seeds" } } }
                        (cells(&row.targets, &target_tops))
                        (cells(&row.held_out, &tops))
                        @if has_held_out {
                            (cell(row.norm_avg, mean_top))
                            td { (number(row.format_rate)) }
                        }
                    } } }
                }
            }
            p.note {
                "All scores lie in [0, 100]; the best of each column is bold. "
                @if table.has_intervals() { "± is the 95 % interval of the mean over seeds. " }
                @if has_held_out {
                    "Held-out tasks have " (counted(table.shots, "in-context example")) " before each input, "
                    (if table.prompt { "with the soft prompt prepended" } else { "without the soft prompt" }) "; "
                    "their plain mean is the paper's Norm. Avg. Format leakage is the share of their answers in the format "
                    "of " (listed(&table.targets)) ", over the tasks whose own answers have another one."
                }
            }
        }
    }
}

/// What plain text costs each method's model.
fn text(rows: &[TextRow]) -> Markup {
    let Some(first) = rows.first() else { return html! {} };
    let nats = |loss: Option<f64>| loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.3}"));
    html! {
        section {
            h2 { "Cross-entropy of plain text" }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "method" }
                    th scope="col" { (breakable(&first.task)) ", nats per token" }
                    th scope="col" { "with the soft prompt prepended" }
                } }
                tbody { @for row in rows { tr {
                    th scope="row" { (row.method) }
                    td { (nats(row.off)) }
                    td { (nats(row.on)) }
                } } }
            } }
            p.note { "The lower, the less surprising is text that no method was tuned on. Means over seeds." }
        }
    }
}

fn examples(report: &Report) -> Markup {
    let methods = methods(&report.runs);
    let tasks = distinct(report.examples.iter().map(|example| example.task.as_str()));
    let palette = Palette::new(methods.iter().copied());
    let answers = |example: &ExampleAnswers| answers(example, &methods, &palette);
    html! {
        // The first of each task is in view; a page of forty would hide what differs.
        @for task in &tasks {
            @let mut all = report.examples.iter().filter(|example| example.task == **task);
            @if let Some(first) = all.next() { (answers(first)) }
            @let rest: Vec<&ExampleAnswers> = all.collect();
            @if !rest.is_empty() {
                details.more {
                    summary { (rest.len()) " more of " (task) }
                    @for example in rest { (answers(example)) }
                }
            }
        }
    }
}

fn answers(example: &ExampleAnswers, methods: &[&str], palette: &Palette) -> Markup {
    html! {
        article.example {
            p.question { span.task { (example.task) } (example.input) }
            p.reference { b { "Reference " } (example.reference) }
            div.answers {
                @for method in methods {
                    @if let Some(answer) = example.outputs.get(*method) {
                        div data-series=(palette.of(method)) {
                            h3 {
                                (method)
                                @if answer.trim() == example.reference.trim() {
                                    span.right title="equals the reference" { " ✓" }
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

fn details(report: &Report) -> Result<Markup> {
    // A report that comes with the page has those of its first seed.
    let signatures = |run: &MethodRun| -> Vec<String> {
        let all = run.targets().chain(&run.unseen).map(|score| score.signature.clone());
        all.filter(|signature| !signature.is_empty()).collect()
    };
    Ok(html! {
        section {
            h2 { "Run details" }
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
                summary { "Spec (save as spec.toml and repeat with promot run --spec spec.toml)" }
                pre { (report.spec.to_toml()?) }
            }
            details {
                summary { "Signatures of all scores" }
                @for (run, signatures) in report.runs.iter().map(|run| (run, signatures(run))).filter(|(_, all)| !all.is_empty()) {
                    h3 { (run.method) " (seed " (run.seed) ")" }
                    pre { (signatures.join("\n")) }
                }
            }
        }
    })
}

fn number(value: Option<Estimate>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn listed<T: AsRef<str>>(tasks: &[T]) -> String {
    tasks.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" and ")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A task's name that may break after its `_` and `-`, in narrow columns.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['_', '-']) { (part) wbr; } }
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
