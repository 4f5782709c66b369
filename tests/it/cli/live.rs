//! Event files for TensorBoard, written while a run goes on.

use std::fs;

use crate::Place;
use crate::experiment::{RUN, place, with};

/// The event files of a folder of the run, in the order in which TensorBoard reads them.
fn files(place: &Place, folder: &str) -> Vec<Vec<u8>> {
    let folder = format!("out/tensorboard/{folder}");
    let read = |name: &String| fs::read(place.path(&folder).join(name)).unwrap();
    place.names(&folder).iter().map(read).collect()
}

fn count(file: &[u8], tag: &str) -> usize {
    // A tag with its length before it.
    let sought = [&[tag.len() as u8], tag.as_bytes()].concat();
    file.windows(sought.len()).filter(|part| *part == sought).count()
}

#[test]
fn a_run_can_be_watched_and_a_resumed_one_begins_another_file() {
    let place = place();
    let run = with(&RUN, &["--set", "methods=fine-tuning,promot", "--set", "seeds=3", "--out", "out"]);
    let output = place.command(&run).env("PROMOT_STOP_AT", "1").output().unwrap();
    assert!(!output.status.success());
    place.good(&["run", "--resume", "--out", "out", "--device", "cpu", "--models", "none"]);
    let [first, second] = &files(&place, "fine-tuning-seed-3/stage-1")[..] else { panic!("two files") };
    let counts = |file: &[u8]| ["loss", "validation", "held_out/cb-mini"].map(|tag| count(file, tag));
    assert_eq!((counts(first)[0], counts(second)[0]), (1, 1), "one step before the stop, one after it");
    assert_eq!(counts(first)[1] + counts(second)[1], 2, "a checkpoint at each step");
    // Before the first step, and after one and two.
    assert_eq!(counts(first)[2] + counts(second)[2], 3);
    for stage in ["stage-1", "stage-2"] {
        let file = files(&place, &format!("promot-seed-3/{stage}")).concat();
        assert_eq!((count(&file, "loss"), count(&file, "validation")), (2, 2), "{stage}");
    }
    // What a sweep tries stands side by side.
    let sweep =
        ["--set", "sweep.stage.fine-tuning.learning_rate=1e-3,1e-4", "--set", "sweep.select=validation"];
    fs::remove_dir_all(place.path("out")).unwrap();
    place.good(&with(&with(&RUN, &sweep), &["--set", "methods=fine-tuning", "--out", "out"]));
    for rate in ["0.001", "0.0001"] {
        let file = files(&place, &format!("fine-tuning-learning_rate={rate}-seed-0/stage-1")).concat();
        assert_eq!(count(&file, "loss"), 2, "{rate}");
    }
}
