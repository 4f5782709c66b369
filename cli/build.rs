//! Puts the bundled models into the program where the checkout has them, so that the program runs from anywhere.
//! A checkout without them (before `promot pretrain` has made them) still builds; the program then says so.

use std::path::Path;
use std::{env, fs};

/// As in `src/bundled.rs`.
const MODELS: [&str; 2] = ["mini", "mini-llama"];

const FILES: [&str; 4] = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let models: Vec<String> =
        MODELS.iter().map(|name| model(&Path::new(&root).join("../public/models").join(name))).collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let code = format!("[{}]", models.join(", "));
    fs::write(Path::new(&out).join("bundled.rs"), code).expect("the build folder can be written");
}

/// The files of a model's folder as an expression, `None` unless all are there.
fn model(folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", folder.display());
    if !FILES.iter().all(|name| folder.join(name).is_file()) {
        return "None".to_owned();
    }
    let fields = FILES.map(|name| {
        let path = folder.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let field = name.split('.').next().expect("a split has a first part");
        format!("{field}: include_bytes!({path:?})")
    });
    format!("Some(Files {{ {} }})", fields.join(", "))
}
