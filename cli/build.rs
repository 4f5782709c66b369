//! Puts the bundled model into the program where the checkout has one, so that the program runs from anywhere.
//! A checkout without it (before `promot pretrain` has made one) still builds; the program then says so.

use std::path::Path;
use std::{env, fs};

const FILES: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("../public/models/mini");
    println!("cargo::rerun-if-changed={}", folder.display());
    let complete = FILES.iter().all(|name| folder.join(name).is_file());
    let code = if complete {
        let fields: String = FILES
            .iter()
            .map(|name| {
                let path = folder.join(name);
                println!("cargo::rerun-if-changed={}", path.display());
                let field = name.split('.').next().expect("a split has a first part");
                format!("{field}: include_bytes!({path:?}), ")
            })
            .collect();
        format!("Some(Bundled {{ {fields} }})")
    } else {
        "None".to_owned()
    };
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("bundled.rs"), code).expect("the build folder can be written");
}
