//! Which checkpoint of a stage is kept: the one with the best validation score, or the earliest that is within so many
//! standard errors of it. With one standard error that is the rule of Breiman et al. (Classification and Regression
//! Trees, 1984), where a tree's size is the number of steps here.

use crate::record::StepRecord;

/// The checkpoints that may still be the kept one when later ones come, the first of them the one that is kept now.
///
/// A checkpoint is close enough if its score is no lower than any checkpoint's score less `within` of its standard
/// errors. That bound can only rise, so what has left this list never comes back, and the models of all others can be
/// dropped.
pub(super) fn candidates<'a>(
    records: impl IntoIterator<Item = &'a StepRecord>,
    within: f64,
) -> Vec<&'a StepRecord> {
    let mut found: Vec<(&StepRecord, f64)> = Vec::new();
    let mut bound = f64::NEG_INFINITY;
    for record in records {
        let Some(score) = record.validation else { continue };
        bound = bound.max(score - within * record.validation_error.unwrap_or(0.0));
        // An earlier checkpoint with this score or a better one is kept for as long as this one would be.
        if found.iter().all(|(_, known)| score > *known) {
            found.push((record, score));
        }
    }
    found.retain(|(_, score)| *score >= bound);
    found.into_iter().map(|(record, _)| record).collect()
}

/// What a stage is compared by, whichever checkpoint of it is kept.
pub(super) fn best_validation(records: &[StepRecord]) -> Option<f64> {
    records.iter().filter_map(|record| record.validation).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(scores: &[(f64, f64)]) -> Vec<StepRecord> {
        let record = |(step, (score, error)): (usize, &(f64, f64))| StepRecord {
            step,
            validation: Some(*score),
            validation_error: Some(*error),
            ..StepRecord::default()
        };
        scores.iter().enumerate().map(record).collect()
    }

    fn steps(scores: &[(f64, f64)], within: f64) -> Vec<usize> {
        candidates(&records(scores), within).iter().map(|record| record.step).collect()
    }

    #[test]
    fn without_leeway_the_first_of_the_best_is_the_only_one() {
        assert_eq!(steps(&[(90.0, 2.0), (93.0, 2.0), (93.0, 2.0), (92.0, 2.0)], 0.0), [1]);
        assert!(candidates(&[StepRecord::default()], 1.0).is_empty());
    }

    #[test]
    fn the_earliest_within_a_standard_error_is_kept_and_later_better_ones_may_follow() {
        // 95 less 1.5 is 93.5: step 2 is the first that reaches it, and 94 and 95 may yet be needed.
        let scores =
            [(79.5, 3.0), (92.0, 2.0), (93.5, 1.7), (93.5, 1.7), (94.0, 1.7), (93.0, 1.8), (95.0, 1.5)];
        assert_eq!(steps(&scores, 1.0), [2, 4, 6]);
        assert_eq!(steps(&scores[..2], 1.0), [1]);
        assert_eq!(steps(&scores, 2.0), [1, 2, 4, 6]);
        assert_eq!(best_validation(&records(&scores)), Some(95.0));
    }

    proptest! {
        /// Whoever keeps the models of the candidates alone has the right one at every checkpoint.
        #[test]
        fn a_candidate_has_been_one_ever_since_it_came(
            scores in prop::collection::vec((0.0..100.0f64, 0.0..5.0f64), 1..20),
            within in 0.0..3.0f64,
        ) {
            let mut kept: Vec<usize> = Vec::new();
            for end in 1..=scores.len() {
                let now = steps(&scores[..end], within);
                prop_assert!(now.iter().all(|step| kept.contains(step) || *step == end - 1));
                kept = now;
            }
            let bound = scores.iter().map(|(score, error)| score - within * error).fold(f64::MIN, f64::max);
            prop_assert_eq!(kept.first().copied(), scores.iter().position(|(score, _)| *score >= bound));
        }
    }
}
