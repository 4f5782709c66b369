//! Tables for the terminal.

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Attribute, Cell as TableCell, CellAlignment, ContentArrangement, Table};
use promot_core::report::Report;
use promot_core::summary::{Cell, Grid, grids};

/// The result of a run: a row for each method, a column for each score.
pub fn results(report: &Report) -> String {
    let tables: Vec<String> = grids(&report.runs).iter().map(grid).collect();
    tables.join("\n\n")
}

fn grid(grid: &Grid) -> String {
    let mut table = empty();
    table.load_style(UTF8_HORIZONTAL_ONLY).use_stderr();
    let mut header = vec!["method".to_owned()];
    header.extend(grid.targets.iter().map(|task| format!("{task} (target)")));
    if !grid.tasks.is_empty() {
        header.extend(grid.tasks.iter().cloned());
        header.extend(["Norm. Avg.".to_owned(), "tuned format %".to_owned()]);
    }
    table.set_header(header.iter().map(|text| TableCell::new(text).add_attribute(Attribute::Bold)));
    for row in &grid.rows {
        let numbers = row.targets.iter().chain(&row.unseen).copied();
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
    let intervals = if grid.has_intervals() { ", ± 95 % interval of the mean over seeds" } else { "" };
    format!("{unseen}scores in [0, 100]{intervals}\n{table}")
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
    use promot_core::report::TaskScore;

    use super::*;

    #[test]
    fn seeds_are_averaged_with_their_interval() {
        let report = crate::sample::report();
        let grids = grids(&report.runs);
        let [grid] = &grids[..] else { panic!("one number of shots gives one grid") };
        assert_eq!((grid.shots, grid.tasks.len()), (1, 8));
        let methods: Vec<&str> = grid.rows.iter().map(|row| row.method.as_str()).collect();
        assert_eq!(methods, ["pretrained", "fine-tuning", "promot"]);
        let [pretrained, fine_tuning, _] = &grid.rows[..] else { panic!("three methods") };
        assert_eq!(pretrained.targets, [Some(Cell { mean: 48.5, interval: None })]);
        assert_eq!(fine_tuning.seeds, 2);
        let target = fine_tuning.targets[0].unwrap();
        assert_eq!(target.mean, 92.0);
        assert!((target.interval.unwrap() - 12.706).abs() < 1e-3, "{target:?}");
        let mean = fine_tuning.unseen.iter().map(|cell| cell.unwrap().mean).sum::<f64>() / 8.0;
        assert!((fine_tuning.norm_avg.unwrap().mean - mean).abs() < 1e-9);
    }

    #[test]
    fn every_tuned_task_has_its_column() {
        let mut report = crate::sample::report();
        for run in &mut report.runs {
            run.also = vec![TaskScore { task: "wic-mini".into(), score: 77.7, ..run.target.clone() }];
        }
        let text = results(&report);
        for part in ["rte-mini (target)", "wic-mini (target)", "92.0 ±12.7", "77.7"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn every_method_and_score_is_in_the_table() {
        let text = results(&crate::sample::report());
        for part in ["pretrained", "fine-tuning", "promot", "48.5", "92.0 ±12.7", "Norm. Avg.", "1-shot"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn without_unseen_tasks_only_the_target_is_shown() {
        let mut report = crate::sample::report();
        report.runs.iter_mut().for_each(|run| run.unseen.clear());
        let text = results(&report);
        assert!(text.contains("rte-mini") && !text.contains("Norm.") && !text.contains("unseen"), "{text}");
    }
}
