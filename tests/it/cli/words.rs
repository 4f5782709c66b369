//! What the program says, word for word: help and errors. `INSTA_UPDATE=always cargo test ...` takes over new words.

use insta::assert_snapshot;

use crate::{Place, text};

const COMMANDS: [&str; 11] = [
    "run", "tune", "eval", "generate", "score", "tokenize", "metric", "pretrain", "list", "doctor", "inspect",
];

#[test]
fn help() {
    let place = Place::new();
    assert_snapshot!("help", place.good(&["--help"]));
    for command in COMMANDS {
        assert_snapshot!(format!("help_{command}"), place.good(&[command, "--help"]));
    }
}

#[test]
fn errors() {
    let place = Place::new();
    let model = place.model();
    place.write("in.txt", "a dog\n");
    place.write("bytes.txt", b"good\n\xff\xfe\n");
    place.write("pairs.jsonl", "{\"input\": \"a\", \"target\": \"b\"}\n{\"input\": \"a\"}\n");
    place.write("spec.toml", "[fine_tuning]\nsteps = \"many\"\n");
    let commands: [&[&str]; 14] = [
        &["frobnicate"],
        &["eval", "--model", "mini"],
        &["run", "--preset", "tuor"],
        &["run", "--set", "fine_tuning.stepz=1"],
        &["run", "--set", "fine_tuning.steps=many"],
        &["run", "--set", "methods=promott"],
        &["run", "--set", "target.task=rte-mni"],
        &["run", "--set", "prompt.length=5000"],
        &["run", "--set", "fine_tuning.batch=0"],
        &["run", "--spec", "spec.toml"],
        &["generate", "--model", "./nowhere", "--input-file", "in.txt"],
        &["generate", "--model", model, "--beams", "0"],
        &["tokenize", "--model", model, "--file", "bytes.txt"],
        &["score", "--model", model, "--device", "cpu", "--pairs", "pairs.jsonl"],
    ];
    let said = commands.map(|args| {
        let output = place.run(args);
        let status = output.status.code().expect("an end of its own");
        format!("$ promot {}\n{}status {status}\n", args.join(" "), text(&output.stderr))
    });
    assert_snapshot!(said.join("\n"));
}
