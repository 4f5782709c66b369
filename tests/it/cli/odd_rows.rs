//! Rows, answers and metrics of the kinds that users of similar programs stumbled over, and the inputs of their reports.

use serde_json::json;

use super::*;

fn pairs(place: &Place) {
    place.write("pairs.jsonl", "{\"input\": \"the red fox\", \"target\": \"a dog\"}\n");
    place.write("in.txt", "the red fox\n");
}

#[test]
fn nothing_is_no_score() {
    let place = Place::new();
    let model = place.model();
    let eval = |file: &str, text: &str| {
        place.write(file, text);
        let args = ["eval", "--model", model, "--device", "cpu", "--tasks", "snli", "--data", file];
        place.bad(&args, 1, &[]);
    };
    eval("rows.jsonl", "");
    eval("rows.jsonl", "\n\n");
    eval("rows.json", "[]");
    eval("rows.csv", "premise,hypothesis,label\n");
    eval("rows.tsv", "premise\thypothesis\tlabel\r");
    eval("rows.csv", "");
    // Every row is left out.
    place.write("rows.csv", "premise,hypothesis,label\na,b,-\nc,d,-\n");
    let args = ["eval", "--model", model, "--device", "cpu", "--tasks", "snli", "--data", "rows.csv"];
    let error = text(&place.run(&args).stderr);
    assert!(error.contains("rows.csv: 2 rows without a gold label left out"), "{error}");
    assert!(error.contains("rows of task snli: expected at least one to score, found none"), "{error}");
    // A split behind the file's end.
    fs::create_dir_all(place.path("data/snli")).unwrap();
    place.write("data/snli/validation.tsv", "premise\thypothesis\tlabel\na\tb\t0\n");
    let args = ["eval", "--model", model, "--device", "cpu", "--tasks", "snli", "--data", "data"];
    place.bad(&args, 1, &["snli/validation.tsv", "8000", "found 1"]);
    let args = [
        &["run", "--data", "data", "--set"][..],
        &["target.task=snli", "--set", "eval.shots=[]", "--out", "out"],
    ]
    .concat();
    place.bad(&args, 1, &["snli/validation.tsv", "7000"]);
    place.write("pairs.jsonl", "\n");
    place.bad(
        &["score", "--model", model, "--device", "cpu", "--pairs", "pairs.jsonl"],
        1,
        &["pairs.jsonl", "at least one row"],
    );
    place.write("hyp", "");
    for metric in ["accuracy", "em", "bleu", "rouge"] {
        place.bad(&["metric", metric, "--hyp", "hyp", "--ref", "hyp"], 1, &["hyp", "at least one line"]);
    }
}

#[test]
fn rows_without_a_gold_label_are_left_out() {
    let place = Place::new();
    let model = place.model();
    let row =
        |label: &str| json!({"premise": "a dog", "hypothesis": "a fox", "label": label}).to_string() + "\n";
    place.write("rows.json", ["neutral", "-", "entailment"].map(row).concat());
    let args = [
        "eval",
        "--model",
        model,
        "--device",
        "cpu",
        "--tasks",
        "snli",
        "--data",
        "rows.json",
        "--json",
        "-",
    ];
    let output = place.run(&args);
    assert!(text(&output.stderr).contains("rows.json: 1 row without a gold label left out"));
    let scores: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!(scores["scores"][0]["n"], 2);
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let place = Place::new();
    let mark = |name: &str, text: &str| place.write(name, format!("\u{feff}{text}"));
    mark("hyp", "yes\nno\n");
    place.write("ref", "yes\nno\n");
    for metric in ["accuracy", "em", "bleu", "rouge"] {
        for (hyp, reference) in [("hyp", "ref"), ("ref", "hyp"), ("hyp", "hyp")] {
            let args = ["metric", metric, "--type", "rouge1", "--hyp", hyp, "--ref", reference];
            let args = if metric == "rouge" { args.to_vec() } else { [&args[..2], &args[4..]].concat() };
            let score: Value = serde_json::from_str(&place.good(&args)).unwrap();
            // Two words are too few for BLEU's four orders: what counts is that the mark makes no difference.
            let plain: Value =
                serde_json::from_str(&place.good(
                    &args.iter().map(|arg| if *arg == "hyp" { "ref" } else { arg }).collect::<Vec<_>>(),
                ))
                .unwrap();
            assert_eq!(score, plain, "{metric}");
        }
    }
    let model = place.model();
    for name in ["config.json", "tokenizer.json"] {
        let file = format!("model/{name}");
        mark(&file, &place.read(&file));
    }
    pairs(&place);
    let generate =
        ["generate", "--model", model, "--device", "cpu", "--input-file", "in.txt", "--max-new", "6"];
    let plain = place.good(&generate);
    mark("in.txt", "the red fox\n");
    assert_eq!(place.good(&generate), plain);
    mark("words.txt", "dog\n");
    place.good(&[&generate[..], &["--suppress", "words.txt"]].concat());
    mark("task.toml", "name = 'mine'\nlike = 'text2text'\n");
    mark("rows.jsonl", "{\"input\": \"a\", \"target\": \"b\"}\n");
    place.good(&[
        "eval",
        "--model",
        model,
        "--device",
        "cpu",
        "--tasks",
        "task.toml",
        "--data",
        "rows.jsonl",
    ]);
    mark("spec.toml", "version = 2\nbase = 'tour'\nmodel = './nowhere'\n");
    place.bad(&["run", "--spec", "spec.toml", "--out", "out"], 1, &["./nowhere"]);
    // Lines of old Macs.
    place.write("hyp", "yes\rno\r");
    let score: Value =
        serde_json::from_str(&place.good(&["metric", "accuracy", "--hyp", "hyp", "--ref", "ref"])).unwrap();
    assert_eq!((score["score"].as_f64(), score["n"].as_u64()), (Some(100.0), Some(2)));
}

#[test]
fn rouge_of_another_script_warns_and_has_a_tokenizer() {
    let place = Place::new();
    place.write("hyp", "кот спит дома\n");
    let args = ["metric", "rouge", "--type", "rouge1", "--hyp", "hyp", "--ref", "hyp"];
    let output = place.run(&args);
    assert!(
        text(&output.stderr).starts_with("warning: the references of 1 of 1 rows"),
        "{}",
        text(&output.stderr)
    );
    let score: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!((score["score"].as_f64(), score["warnings"].as_array().unwrap().len()), (Some(0.0), 1));
    let score: Value =
        serde_json::from_str(&place.good(&[&args[..], &["--rouge-tokenizer", "unicode"]].concat())).unwrap();
    assert!((score["score"].as_f64().unwrap() - 100.0).abs() < 1e-9 && score.get("warnings").is_none());
    place.bad(&[&args[..], &["--rouge-tokenizer", "unicod"]].concat(), 2, &["unicod", "unicode"]);
}

/// The reports' own inputs, where `../shared/reports` beside the repository has them.
#[test]
fn the_reports_have_their_right_answers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reports");
    if !root.is_dir() {
        return skip::skip("data", "no reports in ../shared");
    }
    let run = |name: &str, args: &[&str]| {
        let folder = root.join(name);
        let command =
            Command::new(env!("CARGO_BIN_EXE_promot")).args(args).current_dir(&folder).output().unwrap();
        let expected = fs::read(folder.join("expected.json")).ok();
        let expected: Value =
            expected.map(|bytes| serde_json::from_slice(&bytes).unwrap()).unwrap_or_default();
        (command.status.code(), text(&command.stdout), text(&command.stderr), expected)
    };
    for name in ["01-embedding-name", "05-eos-list"] {
        let (_, out, _, expected) =
            run(name, &["score", "--model", ".", "--pairs", "pairs.jsonl", "--device", "cpu"]);
        for (line, expected) in json_lines(&out).iter().zip(expected["logprob"].as_array().unwrap()) {
            assert!((line["logprob"].as_f64().unwrap() - expected.as_f64().unwrap()).abs() < 1e-3, "{name}");
        }
    }
    let greedy = [
        "generate",
        "--model",
        ".",
        "--input-file",
        "in.txt",
        "--beams",
        "1",
        "--max-new",
        "6",
        "--device",
        "cpu",
    ];
    let (_, out, _, expected) = run("05-eos-list", &greedy);
    assert!(
        json_lines(&out).iter().any(|line| line["output"] == expected["greedy text up to the end"]),
        "{out}"
    );
    let (_, out, _, expected) =
        run("09-newline-symbol", &["score", "--model", ".", "--pairs", "pairs.jsonl", "--device", "cpu"]);
    let ids: Vec<Value> = json_lines(&out).iter().map(|line| line["token_ids"].clone()).collect();
    assert_eq!(json!(ids), expected["token_ids"]);
    let (_, out, _, expected) = run("10-mt5-sentinel", &["tokenize", "--model", ".", "--file", "texts.txt"]);
    assert_eq!(json!(json_lines(&out)), expected["ids"]);
    let (_, out, _, expected) = run("11-start-mark", &greedy);
    let outputs: Vec<Value> = json_lines(&out).iter().map(|line| line["output"].clone()).collect();
    assert_eq!(json!(outputs), expected["output"]);
    for (name, part) in
        [("06-overflowed-half", "wo.weight"), ("12-id-gap", "450"), ("04-lfs-pointer", "Git LFS")]
    {
        let args: &[&str] = if name.starts_with("04") {
            &["score", "--model", ".", "--pairs", "pairs.jsonl", "--device", "cpu"]
        } else {
            &greedy
        };
        let (status, out, error, _) = run(name, args);
        assert_eq!((status, out.as_str()), (Some(1), ""), "{name}");
        assert!(error.contains(part) && error.lines().count() <= 2, "{name}: {error}");
    }
}
