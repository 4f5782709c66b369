//! The difference of two methods with its paired 95 % interval over rows and seeds.
//!
//! A percentile bootstrap: each of 2,000 draws takes seeds with replacement, and for each task rows with replacement, the
//! same for both methods and for all seeds of the draw, since every seed answers the same questions. Of one seed the
//! interval is over rows alone; of scores whose rows are not known, over seeds alone; of one such seed there is none.
//! With few seeds it is somewhat narrow, as every bootstrap is.

use rand::Rng as _;
use serde::Serialize;

use crate::metrics::RowScores;
use crate::record::TaskScore;
use crate::rng::{Rng, Streams};

/// Draws of the bootstrap.
pub const DRAWS: usize = 2000;

/// A mean difference, in points of the score, and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub mean: f64,
    /// The 2.5 % and 97.5 % quantiles.
    pub interval: Option<(f64, f64)>,
    /// Two-sided: how often a draw has no difference or one of the other sign, twice; at most 1. It cannot be below
    /// 2 / (draws + 1).
    pub p: Option<f64>,
}

/// Two methods with the same seed on the same tasks, in the same order.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    pub one: Vec<&'a TaskScore>,
    pub other: Vec<&'a TaskScore>,
}

/// The mean over seeds and tasks of `one` less `other`; nothing where there is nothing to compare, or where the tasks
/// of a pair are not the same.
pub fn difference(pairs: &[Pair]) -> Option<Difference> {
    let tasks = pairs.first()?.one.len();
    let whole = |pair: &Pair| pair.one.len() == tasks && pair.other.len() == tasks;
    if tasks == 0 || !pairs.iter().all(whole) {
        return None;
    }
    let mean = pairs.iter().map(|pair| mean(&pair.one) - mean(&pair.other)).sum::<f64>() / pairs.len() as f64;
    let rows: Option<Vec<usize>> = (0..tasks).map(|task| rows(pairs, task)).collect();
    if rows.is_none() && pairs.len() < 2 {
        return Some(Difference { mean, interval: None, p: None });
    }
    let mut rng = Streams::new(0).stream("paired bootstrap");
    let mut drawn: Vec<f64> = (0..DRAWS).map(|_| draw(pairs, rows.as_deref(), &mut rng)).collect();
    drawn.sort_by(f64::total_cmp);
    let beyond = |is: &dyn Fn(&f64) -> bool| drawn.iter().filter(|draw| is(draw)).count() + 1;
    let fewer = beyond(&|draw| *draw <= 0.0).min(beyond(&|draw| *draw >= 0.0));
    let p = (2.0 * fewer as f64 / (DRAWS + 1) as f64).min(1.0);
    Some(Difference { mean, interval: Some((quantile(&drawn, 0.025), quantile(&drawn, 0.975))), p: Some(p) })
}

/// Answers that are right or wrong: the rows that tell two models apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Discordant {
    /// Rows that `one` alone has right.
    pub one_alone: usize,
    /// Rows that `other` alone has right.
    pub other_alone: usize,
    /// McNemar's exact test (1947), two-sided: how likely so uneven a split is where either model is as likely to be the one
    /// that is right.
    pub mcnemar_p: f64,
}

/// Of two models' scores on the same rows; nothing where these are not right or wrong.
pub fn discordant(one: &TaskScore, other: &TaskScore) -> Option<Discordant> {
    let (Some(RowScores::Hits(one)), Some(RowScores::Hits(other))) = (&one.rows, &other.rows) else {
        return None;
    };
    let alone =
        |which: (bool, bool)| one.iter().zip(other).filter(|(one, other)| (**one, **other) == which).count();
    let (one_alone, other_alone) = (alone((true, false)), alone((false, true)));
    Some(Discordant { one_alone, other_alone, mcnemar_p: exact_p(one_alone, other_alone) })
}

/// Twice the lower tail of a binomial distribution with probability 1/2, at most 1. A few lines, not a statistics crate.
fn exact_p(one: usize, other: usize) -> f64 {
    let (fewer, all) = (one.min(other), one + other);
    // Logarithms, since 2^-all is no f64 where models differ on a thousand rows.
    let mut log_term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for count in 1..=fewer {
        log_term += ((all - count + 1) as f64).ln() - (count as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// The 95 % interval of one score over its rows, by the same bootstrap; nothing where its rows are not known.
pub fn interval(score: &TaskScore) -> Option<(f64, f64)> {
    let mut drawn = again(score)?;
    drawn.sort_by(f64::total_cmp);
    Some((quantile(&drawn, 0.025), quantile(&drawn, 0.975)))
}

/// The standard error of one score over its rows, by the same bootstrap, so of any metric; nothing where its rows are
/// not known.
pub fn standard_error(score: &TaskScore) -> Option<f64> {
    let drawn = again(score)?;
    let mean = drawn.iter().sum::<f64>() / DRAWS as f64;
    Some((drawn.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / DRAWS as f64).sqrt())
}

/// One score's draws.
fn again(score: &TaskScore) -> Option<Vec<f64>> {
    let rows = score.rows.as_ref().filter(|rows| !rows.is_empty())?;
    let mut rng = Streams::new(0).stream("paired bootstrap");
    Some((0..DRAWS).map(|_| rows.score(&counts(rows.len(), &mut rng))).collect())
}

/// Of sorted draws.
fn quantile(drawn: &[f64], share: f64) -> f64 {
    drawn[(share * (drawn.len() - 1) as f64).round() as usize]
}

fn mean(scores: &[&TaskScore]) -> f64 {
    scores.iter().map(|score| score.score).sum::<f64>() / scores.len() as f64
}

/// The rows of a task, where all scores of it have the same number of them.
fn rows(pairs: &[Pair], task: usize) -> Option<usize> {
    let mut counts = pairs
        .iter()
        .flat_map(|pair| [pair.one[task], pair.other[task]])
        .map(|score| score.rows.as_ref().map(|rows| rows.len()));
    let first = counts.next()??;
    (first > 0 && counts.all(|count| count == Some(first))).then_some(first)
}

/// How often each of `n` comes up in `n` draws with replacement.
fn counts(n: usize, rng: &mut Rng) -> Vec<u32> {
    let mut counts = vec![0; n];
    for _ in 0..n {
        counts[rng.random_range(0..n)] += 1;
    }
    counts
}

fn draw(pairs: &[Pair], rows: Option<&[usize]>, rng: &mut Rng) -> f64 {
    let seeds = counts(pairs.len(), rng);
    let chosen: Option<Vec<Vec<u32>>> = rows.map(|rows| rows.iter().map(|n| counts(*n, rng)).collect());
    let of = |scores: &[&TaskScore]| match &chosen {
        None => mean(scores),
        Some(chosen) => {
            let again = |(score, counts): (&&TaskScore, &Vec<u32>)| {
                score.rows.as_ref().map_or(score.score, |rows| rows.score(counts))
            };
            scores.iter().zip(chosen).map(again).sum::<f64>() / scores.len() as f64
        }
    };
    let differences = pairs.iter().zip(&seeds).filter(|(_, times)| **times > 0);
    let sum: f64 =
        differences.map(|(pair, times)| f64::from(*times) * (of(&pair.one) - of(&pair.other))).sum();
    sum / pairs.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(rows: RowScores) -> TaskScore {
        let n = rows.len();
        TaskScore {
            task: "t".into(),
            score: rows.score(&vec![1; n]),
            n,
            rows: Some(rows),
            ..TaskScore::default()
        }
    }

    fn hits(n: usize, right: impl Fn(usize) -> bool) -> TaskScore {
        score(RowScores::Hits((0..n).map(right).collect()))
    }

    #[test]
    fn rows_that_tell_models_apart_are_tested_as_by_statsmodels() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/metrics/mcnemar.json")).unwrap();
        let cases: Vec<(usize, usize, f64)> = serde_json::from_value(golden["cases"].clone()).unwrap();
        assert!(cases.len() > 10);
        for (one, other, expected) in cases {
            // Ten rows that both have right, ten that neither has.
            let a = hits(one + other + 20, |row| row < one || (one + other..one + other + 10).contains(&row));
            let b = hits(one + other + 20, |row| (one..one + other + 10).contains(&row));
            let found = discordant(&a, &b).unwrap();
            assert_eq!((found.one_alone, found.other_alone), (one, other));
            assert!(
                (found.mcnemar_p - expected).abs() < 1e-9 * expected,
                "{one}, {other}: {found:?} {expected}"
            );
        }
        let means = score(RowScores::Means(vec![0.5]));
        assert_eq!(discordant(&means, &means), None);
    }

    #[test]
    fn what_both_get_right_does_not_widen_the_interval() {
        // Half of the rows are right for both; ten of a hundred for the one alone.
        let (one, other) = (hits(100, |row| row < 60), hits(100, |row| row < 50));
        let found = difference(&[Pair { one: vec![&one], other: vec![&other] }]).unwrap();
        assert!((found.mean - 10.0).abs() < 1e-9);
        let (low, high) = found.interval.unwrap();
        // A share of 0.1 of 100 rows: standard error 3, so about 4.1 to 15.9.
        assert!((3.0..6.0).contains(&low) && (14.0..18.0).contains(&high), "{low} to {high}");
        // Independent samples would have a standard error of 7.
        assert_eq!(
            difference(&[Pair { one: vec![&one], other: vec![&other] }]).unwrap(),
            found,
            "a fixed seed"
        );
    }

    #[test]
    fn a_score_has_an_interval_over_its_rows() {
        // A share of 0.5 of 100 rows: standard error 5, so about 40 to 60.
        let (low, high) = interval(&hits(100, |row| row < 50)).unwrap();
        assert!((38.0..42.0).contains(&low) && (58.0..62.0).contains(&high), "{low} to {high}");
        assert_eq!(interval(&hits(9, |_| true)), Some((100.0, 100.0)));
        assert_eq!(interval(&TaskScore::default()), None);
    }

    #[test]
    fn seeds_that_differ_widen_it_and_equal_methods_have_no_width() {
        let pairs: Vec<(TaskScore, TaskScore)> =
            [50, 60, 70, 80].map(|right| (hits(100, |row| row < right), hits(100, |row| row < 50))).into();
        let of = |pairs: &[(TaskScore, TaskScore)]| {
            let pairs: Vec<Pair> =
                pairs.iter().map(|(one, other)| Pair { one: vec![one], other: vec![other] }).collect();
            difference(&pairs).unwrap()
        };
        let found = of(&pairs);
        assert!((found.mean - 15.0).abs() < 1e-9);
        let (low, high) = found.interval.unwrap();
        assert!(low < 6.0 && high > 24.0, "{low} to {high}");
        let same = of(&[(hits(9, |row| row < 5), hits(9, |row| row < 5))]);
        assert_eq!((same.mean, same.interval), (0.0, Some((0.0, 0.0))));
    }

    #[test]
    fn without_rows_seeds_alone_give_the_interval() {
        let plain = |score| TaskScore { task: "t".into(), score, ..TaskScore::default() };
        let (low, high) = (plain(10.0), plain(30.0));
        let one = Pair { one: vec![&high], other: vec![&low] };
        assert_eq!(
            difference(std::slice::from_ref(&one)),
            Some(Difference { mean: 20.0, interval: None, p: None })
        );
        let other = Pair { one: vec![&low], other: vec![&low] };
        let both = difference(&[one, other]).unwrap();
        assert_eq!((both.mean, both.interval), (10.0, Some((0.0, 20.0))));
        assert_eq!(difference(&[]), None);
        assert_eq!(difference(&[Pair { one: vec![&low], other: Vec::new() }]), None);
    }
}
