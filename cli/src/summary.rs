//! The library's grids, with a made-up report for the tests of what shows them.

pub use promot_core::summary::*;

#[cfg(test)]
pub mod sample;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_averaged_with_their_interval() {
        let report = sample::report();
        let grids = grids(&report.spec.target.task, &report.runs);
        let [grid] = &grids[..] else { panic!("one number of shots gives one grid") };
        assert_eq!((grid.shots, grid.tasks.len()), (1, 8));
        let methods: Vec<&str> = grid.rows.iter().map(|row| row.method.as_str()).collect();
        assert_eq!(methods, ["pretrained", "fine-tuning", "promot"]);
        let [pretrained, fine_tuning, _] = &grid.rows[..] else { panic!("three methods") };
        assert_eq!(pretrained.target, Some(Cell { mean: 48.5, interval: None }));
        assert_eq!(fine_tuning.seeds, 2);
        let target = fine_tuning.target.unwrap();
        assert_eq!(target.mean, 92.0);
        assert!((target.interval.unwrap() - 12.706).abs() < 1e-3, "{target:?}");
        let mean = fine_tuning.unseen.iter().map(|cell| cell.unwrap().mean).sum::<f64>() / 8.0;
        assert!((fine_tuning.norm_avg.unwrap().mean - mean).abs() < 1e-9);
    }
}
