//! Tables for the terminal.

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Attribute, Cell as TableCell, CellAlignment, ContentArrangement, Table};
use promot_core::report::Report;

use crate::summary::{self, Cell, Grid};

/// The result of a run: a row for each method, a column for each score.
pub fn results(report: &Report) -> String {
    let tables: Vec<String> =
        summary::grids(&report.spec.target.task, &report.runs).iter().map(grid).collect();
    tables.join("\n\n")
}

fn grid(grid: &Grid) -> String {
    let mut table = empty();
    table.load_style(UTF8_HORIZONTAL_ONLY).use_stderr();
    let mut header = vec!["method".to_owned(), format!("{} (target)", grid.target)];
    if !grid.tasks.is_empty() {
        header.extend(grid.tasks.iter().cloned());
        header.extend(["Norm. Avg.".to_owned(), "tuned format %".to_owned()]);
    }
    table.set_header(header.iter().map(|text| TableCell::new(text).add_attribute(Attribute::Bold)));
    for row in &grid.rows {
        let numbers = [row.target].into_iter().chain(row.unseen.iter().copied());
        let numbers = numbers.chain([row.norm_avg, row.format_rate]).take(header.len() - 1);
        table.add_row(
            [TableCell::new(&row.method)].into_iter().chain(numbers.map(|cell| TableCell::new(number(cell)))),
        );
    }
    align_right(&mut table);
    let unseen = match (grid.tasks.is_empty(), grid.prompt) {
        (true, _) => String::new(),
        (false, false) => format!("unseen tasks {}-shot; ", grid.shots),
        (false, true) => format!("unseen tasks {}-shot, soft prompt left on; ", grid.shots),
    };
    let several = if grid.rows.iter().any(|row| row.seeds > 1) {
        ", ± 95 % interval of the mean over seeds"
    } else {
        ""
    };
    format!("{unseen}scores in [0, 100]{several}\n{table}")
}

/// Rows of text under headings.
pub fn plain(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = empty();
    table.load_style(NOTHING);
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

pub fn number(cell: Option<Cell>) -> String {
    cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string())
}

fn empty() -> Table {
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn align_right(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_and_score_is_in_the_table() {
        let text = results(&summary::sample::report());
        for part in ["pretrained", "fine-tuning", "promot", "48.5", "92.0 ±12.7", "Norm. Avg.", "1-shot"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn without_unseen_tasks_only_the_target_is_shown() {
        let mut report = summary::sample::report();
        report.runs.iter_mut().for_each(|run| run.unseen.clear());
        let text = results(&report);
        assert!(text.contains("rte-mini") && !text.contains("Norm.") && !text.contains("unseen"), "{text}");
    }
}
