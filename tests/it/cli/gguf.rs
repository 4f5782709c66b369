//! A GGUF file wherever a model is named.

use serde_json::json;

use super::*;

fn golden_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name)
}

fn file(place: &Place, name: &str) -> String {
    fs::copy(golden_folder("gguf").join(name), place.path(name)).unwrap();
    name.to_owned()
}

fn tokenize(place: &Place, model: &str) -> String {
    place.good(&["tokenize", "--model", model, "--file", "in.txt"])
}

#[test]
fn every_command_reads_it_and_tune_saves_a_folder() {
    let place = Place::new();
    let model = file(&place, "llama.gguf");
    place.write("in.txt", "The cat sat.\n");
    let ids = tokenize(&place, &model);
    let generate = |model: &str| {
        place.good(&[
            "generate",
            "--model",
            model,
            "--input-file",
            "in.txt",
            "--max-new",
            "8",
            "--device",
            "cpu",
        ])
    };
    let answer = generate(&model);
    place.write("rows.jsonl", "{\"input\": \"The cat\", \"target\": \"sat\"}\n".repeat(12));
    let mut args = vec!["tune", "--model", &model, "--task", "text2text", "--method", "fine-tuning"];
    args.extend(["--data", "rows.jsonl", "--out", "out", "--device", "cpu"]);
    args.extend(["--set", "stage.fine-tuning.steps=1", "--set", "stage.fine-tuning.batch=2"]);
    place.good(&args);
    assert_eq!(tokenize(&place, "out/model"), ids);
    assert_ne!(generate("out/model"), answer);
    let config: Value = serde_json::from_str(&place.read("out/model/config.json")).unwrap();
    assert_eq!((&config["model_type"], &config["hidden_size"]), (&json!("llama"), &json!(64)));
}

#[test]
fn run_takes_model_and_task_by_their_own_options() {
    let place = Place::new();
    let model = file(&place, "llama.gguf");
    place.write("rows.jsonl", "{\"input\": \"The cat\", \"target\": \"sat\"}\n".repeat(12));
    let mut args =
        vec!["run", "--model", &model, "--task", "text2text", "--data", "rows.jsonl", "--out", "out"];
    args.extend([
        "--device",
        "cpu",
        "--models",
        "none",
        "--set",
        "methods=fine-tuning",
        "--set",
        "eval.shots=[]",
    ]);
    args.extend([
        "--set",
        "stage.fine-tuning.steps=1",
        "--set",
        "stage.fine-tuning.batch=2",
        "--set",
        "eval.beams=1",
    ]);
    place.good(&args);
    let report: Value = serde_json::from_str(&place.read("out/report.json")).unwrap();
    let spec = &report["spec"];
    assert_eq!((&spec["model"], &spec["target"]["task"]), (&json!("llama.gguf"), &json!("text2text")));
    assert_eq!(spec["name"], "paper", "a model of one's own is tuned with the paper's settings");
    // Without data the error says what to do.
    place.bad(&["run", "--model", &model, "--out", "none", "--device", "cpu"], 1, &["--data"]);
}

#[test]
fn a_tokenizer_beside_it_counts_more_than_its_own() {
    let place = Place::new();
    let model = file(&place, "llama.gguf");
    place.write("in.txt", "the fox\n");
    let own = tokenize(&place, &model);
    fs::copy(golden_folder("causal/qwen2/tokenizer.json"), place.path("tokenizer.json")).unwrap();
    assert_ne!(tokenize(&place, &model), own);
}

#[test]
fn another_file_is_refused() {
    let place = Place::new();
    place.write("in.txt", "a\n");
    place.write("model.bin", "no model");
    let expected =
        "--model model.bin: expected a folder in Hugging Face layout or a GGUF file, found another file";
    place.bad(&["tokenize", "--model", "model.bin", "--file", "in.txt"], 1, &[expected]);
    let whole = fs::read(golden_folder("gguf/llama.gguf")).unwrap();
    place.write("cut.gguf", &whole[..whole.len() - 100]);
    let generate = ["generate", "--model", "cut.gguf", "--input-file", "in.txt", "--device", "cpu"];
    place.bad(&generate, 1, &["it is cut off"]);
}
