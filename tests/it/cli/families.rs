//! Encoder-decoders that differ from T5 in more than their sizes, from their folders to tuned ones.

use super::*;

fn folder(place: &Place, golden: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(golden);
    fs::create_dir(place.path("model")).unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        if from.join(name).is_file() {
            fs::copy(from.join(name), place.path("model").join(name)).unwrap();
        }
    }
}

fn tokenize(place: &Place, model: &str) -> String {
    place.good(&["tokenize", "--model", model, "--file", "in.txt"])
}

/// A place with the golden folder's model, and a tuned one that answers otherwise.
fn tuned(golden: &str) -> Place {
    let place = Place::new();
    folder(&place, golden);
    place.write("in.txt", "the red fox\na dog \n");
    place.write("rows.jsonl", "{\"input\": \"the cat\", \"target\": \"a dog\"}\n".repeat(12));
    let mut args = vec!["tune", "--model", "model", "--task", "text2text", "--method", "fine-tuning"];
    args.extend(["--data", "rows.jsonl", "--out", "out", "--device", "cpu"]);
    args.extend(["--set", "stage.fine-tuning.steps=20", "--set", "stage.fine-tuning.batch=4"]);
    args.extend(["--set", "stage.fine-tuning.learning_rate=0.1"]);
    place.good(&args);
    assert_eq!(tokenize(&place, "out/model"), tokenize(&place, "model"));
    let [before, after] = ["model", "out/model"].map(|model| {
        let args =
            ["generate", "--model", model, "--input-file", "in.txt", "--max-new", "8", "--device", "cpu"];
        place.good(&args)
    });
    assert_ne!(before, after);
    place
}

#[test]
fn a_byt5_is_tuned_without_any_tokenizer_file() {
    let place = tuned("byt5");
    assert!(!place.path("out/model/tokenizer.json").exists());
    assert!(tokenize(&place, "model").starts_with("[119,107,104,35,"), "{}", tokenize(&place, "model"));
    place.write("model/tokenizer_config.json", r#"{"tokenizer_class": "T5Tokenizer"}"#);
    let args = ["tokenize", "--model", "model", "--file", "in.txt"];
    place.bad(&args, 1, &["expected tokenizer.json or spiece.model", "found neither"]);
    fs::remove_file(place.path("model/tokenizer_config.json")).unwrap();
    place.bad(&args, 1, &["expected tokenizer.json or spiece.model", "found neither"]);
}

#[test]
fn an_umt5_keeps_a_bias_in_each_block() {
    let place = tuned("t5/umt5");
    let config: Value = serde_json::from_str(&place.read("out/model/config.json")).unwrap();
    assert_eq!(
        (&config["model_type"], &config["architectures"][0]),
        (&"umt5".into(), &"UMT5ForConditionalGeneration".into())
    );
    let weights = fs::read(place.path("out/model/model.safetensors")).unwrap();
    let header = String::from_utf8_lossy(
        &weights[..8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize],
    );
    for layer in 0..3 {
        let name = format!("decoder.block.{layer}.layer.0.SelfAttention.relative_attention_bias.weight");
        assert!(header.contains(&name), "{name}");
    }
}
