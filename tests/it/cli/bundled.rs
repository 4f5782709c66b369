//! The bundled models by name through the program, and how one is made.

use super::*;

/// A pretraining that ends at once.
fn spec(place: &Place, more: &str) -> String {
    let text = format!(
        "name = \"tiny\"\nseed = 1\nd_model = 16\nd_kv = 4\nd_ff = 24\nlayers = 1\nheads = 4\ntied = true\n\
         max_input = 60\nshort_steps = 2\nshort_input = 30\n{more}\n\
         [training]\nsteps = 4\nbatch = 4\nlearning_rate = 1e-3\nclip_norm = 1.0\ndropout = 0.0\n\
         checkpoint_every = 2\noptimizer = {{ name = \"muon\" }}\n"
    );
    place.write("tiny.toml", text)
}

const PRETRAIN: [&str; 7] = ["pretrain", "--spec", "tiny.toml", "--device", "cpu", "--out", "one"];

/// A stopped pretraining that goes on gives the weights of one that was not, and the folder is a model's.
#[test]
fn both_architectures_are_pretrained_and_go_on_after_a_stop() {
    for (more, model_type) in
        [("matching = true", "t5"), ("architecture = \"llama\"\nkv_heads = 2\nrunning = 0.5", "llama")]
    {
        let place = Place::new();
        spec(&place, more);
        place.good(&PRETRAIN);
        let mut again = PRETRAIN.to_vec();
        again.extend(["--work", "work"]);
        let last = again.iter().position(|arg| *arg == "one").unwrap();
        again[last] = "two";
        let stopped = place.command(&again).env("PROMOT_STOP_AT", "3").output().unwrap();
        assert!(!stopped.status.success() && text(&stopped.stderr).contains("--resume"), "{stopped:?}");
        place.good(&[&again[..], &["--resume"]].concat());
        let weights = |folder: &str| fs::read(place.path(folder).join("model.safetensors")).unwrap();
        assert!(weights("one") == weights("two"), "{model_type}");
        let config: Value = serde_json::from_str(&place.read("one/config.json")).unwrap();
        assert_eq!(config["model_type"], model_type);
        assert!(place.path("one/tokenizer_config.json").is_file());
        place.write("in.txt", "Ada sees a dog.\n");
        let answer =
            ["generate", "--model", "one", "--device", "cpu", "--input-file", "in.txt", "--max-new", "2"];
        assert_eq!(json_lines(&place.good(&answer)).len(), 1);
    }
}

#[test]
fn a_setting_of_the_other_architecture_is_refused() {
    let place = Place::new();
    for (more, part) in [
        ("running = 0.1", "running: expected none"),
        ("architecture = \"llama\"\nmatching = true", "matching: expected none"),
        ("architecture = \"gpt\"", "unknown variant `gpt`, expected `t5` or `llama`"),
    ] {
        spec(&place, more);
        let output = place.run(&PRETRAIN);
        assert!(text(&output.stderr).contains(part), "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn bundled_models_are_listed_and_read_by_every_command() {
    let place = Place::new();
    let list = place.good(&["list", "models"]);
    place.write("in.txt", "Q: Where does Ada live? A:\n");
    let article = "Article: Many people were there. There was a race in Normora. Conrad was fast. Jacob was faster. \
                   The people gave Jacob a cup. One sentence summary:";
    let pair = |winner: &str| {
        let target = format!("{winner} won a race in Normora.");
        serde_json::json!({"input": article, "target": target}).to_string() + "\n"
    };
    place.write("pairs.jsonl", ["Jacob", "Conrad"].map(pair).concat());
    for name in ["mini", "mini-llama"] {
        assert!(list.contains(&format!(" {name} ")) && !list.contains("not in this build"), "{list}");
        let model = ["--model", name, "--device", "cpu"];
        let run = |command: &str, rest: &[&str]| place.good(&[&[command], &model[..], rest].concat());
        assert_eq!(json_lines(&run("generate", &["--input-file", "in.txt", "--beams", "2"])).len(), 1);
        let scores = json_lines(&run("score", &["--pairs", "pairs.jsonl"]));
        let [right, wrong] = [0, 1].map(|pair: usize| scores[pair]["logprob"].as_f64().unwrap());
        assert!(right > wrong, "{name} has read the article wrongly: {right} {wrong}");
        let eval = run("eval", &["--tasks", "wmt_ende-mini", "--limit", "4", "--json", "-"]);
        assert!(eval.contains(&format!("\"{name}\"")), "{eval}");
        // Both have the same words.
        let ids = json_lines(&place.good(&["tokenize", "--model", name, "--file", "in.txt"]));
        assert!(ids[0].as_array().unwrap().len() >= 7, "{ids:?}");
    }
    // What looks like a hub id is looked for there.
    let mut misspelt = place.command(&["generate", "--model", "minni", "--input-file", "in.txt"]);
    let found = "--model: no such folder, and not one of `mini`, `mini-llama`";
    place.bad_command(misspelt.env("HF_HUB_OFFLINE", "1"), 1, &[found, "minni"]);
}

/// Tuned with few steps: prompt and model come back, as of any decoder-only model.
#[test]
fn the_decoder_only_one_is_tuned() {
    let place = Place::new();
    let mut args = vec!["tune", "--model", "mini-llama", "--task", "rte-mini", "--method", "promot"];
    let small =
        ["target.validation_limit=2", "target.test_limit=2", "target.train_limit=16", "prompt.length=3"];
    let stages = ["prompt-tuning", "fine-tuning"].map(|stage| {
        ["steps=2", "batch=4", "checkpoint_every=1"].map(|setting| format!("stage.{stage}.{setting}"))
    });
    let settings = small.into_iter().chain(stages.as_flattened().iter().map(String::as_str));
    args.extend(settings.flat_map(|setting| ["--set", setting]));
    args.extend(["--out", "out", "--device", "cpu"]);
    place.good(&args);
    let config: Value = serde_json::from_str(&place.read("out/prompt/adapter_config.json")).unwrap();
    assert_eq!(config["task_type"], "CAUSAL_LM");
    place.write("in.txt", "Ada sees a dog.\n");
    let tuned = ["generate", "--model", "out/model", "--prompt", "out/prompt", "--device", "cpu"];
    place.good(&[&tuned[..], &["--input-file", "in.txt", "--max-new", "2"]].concat());
    assert!(place.path("out/model/tokenizer_config.json").is_file());
}

#[test]
fn without_a_preset_a_bundled_model_has_the_tours_settings() {
    let place = Place::new();
    let mut args =
        vec!["run", "--model", "mini-llama", "--device", "cpu", "--out", "out", "--models", "none"];
    let stages = ["prompt-tuning", "fine-tuning"]
        .map(|stage| ["steps=2", "batch=4"].map(|setting| format!("stage.{stage}.{setting}")));
    let small =
        ["target.validation_limit=2", "target.test_limit=2", "eval.limit=1", "eval.text=", "prompt.length=2"];
    let settings = small.into_iter().chain(stages.as_flattened().iter().map(String::as_str));
    args.extend(settings.flat_map(|setting| ["--set", setting]));
    place.good(&args);
    let report: Value = serde_json::from_str(&place.read("out/report.json")).unwrap();
    assert_eq!(
        (&report["spec"]["name"], &report["spec"]["target"]["task"]),
        (&"tour".into(), &"rte-mini".into())
    );
    assert_eq!(
        (&report["model"]["name"], &report["model"]["model_type"]),
        (&"mini-llama".into(), &"llama".into())
    );
    assert_eq!(report["runs"].as_array().unwrap().len(), 3);
}
