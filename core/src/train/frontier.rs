//! The frontier: for every checkpoint of every sweep point's last stage, what the target gained and what the held-out
//! tasks kept.

use std::collections::BTreeMap;

use super::checkpoint_choice::candidates;
use crate::metrics::Metric;
use crate::record::{FrontierPoint, StepRecord};
use crate::spec::{Recipe, Run};
use crate::task::Task;

/// The points of one recipe (a sweep's point) that has these records. `chosen`: whether validation chose this one.
pub(super) fn frontier(
    run: &Run,
    (method, seed): (&str, u64),
    point: &Recipe,
    steps: &[StepRecord],
    chosen: bool,
) -> Vec<FrontierPoint> {
    let Some(last) = steps.last().map(|record| record.stage.index) else { return Vec::new() };
    let records = || steps.iter().filter(|record| record.stage.index == last);
    let within = point.stages.last().map_or(0.0, |stage| stage.training.keep_earliest_within);
    let kept = candidates(records(), within).into_iter().next();
    let kept = kept.filter(|_| chosen).map(|record| (&record.stage, record.step));
    let tuned: Vec<&Task> =
        run.target.tasks().into_iter().filter_map(|name| run.tasks.by_name(name).ok()).collect();
    let of_record = |record: &StepRecord| {
        let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let mut other = Vec::new();
        for (name, score) in &record.unseen {
            let Ok(task) = run.tasks.by_name(name) else { continue };
            groups.entry(group(task).to_owned()).or_default().push(*score);
            if !tuned.iter().any(|target| target.shares_format(task)) {
                other.push(*score);
            }
        }
        let all: Vec<f64> = record.unseen.values().copied().collect();
        Some(FrontierPoint {
            method: method.to_owned(),
            seed,
            swept: point.swept.clone(),
            stage: record.stage.clone(),
            step: record.step,
            validation: record.validation?,
            held_out: mean(&all)?,
            other_format: mean(&other),
            groups: groups.into_iter().filter_map(|(name, scores)| Some((name, mean(&scores)?))).collect(),
            chosen: kept == Some((&record.stage, record.step)),
        })
    };
    records().filter_map(of_record).collect()
}

/// The kind of task, by what its answers are scored with.
fn group(task: &Task) -> &'static str {
    match task.metric {
        Metric::Accuracy => "classification",
        Metric::ExactMatch(_) | Metric::Contains(_) => "question answering",
        Metric::Bleu | Metric::Chrf => "translation",
        Metric::Rouge2 | Metric::Rouge2Unicode => "summarization",
    }
}

fn mean(scores: &[f64]) -> Option<f64> {
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;
    use crate::task::built_in;

    #[test]
    fn checkpoints_have_their_place_and_the_first_of_the_best_is_chosen() {
        let mut spec = RunSpec::default();
        spec.target.task = "rte".into();
        let run = spec.resolve(built_in()).unwrap();
        let record = |stage: &str, step, validation, unseen: &[(&str, f64)]| StepRecord {
            stage: stage.parse().unwrap(),
            step,
            validation,
            unseen: unseen.iter().map(|(task, score)| ((*task).to_owned(), *score)).collect(),
            ..StepRecord::default()
        };
        let tasks = |all: f64| [("cb", 90.0), ("wmt_ende", all), ("wmt_enro", all + 2.0), ("xsum", 10.0)];
        let steps = [
            record("stage 1", 10, Some(99.0), &tasks(1.0)),
            record("stage 2", 0, None, &tasks(1.0)),
            record("stage 2", 5, Some(80.0), &tasks(20.0)),
            record("stage 2", 10, Some(80.0), &tasks(10.0)),
            record("stage 2", 15, Some(70.0), &[]),
        ];
        let points = frontier(&run, ("promot", 4), &run.recipes[2], &steps, true);
        let steps_of: Vec<_> = points.iter().map(|point| (point.step, point.chosen)).collect();
        assert_eq!(steps_of, [(5, true), (10, false)]);
        let first = &points[0];
        assert_eq!((first.method.as_str(), first.seed, first.validation), ("promot", 4, 80.0));
        assert_eq!((first.held_out, first.other_format), (35.5, Some(52.0 / 3.0)));
        assert_eq!((first.groups["classification"], first.groups["translation"]), (90.0, 21.0));
        let others = frontier(&run, ("promot", 4), &run.recipes[2], &steps, false);
        assert!(others.iter().all(|point| !point.chosen));
        assert!(frontier(&run, ("pretrained", 4), &run.recipes[0], &[], true).is_empty());
    }
}
