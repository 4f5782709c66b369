//! Decoder-only models through the whole program: tuned, saved, and read again by every command.

use super::*;

/// A copy of `tests/golden/causal/<family>`.
pub fn model(place: &Place, family: &str) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/causal").join(family);
    fs::create_dir_all(place.path(family)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.path(family).join(entry.file_name())).unwrap();
    }
    family.to_owned()
}

fn rows(place: &Place) -> String {
    let row = |n: usize| {
        let words = ["fox", "dog", "cat", "house", "river"];
        let (one, other) = (words[n % 5], words[n * 3 % 5]);
        format!("{{\"input\": \"the {one} sees the {other}\", \"target\": \"the {other}\"}}\n")
    };
    place.write("rows.jsonl", (0..30).map(row).collect::<String>())
}

fn tune(family: &str, method: &str) -> Place {
    let place = Place::new();
    let (model, data) = (model(&place, family), rows(&place));
    let mut args = vec!["tune", "--model", &model, "--task", "text2text", "--method", method];
    args.extend(["--data", &data, "--out", "out", "--device", "cpu"]);
    let mut settings = vec!["prompt.length=3".to_owned(), "prompt.vocabulary=50".to_owned()];
    for stage in ["prompt-tuning", "fine-tuning"] {
        let small = ["steps=2", "batch=4", "checkpoint_every=1"];
        settings.extend(small.map(|setting| format!("stage.{stage}.{setting}")));
    }
    args.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    place.good(&args);
    place
}

#[test]
fn a_tuned_model_and_its_prompt_are_read_by_every_command() {
    for family in ["llama", "gpt-neox"] {
        let place = tune(family, "promot");
        let config: Value = serde_json::from_str(&place.read("out/prompt/adapter_config.json")).unwrap();
        assert_eq!(config["task_type"], "CAUSAL_LM");
        assert!(place.path("out/model/generation_config.json").is_file());
        place.write("in.txt", "the fox sees\n");
        let both = ["--model", "out/model", "--prompt", "out/prompt", "--device", "cpu"];
        let run = |command: &str, rest: &[&str]| place.good(&[&[command], &both[..], rest].concat());
        let generate = ["--input-file", "in.txt", "--max-new", "4"];
        let prompted = run("generate", &generate);
        let bare = [&["generate", "--model", "out/model", "--device", "cpu"], &generate[..]].concat();
        assert_ne!(place.good(&bare), prompted, "{family}");
        let scores =
            run("eval", &["--tasks", "text2text", "--data", "rows.jsonl", "--limit", "3", "--json", "-"]);
        let scores: Value = serde_json::from_str(&scores).unwrap();
        assert_eq!(scores["model"]["model_type"], family.replace('-', "_"));
        place.write("pairs.jsonl", "{\"input\": \"the fox\", \"target\": \"sees\"}\n");
        let score: Value = serde_json::from_str(&run("score", &["--pairs", "pairs.jsonl"])).unwrap();
        assert!(score["logprob"].as_f64().unwrap() < 0.0);
        let inspected = run("inspect", &["--before", family, "--nearest", "2", "--json", "-"]);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        let changes = inspected["moved"].as_array().unwrap();
        assert!(changes.iter().any(|row| row["layer"] == 0 && row["change"].as_f64().unwrap() > 0.0));
        let vectors = inspected["prompt"].as_array().unwrap();
        assert_eq!((vectors.len(), vectors[0]["near"].as_array().unwrap().len()), (3, 2));
        // One text, as the tokenizer has it.
        place.write("texts.txt", "the fox sees\nthe fox\n");
        let lines = json_lines(&place.good(&["tokenize", "--model", "out/model", "--file", "texts.txt"]));
        let [ids, input] = [0, 1].map(|n| serde_json::from_value::<Vec<u32>>(lines[n].clone()).unwrap());
        let target: Vec<u32> = serde_json::from_value(score["token_ids"].clone()).unwrap();
        assert_eq!([&input[..], &target[..target.len() - 1]].concat(), ids, "{family}");
    }
}

/// A word that may not be written is not.
#[test]
fn suppressed_words_are_in_no_answer() {
    for (family, word) in [("llama", "near"), ("gpt-neox", "fox"), ("gpt2", "in")] {
        let place = Place::new();
        let model = model(&place, family);
        place.write("in.txt", "the fox sees\na dog\n");
        let mut args = vec!["generate", "--model", &model, "--device", "cpu", "--input-file", "in.txt"];
        args.extend(["--beams", "1", "--max-new", "6", "--min-new", "5"]);
        let outputs = |args: &[&str]| -> Vec<String> {
            let lines = json_lines(&place.good(args));
            lines.iter().map(|line| line["output"].as_str().unwrap().to_owned()).collect()
        };
        let free = outputs(&args);
        let has_word = |output: &String| output.split_whitespace().any(|other| other == word);
        assert!(free.iter().any(has_word), "{family}: {free:?}");
        place.write("words.txt", word);
        let without = outputs(&[&args[..], &["--suppress", "words.txt"]].concat());
        assert!(!without.iter().any(has_word), "{family}: `{word}` in {without:?}");
        if family == "gpt2" {
            continue; // its 64 positions are too few for the longest answers of the task
        }
        place.write("rows.jsonl", "{\"input\": \"the fox sees\", \"target\": \"a dog\"}\n");
        let mut args = vec!["eval", "--model", &model, "--device", "cpu", "--tasks", "text2text"];
        args.extend(["--data", "rows.jsonl", "--suppress", "words.txt", "--json", "-"]);
        let scores: Value = serde_json::from_str(&place.good(&args)).unwrap();
        let signature = scores["scores"][0]["signature"].as_str().unwrap();
        assert!(signature.contains("|suppressed:1"), "{signature}");
    }
}

#[test]
fn generate_and_score_ask_in_the_models_own_chat_template() {
    let place = Place::new();
    let model = model(&place, "llama");
    place.write("in.txt", "the fox sees\n");
    let generate = |file: &str, more: &[&str]| {
        let args = ["generate", "--model", &model, "--input-file", file, "--max-new", "4", "--device", "cpu"];
        json_lines(&place.good(&[&args[..], more].concat())).remove(0)
    };
    let args = ["generate", "--model", &model, "--input-file", "in.txt", "--chat", "--device", "cpu"];
    place.bad(&args, 1, &["chat_template.jinja", "none"]);
    place.write(
        "llama/chat_template.jinja",
        "{% for m in messages %}{{ m.role }} says {{ m.content }}. {% endfor %}answer:",
    );
    let asked = generate("in.txt", &["--chat", "--system", "be brief"]);
    assert_eq!(asked["input"], "the fox sees");
    place.write("plain.txt", "system says be brief. user says the fox sees. answer:\n");
    let plain = generate("plain.txt", &[]);
    assert_eq!((&asked["output"], &asked["score"]), (&plain["output"], &plain["score"]));
    place.bad(&["generate", "--model", &model, "--system", "be brief"], 2, &["--chat"]);
    let score = |input: &str, more: &[&str]| {
        let pair = format!("{{\"input\": \"{input}\", \"target\": \"a dog\"}}\n");
        place.write("pair.jsonl", &pair);
        let args = ["score", "--model", &model, "--pairs", "pair.jsonl", "--device", "cpu"];
        json_lines(&place.good(&[&args[..], more].concat())).remove(0)
    };
    let chat = score("the fox sees", &["--chat", "--system", "be brief"]);
    assert_eq!(chat, score("system says be brief. user says the fox sees. answer:", &[]));
    assert_ne!(chat["logprob"], score("the fox sees", &[])["logprob"]);
}

/// LoRA that is not merged is saved beside the model and read again with `--adapter`.
#[test]
fn an_unmerged_adapter_is_saved_and_read_again() {
    let place = Place::new();
    let (model, data) = (model(&place, "llama"), rows(&place));
    let mut args = vec!["tune", "--model", &model, "--task", "text2text", "--method", "lora"];
    args.extend(["--data", &data, "--out", "out", "--device", "cpu", "--set", "stage.lora.merge=false"]);
    for setting in ["steps=2", "batch=4", "checkpoint_every=1"] {
        args.extend(["--set", ["stage.fine-tuning.", setting].concat().leak()]);
    }
    place.good(&args);
    place.write("pairs.jsonl", "{\"input\": \"the fox\", \"target\": \"sees\"}\n");
    let score = |more: &[&str]| {
        let args = ["score", "--model", "out/model", "--device", "cpu", "--pairs", "pairs.jsonl"];
        let line: Value = serde_json::from_str(&place.good(&[&args[..], more].concat())).unwrap();
        line["logprob"].as_f64().unwrap()
    };
    assert_ne!(score(&[]), score(&["--adapter", "out/adapter"]));
    let args = ["score", "--model", "out/model", "--device", "cpu", "--pairs", "pairs.jsonl", "--adapter"];
    place.bad(&[&args[..], &["nowhere"]].concat(), 1, &["--adapter nowhere", "adapter_config.json"]);
}
