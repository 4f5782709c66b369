//! `run --dry-run`: the rows, a training row as the model reads it, and the stages that would run.

use crate::experiment::{RUN, place, with};

#[test]
fn a_dry_run_shows_what_would_run_and_writes_nothing() {
    let place = place();
    let dry = |more: &[&'static str]| with(&with(&RUN, &["--dry-run"]), more);
    let has = |text: &str, parts: &[&str]| {
        for part in parts {
            assert!(text.contains(part), "no `{part}` in:\n{text}");
        }
    };
    has(
        &place.good(&dry(&["--out", "out"])),
        &[
            "small: ",
            ", tuned on rte-mini\n",
            "rte-mini: 16 training rows, 4 validation rows, 4 test rows\n",
            "are cut at 48), a target ",
            "the first, without examples before it:\n    input   ",
            "held out, 1-shot: cb-mini (2 rows), wmt_ende-mini (2 rows)\n",
            "pretrained: nothing is trained\n",
            "promot\n    stage 1, prompt-tuning: 2 updates of 4 rows, learning rate ",
            "3 stages to run, 6 updates in all; the report goes to out\n",
        ],
    );
    assert!(!place.path("out").exists());

    place.good(&with(&RUN, &["--out", "out"]));
    has(
        &place.good(&dry(&["--out", "out", "--resume"])),
        &["promot: finished and scored\n", "0 stages to run, 0 updates in all"],
    );
    has(
        &place.good(&dry(&["--out", "other", "--reuse", "out", "--set", "stage.fine-tuning.steps=3"])),
        &[
            "0.3: taken over from out\n",
            ": 3 updates of 4 rows, learning rate 0.001: to run, about 0.1 GiB on the CPU\n",
            "2 stages to run, 6 updates in all",
        ],
    );
    has(
        &place.good(&dry(&[
            "--set",
            "sweep.select=validation",
            "--set",
            "sweep.stage.fine-tuning.batch=2,4",
        ])),
        &["fine-tuning: validation chooses among 2\n", "2 updates of 2 rows", ": the same as above\n"],
    );
    let tune = ["tune", "--model", "mini", "--task", "rte-mini,cb-mini", "--method", "promot", "--dry-run"];
    has(
        &place.good(&tune),
        &[
            "promot-rte-mini+cb-mini: mini, tuned on rte-mini, cb-mini\n",
            "\ncb-mini: ",
            "stage 1, cb-mini, prompt-tuning: ",
            "the report goes to runs/promot-rte-mini+cb-mini\n",
        ],
    );
    if cfg!(target_os = "linux") {
        let large = with(
            &tune,
            &["--set", "stage.fine-tuning.batch=1000000", "--set", "stage.prompt-tuning.batch=1"],
        );
        let text = place.good(&large);
        has(&text, &["\nfine-tuning needs about ", " are free to use; --set stage.fine-tuning.accumulate="]);
        assert!(!text.contains("prompt-tuning needs"), "{text}");
    }
    place.bad(&dry(&["--out", "out"]), 1, &["already holds a run", "--resume goes on with it"]);
    place.bad(&dry(&["--out", "new", "--resume"]), 1, &["expected a run in new"]);
}
