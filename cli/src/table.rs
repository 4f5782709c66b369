//! Tables for the terminal.

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use promot_core::report::{Report, Verdict};
use promot_core::results_table::{Estimate, ScoreTable, TextRow, score_tables, text_rows};
use promot_core::signs;

use crate::catalog::tasks_of;

/// Rules around the table and below its headings.
const RULED: TableStyle = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());

/// Columns of characters where standard error is no terminal.
const WIDTH: usize = 100;

/// The result of a run, for standard error, as wide as the terminal.
pub fn results(report: &Report) -> String {
    let mut table = Table::new();
    let width = table.use_stderr().width().map_or(WIDTH, usize::from);
    results_in(report, width)
}

/// How many of the paper's claims the run agrees with, and those that it does not; nothing where none was judged.
pub fn signs(report: &Report) -> Option<String> {
    let judged = report.signs.iter().filter(|sign| sign.verdict != Verdict::NotRun).count();
    let counts = signs::counts(&report.signs).map(|(verdict, count)| format!("{count} {}", verdict.name()));
    let mut lines = vec![format!("signs of the paper: {}", counts.join(", "))];
    for sign in signs::ordered(&report.signs).into_iter().filter(|sign| sign.verdict == Verdict::Disagrees) {
        let (one, other) = sign.ours.unwrap_or_default();
        lines.push(format!("  {} {} Here {one:.1} against {other:.1}.", sign.id, sign.claim));
    }
    (judged > 0).then(|| lines.join("\n"))
}

fn results_in(report: &Report, width: usize) -> String {
    let tables = score_tables(&tasks_of(report), &report.runs);
    let tables = tables.iter().map(|table| scores(table, width)).chain(text(&text_rows(&report.runs)));
    tables.collect::<Vec<_>>().join("\n\n")
}

/// The cross-entropy of plain text, where it was asked for.
fn text(rows: &[TextRow]) -> Option<String> {
    let first = rows.first()?;
    let nats = |loss: Option<f64>| loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.3}"));
    let header = ["method", "soft prompt off", "soft prompt on"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| vec![row.method.clone(), nats(row.off), nats(row.on)]);
    let table = Lines([header].into_iter().chain(lines).collect()).draw();
    Some(format!("cross-entropy of {}, nats per token\n{table}", first.task))
}

fn scores(table: &ScoreTable, width: usize) -> String {
    let held_out = match (table.tasks.is_empty(), table.prompt) {
        (true, _) => String::new(),
        (false, false) => format!("held-out tasks {}-shot; ", table.shots),
        (false, true) => format!("held-out tasks {}-shot, soft prompt prepended; ", table.shots),
    };
    let intervals = if table.has_intervals() { ", ± 95 % interval of the mean over seeds" } else { "" };
    format!("{held_out}scores in [0, 100]{intervals}\n{}", Lines::new(table).fitted(width))
}

/// A score table as text: lines under headings, all of equal length.
struct Lines(Vec<Vec<String>>);

impl Lines {
    /// A line for each method.
    fn new(table: &ScoreTable) -> Self {
        let mut header = vec!["method".to_owned()];
        header.extend(table.targets.iter().map(|task| format!("{task} (target)")));
        if !table.tasks.is_empty() {
            header.extend(table.tasks.iter().cloned());
            header.extend(["held-out mean".to_owned(), "format leakage, %".to_owned()]);
        }
        let columns = header.len();
        let mut lines = vec![header];
        for row in &table.rows {
            let numbers = row.targets.iter().chain(&row.held_out).copied();
            let numbers = numbers.chain([row.norm_avg, row.format_rate]).map(number);
            lines.push([row.method.clone()].into_iter().chain(numbers).take(columns).collect());
        }
        Self(lines)
    }

    /// A line for each method where that fits; else a line for each task, in as many blocks of methods as it takes.
    fn fitted(&self, width: usize) -> String {
        let upright = self.draw();
        if is_within(&upright, width) {
            return upright;
        }
        let methods: Vec<usize> = (1..self.0.len()).collect();
        let blocks =
            |size: usize| methods.chunks(size).map(|block| self.transposed(block).draw()).collect::<Vec<_>>();
        let sizes = (1..=methods.len()).rev();
        let fitting = sizes.map(blocks).find(|blocks| blocks.iter().all(|block| is_within(block, width)));
        // A terminal narrower than one method's column breaks its lines.
        fitting.unwrap_or_else(|| blocks(1)).join("\n")
    }

    /// The headings and these lines as columns.
    fn transposed(&self, lines: &[usize]) -> Self {
        let columns = [0].iter().chain(lines);
        let line = |column: usize| columns.clone().map(|line| self.0[*line][column].clone()).collect();
        let mut turned: Vec<Vec<String>> = (0..self.0[0].len()).map(line).collect();
        turned[0][0] = "task".to_owned();
        Self(turned)
    }

    fn draw(&self) -> String {
        let mut table = Table::new();
        table.load_style(RULED).use_stderr();
        table.set_content_arrangement(ContentArrangement::Disabled);
        let (header, rows) = self.0.split_first().expect("headings");
        table.set_header(header.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
        table.add_rows(rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

fn is_within(text: &str, width: usize) -> bool {
    text.lines().all(|line| line.chars().count() <= width)
}

/// Rows of text under headings.
pub fn plain(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.load_style(NOTHING);
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

fn number(value: Option<Estimate>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use promot_core::report::{MethodRun, TaskScore};

    use super::*;

    fn sample() -> Report {
        serde_json::from_str(include_str!("../../tests/golden/report/sample.json")).unwrap()
    }

    #[test]
    fn many_tasks_become_lines() {
        assert_snapshot!("many_tasks", results_in(&sample(), WIDTH));
    }

    #[test]
    fn a_wide_terminal_has_a_line_for_each_method() {
        assert_snapshot!("wide", results_in(&sample(), 220));
    }

    #[test]
    fn many_methods_come_in_blocks_that_fit() {
        let mut report = sample();
        let run = report.runs[0].clone();
        let names = ["prompt-tuning+1-shot", "promot+1-shot", "fine-tuning+1-shot", "random-prompt", "joint"];
        report.runs.extend(names.map(|method| MethodRun { method: method.into(), ..run.clone() }));
        let text = results_in(&report, WIDTH);
        assert!(is_within(&text, WIDTH), "{text}");
        assert_snapshot!("many_methods", text);
    }

    #[test]
    fn every_target_task_has_its_line_and_few_tasks_are_columns() {
        let mut report = sample();
        for run in &mut report.runs {
            run.also = vec![TaskScore { task: "wic-mini".into(), score: 77.7, ..run.target.clone() }];
            run.unseen.truncate(2);
        }
        assert_snapshot!("two_targets", results_in(&report, 120));
        report.runs.iter_mut().for_each(|run| run.unseen.clear());
        assert_snapshot!("no_held_out_tasks", results_in(&report, WIDTH));
    }
}
