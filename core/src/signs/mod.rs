//! The paper's claims judged by the runs of one or several reports: whose difference has the sign that the paper's has,
//! beyond what rows and seeds explain.
//!
//! A task stands for the paper's where its name begins with it and goes on, if at all, after a `-`: `rte-mini` for `rte`.

mod claims;

use crate::paired::{Difference, Pair, difference};
use crate::record::{MethodRun, Sign, TaskScore, Verdict};
use claims::{CLAIMS, Claim, Expect, On};

pub use claims::Architecture;

/// One sign for each claim, in the list's order; of one about the other architecture no run counts.
pub fn judge(runs: &[MethodRun], of: Architecture) -> Vec<Sign> {
    let about = |claim: &Claim| claim.tuned.of.is_none_or(|other| other == of);
    CLAIMS.iter().map(|claim| sign(claim, if about(claim) { runs } else { &[] })).collect()
}

/// The signs in the order in which a reader should see them: those that disagree first.
pub fn ordered(signs: &[Sign]) -> Vec<&Sign> {
    let mut signs: Vec<&Sign> = signs.iter().collect();
    signs.sort_by_key(|sign| sign.verdict);
    signs
}

/// How many signs have each verdict, in the order of `Verdict::ALL`.
pub fn counts(signs: &[Sign]) -> [(Verdict, usize); 4] {
    Verdict::ALL.map(|verdict| (verdict, signs.iter().filter(|sign| sign.verdict == verdict).count()))
}

fn sign(claim: &Claim, runs: &[MethodRun]) -> Sign {
    let pairs = pairs(claim, runs);
    let borrowed: Vec<Pair> = pairs
        .iter()
        .map(|(one, other)| Pair { one: one.iter().collect(), other: other.iter().collect() })
        .collect();
    let found = difference(&borrowed);
    let mean = |sides: &[&Vec<TaskScore>]| {
        let all: Vec<f64> = sides.iter().flat_map(|side| side.iter().map(|score| score.score)).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    let (ones, others): (Vec<_>, Vec<_>) = pairs.iter().map(|(one, other)| (one, other)).unzip();
    Sign {
        id: claim.id.to_owned(),
        claim: claim.claim.to_owned(),
        paper: claim.paper.to_owned(),
        ours: found.map(|_| (mean(&ones), mean(&others))),
        difference: found.map(|found| found.mean),
        interval: found.and_then(|found| found.interval),
        seeds: pairs.len(),
        verdict: found.map_or(Verdict::NotRun, |found| verdict(claim.expect, found)),
    }
}

fn verdict(expect: Expect, found: Difference) -> Verdict {
    let Some((low, high)) = found.interval else { return Verdict::NotResolved };
    // A difference whose sign is known and as expected, or the contrary.
    let (agrees, disagrees) = match expect {
        Expect::Above => (low > 0.0, high < 0.0),
        Expect::Below => (high < 0.0, low > 0.0),
        Expect::Within(margin) => (low >= -margin && high <= margin, low > margin || high < -margin),
    };
    match (agrees, disagrees) {
        (true, _) => Verdict::Agrees,
        (_, true) => Verdict::Disagrees,
        _ => Verdict::NotResolved,
    }
}

/// The scores of both methods for each seed that has them.
fn pairs(claim: &Claim, runs: &[MethodRun]) -> Vec<(Vec<TaskScore>, Vec<TaskScore>)> {
    let of = |method: &'static str| {
        runs.iter().filter(move |run| run.method == method && is_tuned_on(run, claim.tuned.on))
    };
    let pair = |one: &MethodRun| {
        let other = of(claim.other).find(|other| other.seed == one.seed)?;
        let (one, other) = (scores(claim.on, one)?, scores(claim.on, other)?);
        let same = one.iter().map(|score| &score.task).eq(other.iter().map(|score| &score.task));
        same.then_some((one, other))
    };
    of(claim.one).filter_map(pair).collect()
}

fn stands_for(task: &str, of_paper: &str) -> bool {
    task.split('-').next() == Some(of_paper)
}

fn is_tuned_on(run: &MethodRun, tasks: &[&str]) -> bool {
    run.targets().count() == tasks.len()
        && tasks.iter().all(|task| run.targets().any(|score| stands_for(&score.task, task)))
}

/// The scores that the claim is about; nothing where one is missing.
fn scores(on: On, run: &MethodRun) -> Option<Vec<TaskScore>> {
    let held_out =
        |shots: usize| run.unseen.iter().filter(move |score| score.shots == shots && !score.prompt);
    let named = |tasks: &[&str]| -> Option<Vec<TaskScore>> {
        let one = |task: &&str| held_out(1).find(|score| stands_for(&score.task, task)).cloned();
        tasks.iter().map(one).collect()
    };
    match on {
        On::Target => Some(vec![run.target.clone()]),
        On::Mean(shots) => {
            let all: Vec<TaskScore> = held_out(shots).cloned().collect();
            (!all.is_empty()).then_some(all)
        }
        On::Tasks(tasks) => named(tasks),
        // Which rows were in the format is not kept, so the interval is over seeds.
        On::FormatRate(tasks) => {
            let rate =
                |score: TaskScore| Some(TaskScore { score: score.target_format_rate?, rows: None, ..score });
            named(tasks)?.into_iter().map(rate).collect()
        }
    }
}

#[cfg(test)]
mod tests;
