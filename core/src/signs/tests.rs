use std::collections::BTreeMap;

use super::*;
use crate::metrics::RowScores;
use crate::record::SweepPoint;

fn score(task: &str, shots: usize, right: usize) -> TaskScore {
    let rows = RowScores::Hits((0..200).map(|row| row < right).collect());
    let score = rows.score(&[1; 200]);
    TaskScore { task: task.into(), shots, score, n: 200, rows: Some(rows), ..TaskScore::default() }
}

/// A run on RTE: rows right of the target, of the others, and of CB.
fn run(method: &str, seed: u64, target: usize, others: usize, cb: usize) -> MethodRun {
    MethodRun {
        method: method.into(),
        seed,
        target: score("rte-mini", 0, target),
        also: Vec::new(),
        unseen: vec![
            score("cb-mini", 1, cb),
            score("wic-mini", 1, cb),
            score("triviaqa-mini", 1, others),
            score("wmt_ende-mini", 1, others),
        ],
        text: Vec::new(),
        norm_avg: BTreeMap::new(),
        swept: BTreeMap::new(),
        chosen: BTreeMap::new(),
        points: Vec::<SweepPoint>::new(),
        steps: Vec::new(),
        seconds: BTreeMap::new(),
    }
}

fn runs() -> Vec<MethodRun> {
    (0..3)
        .flat_map(|seed| {
            [
                run("pretrained", seed, 90, 120, 60),
                run("fine-tuning", seed, 180, 10, 100),
                run("promot", seed, 180, 119, 20),
            ]
        })
        .collect()
}

fn of<'a>(signs: &'a [Sign], id: &str) -> &'a Sign {
    signs.iter().find(|sign| sign.id == id).unwrap()
}

#[test]
fn claims_are_many_have_distinct_names_and_name_known_methods_and_tasks() {
    let mut ids: Vec<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
    assert!(ids.len() >= 20);
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let methods: Vec<&str> = crate::spec::list().iter().map(|entry| entry.name).collect();
    for claim in CLAIMS {
        assert!(claim.claim.ends_with('.') && !claim.paper.is_empty(), "{}", claim.id);
        for method in [claim.one, claim.other] {
            // A recipe of the user's own, as README names it.
            assert!(methods.contains(&method) || method == "lora-first", "{}: {method}", claim.id);
        }
        let tasks = match claim.on {
            On::Target | On::Mean(_) => &[],
            On::Tasks(tasks) | On::FormatRate(tasks) => tasks,
        };
        for task in claim.tuned.on.iter().chain(tasks) {
            crate::task::built_in().by_name(task).unwrap();
        }
    }
}

#[test]
fn a_sign_is_judged_by_its_interval() {
    let signs = judge(&runs(), Architecture::EncoderDecoder);
    let verdict = |id: &str| of(&signs, id).verdict;
    // Target: both tuned ones are far above pretrained, and equal.
    assert_eq!((verdict("P-44n"), verdict("P-43b")), (Verdict::Agrees, Verdict::NotResolved));
    // 59.5 and 60 of 100: within 3 points.
    assert_eq!(verdict("P-44i"), Verdict::Agrees);
    // ProMoT has lost CB and WiC here.
    let classes = of(&signs, "P-44k");
    assert_eq!((classes.verdict, classes.seeds), (Verdict::Disagrees, 3));
    assert_eq!(classes.ours, Some((10.0, 30.0)));
    assert!((classes.difference.unwrap() + 20.0).abs() < 1e-9 && classes.interval.unwrap().1 < 0.0);
    // No summaries, no 4-shot scores, another target, other methods.
    for id in ["P-44j", "P-44f", "P-45a", "P-46a", "P-43a", "P-48a"] {
        assert_eq!(verdict(id), Verdict::NotRun, "{id}");
    }
    assert_eq!(ordered(&signs)[0].verdict, Verdict::Disagrees);
    assert_eq!(counts(&signs).iter().map(|(_, count)| count).sum::<usize>(), CLAIMS.len());
}

#[test]
fn without_an_interval_nothing_is_resolved() {
    let mut runs = runs();
    runs.retain(|run| run.seed == 0);
    runs.iter_mut().for_each(|run| {
        run.target.rows = None;
        run.unseen.iter_mut().for_each(|score| score.rows = None);
    });
    let signs = judge(&runs, Architecture::EncoderDecoder);
    let sign = of(&signs, "P-44n");
    assert_eq!((sign.verdict, sign.interval, sign.difference), (Verdict::NotResolved, None, Some(45.0)));
}

/// Tables 2 and 10 of the paper: mT5 tuned on En-Fr by ProMoT is above pretrained, PaLM below.
#[test]
fn a_decoder_only_model_tuned_on_en_fr_is_held_against_the_numbers_of_one() {
    let mut runs = runs();
    for run in &mut runs {
        run.target.task = "wmt_enfr-mini".into();
    }
    let judged = |of| judge(&runs, of);
    for (of, ours, others) in [
        (Architecture::EncoderDecoder, ["P-45a", "P-45b", "P-43d"], ["P-47a", "P-47c", "P-47e"]),
        (Architecture::DecoderOnly, ["P-47a", "P-47c", "P-47e"], ["P-45a", "P-45b", "P-43d"]),
    ] {
        let signs = judged(of);
        for (ours, other) in ours.into_iter().zip(others) {
            assert_ne!(self::of(&signs, ours).verdict, Verdict::NotRun, "{of:?}: {ours}");
            assert_eq!(self::of(&signs, other).verdict, Verdict::NotRun, "{of:?}: {other}");
        }
    }
    // The held-out mean falls below pretrained: mT5's did not, PaLM's did.
    let verdict = |signs: &[Sign], id| of(signs, id).verdict;
    assert_eq!(verdict(&judged(Architecture::EncoderDecoder), "P-45b"), Verdict::Disagrees);
    assert_eq!(verdict(&judged(Architecture::DecoderOnly), "P-47c"), Verdict::Agrees);
}
