//! The rules of ARCHITECTURE.md that a program can see in the sources: which module may import which, and what
//! must never stand in the library. The sources of every crate are parsed; exceptions are listed here, each with its
//! reason, and an exception that nothing needs any more is an error. `planted.rs` shows that the rules find breaches.

mod planted;
mod rules;
mod source;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use rules::{Breach, Circle, Tests};
use serde_json::Value;
use tree::{File, Tree};

/// An import that a rule would refuse: the file, the module, and why it may stay.
type Exception = (&'static str, &'static str, &'static str);

const ORDER_EXCEPTIONS: &[Exception] = &[];

const MODEL_EXCEPTIONS: &[Exception] = &[(
    "core/src/model/folder.rs",
    "tokenizer",
    "a model folder holds the weights and their tokenizer, and hands both out together; the model itself sees ids",
)];

/// Parents that hold what their children share and call them: a trait and its list, a type and its parsers. The
/// children need the parent and not each other. A new one is better cut: what is shared gets a file of its own.
const FRONTS: &[(&str, &str)] = &[
    ("core/src/data/mod.rs", "rows, and which parser reads which format"),
    ("core/src/metrics/mod.rs", "a score, and the list of all metrics"),
    ("core/src/model/mod.rs", "what every architecture gives, and the list of them"),
    ("core/src/peft/mod.rs", "what an adapter's folder holds, and which kind reads it"),
];

/// Files and folders that compare text with literals because reading text is what they do, each with what it reads.
/// Whatever else decides by what a text says is a breach: an error, a stage, a task or a method has a type.
const READERS: &[(&str, &str)] = &[
    ("app/src/fetch.rs", "the content type of an answer"),
    ("app/src/page/ask.rs", "names of keys, as browsers give them"),
    ("app/src/page/glossary.rs", "names of keys, as browsers give them"),
    ("app/src/state/place.rs", "the fields of a link"),
    ("app/src/worker/gpu.rs", "WebGPU's names of errors, and shaders"),
    ("cli/src/args.rs", "the argument parser's message, to shorten it"),
    ("cli/src/files/hub/mod.rs", "names of a model's files, and HF_HUB_OFFLINE"),
    ("cli/src/files/run_folder.rs", "names of checkpoint folders"),
    ("core/src/content.rs", "what stands in a file's place"),
    ("core/src/data/packed/parquet/schema.rs", "names that old writers give to the elements of lists"),
    ("core/src/data/segments.rs", "SGML, and the ending of its files"),
    ("core/src/data/splits.rs", "names of files"),
    ("core/src/metrics", "answers"),
    ("core/src/model/causal/config.rs", "`model_type` and names of layers and functions in config.json"),
    ("core/src/model/t5/config.rs", "`model_type` in config.json"),
    ("core/src/model/gguf/config.rs", "names of architectures and tensors in a GGUF file"),
    ("core/src/model/path.rs", "paths of parameters"),
    ("core/src/model/torch", "names of files in an archive"),
    ("core/src/peft", "PEFT's configuration and names"),
    ("core/src/postprocess.rs", "answers"),
    ("core/src/report_html/mod.rs", "the recipe that trains nothing, by its name"),
    ("core/src/spec/overlay.rs", "paths of a spec's fields"),
    ("core/src/spec/tables.rs", "paths of a spec's fields"),
    ("core/src/stage_id.rs", "a stage's written form"),
    ("core/src/task/file.rs", "whether a task is named or a file"),
    ("core/src/tokenizer", "names of pieces in a vocabulary"),
    ("core/src/tokenizer.rs", "names of sentinels"),
    ("world/src/facts.rs", "words of the corpus"),
    ("world/src/tokenizer.rs", "kinds of words of the corpus"),
    ("xtask/src", "what tools print, and names of files"),
];

/// Crates that must not know each other: the crate, and what it may not depend on.
const UNKNOWN_CRATES: &[(&str, &[&str])] = &[
    ("promot-core", &["promot-world", "promot", "promot-app", "promot-tests", "xtask"]),
    ("promot-world", &["promot", "promot-app", "promot-tests", "xtask"]),
    ("promot", &["promot-app", "promot-tests", "xtask"]),
    ("promot-app", &["promot", "promot-tests", "xtask"]),
];

/// Files longer than the limit, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// A file of more lines than this holds more than one idea.
const MOST_LINES: usize = 500;

/// Modules that work on values and text alone: no tensor library in them.
const WITHOUT_TENSORS: &[&str] = &[
    "stage_id",
    "error",
    "content",
    "rng",
    "data",
    "tokenizer",
    "metrics",
    "postprocess",
    "template",
    "task",
    "record",
    "render",
    "report",
    "paired",
    "report_html",
    "results_table",
    "signs",
    "chart",
    "spec",
];

/// What a model must not know, although those modules stand above it.
const UNKNOWN_TO_MODELS: &[&str] = &["data", "tokenizer", "metrics", "postprocess", "template", "task"];

/// What the library must not reach outside tests: it gets values and bytes and gives values and bytes.
const OUTSIDE_WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
    "std::time::SystemTime",
];
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Random numbers that no seed of ours decides: the system's, and a device's own generator.
const FOREIGN_CHANCE: &[&str] =
    &["thread_rng", "from_os_rng", "from_entropy", "from_rng", "Distribution", "Initializer"];

/// Calls that wait for the device. In a browser they panic, so the library reads with their async twins.
const BLOCKING_READS: &[&str] = &["into_data", "to_data", "into_scalar", "block_on"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository's root")
}

/// What cargo answers, without a network.
fn cargo(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.args(arguments).arg("--offline").current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("cargo {arguments:?}: {error}"));
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The workspace's packages as Cargo sees them, without dependencies. Read as plain JSON: the crate `cargo_metadata` would
/// switch on a feature of serde_json, and with that build the tensor library once more.
static PACKAGES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_slice(&metadata).expect("cargo metadata gives JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
});

/// Every dependency with its features, of the program or of all there is, as `cargo tree` has them.
fn features(arguments: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"];
    let text = String::from_utf8(cargo(&[&tree, arguments].concat())).expect("cargo tree gives text");
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// A dependency with other features is another one, and so is all that depends on it: the tensor library takes a quarter of
/// an hour.
#[test]
fn program_and_tests_share_one_build_of_every_dependency() {
    let program = features(&["--package", "promot", "--edges", "normal,build"]);
    let tests = features(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(program.iter().any(|line| line.starts_with("burn v")), "{program:?}");
    let other: Vec<&String> = program.difference(&tests).collect();
    assert!(other.is_empty(), "with these features in the program alone: {other:?}");
}

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let tree = Tree::read(&root(), &packages());
    assert!(tree.package("core").count() > 10, "found {} files in core", tree.package("core").count());
    tree
});

/// The folders of the workspace's packages.
fn packages() -> Vec<String> {
    let folder = |package: &Value| {
        let folder = Path::new(package["manifest_path"].as_str()?).parent()?.canonicalize().ok()?;
        Some(folder.strip_prefix(root()).ok()?.to_string_lossy().replace('\\', "/"))
    };
    PACKAGES.iter().filter_map(folder).collect()
}

fn core() -> impl Iterator<Item = &'static File> {
    TREE.package("core")
}

/// Fails with every breach on its own line, and for every exception that nothing needs any more.
#[track_caller]
fn assert_none(rule: &str, breaches: Vec<Breach>, exceptions: &[Exception]) {
    let is_excepted =
        |breach: &Breach| exceptions.iter().any(|(file, module, _)| breach.is_import(file, module));
    let (excepted, breaches): (Vec<Breach>, Vec<Breach>) = breaches.into_iter().partition(is_excepted);
    assert!(breaches.is_empty(), "{rule}:\n{}", lines(&breaches));
    for (file, module, reason) in exceptions {
        let needed = excepted.iter().any(|breach| breach.is_import(file, module));
        assert!(needed, "{file} no longer imports {module}: take out the exception ({reason})");
    }
}

fn lines(breaches: &[Breach]) -> String {
    breaches.iter().map(|breach| format!("{breach}\n")).collect()
}

fn circles(fronts: &[&str]) -> Vec<Circle> {
    packages().iter().flat_map(|package| rules::circles(&TREE, package, fronts)).collect()
}

#[test]
fn no_files_need_each_other() {
    let fronts: Vec<&str> = FRONTS.iter().map(|(file, _)| *file).collect();
    let found = circles(&fronts);
    let breaches: Vec<String> = found
        .iter()
        .map(|circle| format!("{}\n{}", circle.files.join(", "), lines(&circle.imports)))
        .collect();
    assert!(
        breaches.is_empty(),
        "files that need each other are one file, or lack one:\n{}",
        breaches.join("\n")
    );
    let without_any = circles(&[]);
    for (front, reason) in FRONTS {
        let needed = without_any.iter().any(|circle| circle.files.iter().any(|file| file == front));
        assert!(needed, "{front} is in no circle: take out the exception ({reason})");
    }
}

#[test]
fn nothing_decides_by_reading_text() {
    let found = rules::text_tests(&TREE);
    let reader =
        |breach: &Breach, file: &str| breach.file == file || breach.file.starts_with(&format!("{file}/"));
    let breaches: Vec<Breach> = found
        .iter()
        .filter(|breach| !READERS.iter().any(|(file, _)| reader(breach, file)))
        .cloned()
        .collect();
    assert!(
        breaches.is_empty(),
        "give it a type, or list the file with the format it reads:\n{}",
        lines(&breaches)
    );
    for (file, reason) in READERS {
        assert!(found.iter().any(|breach| reader(breach, file)), "{file} no longer reads text ({reason})");
    }
}

#[test]
fn crates_depend_on_each_other_one_way_only() {
    for (name, forbidden) in UNKNOWN_CRATES {
        let Some(package) = PACKAGES.iter().find(|package| package["name"] == *name) else { continue };
        for dependency in package["dependencies"].as_array().expect("a list of dependencies") {
            let found = dependency["name"].as_str().expect("a dependency's name");
            assert!(
                !forbidden.contains(&found),
                "{}: {name} must not know {found}",
                package["manifest_path"]
            );
        }
    }
}

#[test]
fn a_module_imports_only_modules_listed_above_it() {
    assert_none(
        "lib.rs lists the modules in the order in which they may import each other",
        rules::order(&TREE, "core"),
        ORDER_EXCEPTIONS,
    );
}

#[test]
fn every_module_is_listed_in_lib_rs() {
    let modules = rules::module_list(&TREE, "core");
    for file in core() {
        let Some(module) = file.module.first() else { continue };
        assert!(modules.contains(module), "{} belongs to no module of lib.rs", file.path);
    }
    for module in &modules {
        assert!(core().any(|file| file.module.first() == Some(module)), "{module} has no file");
    }
}

#[test]
fn models_know_no_task_tokenizer_or_method() {
    assert_none(
        "a model gets ids and gives logits",
        rules::imports(&TREE, "core", &["model"], UNKNOWN_TO_MODELS),
        MODEL_EXCEPTIONS,
    );
}

#[test]
fn data_tasks_and_metrics_see_no_tensor() {
    let is_listed =
        |file: &&File| file.module.first().is_some_and(|module| WITHOUT_TENSORS.contains(&module.as_str()));
    let breaches = core()
        .filter(is_listed)
        .flat_map(|file| rules::foreign(&TREE, file, &["burn"], Tests::Count))
        .collect();
    assert_none("these modules work on values and text alone", breaches, &[]);
}

#[test]
fn search_sees_no_model_and_no_tensor() {
    let forbidden = ["burn", "crate::model", "crate::tokenizer", "crate::batch"];
    let search: Vec<&File> = core().filter(|file| file.path == "core/src/decode/beam.rs").collect();
    assert!(!search.is_empty(), "the search is no longer in decode/beam.rs");
    let breaches =
        search.into_iter().flat_map(|file| rules::foreign(&TREE, file, &forbidden, Tests::Count)).collect();
    assert_none("search asks `NextToken` for logits and nothing else", breaches, &[]);
}

#[test]
fn the_library_never_waits_for_the_device() {
    let breaches = core().flat_map(|file| rules::calls(file, BLOCKING_READS)).collect();
    assert_none("reading back is async; the native program blocks on it", breaches, &[]);
}

#[test]
fn chance_comes_from_the_named_streams_only() {
    let others = ["rand::rng", "rand::random", "rand::rngs", "burn::tensor::Tensor::random"];
    let breaches = core()
        .flat_map(|file| {
            let mut found = rules::calls(file, FOREIGN_CHANCE);
            found.extend(rules::foreign(&TREE, file, &others, Tests::Free));
            found
        })
        .collect();
    assert_none("random numbers are drawn on the host from `rng::Streams`", breaches, &[]);
}

#[test]
fn methods_import_neither_each_other_nor_the_training_loop() {
    let breaches = rules::method_independence(&TREE, "core");
    assert_none("a method is one file behind one trait", breaches, &[]);
}

#[test]
fn the_library_has_no_files_network_clock_threads_or_printing() {
    let breaches = core()
        .flat_map(|file| {
            let mut found = rules::foreign(&TREE, file, OUTSIDE_WORLD, Tests::Free);
            found.extend(rules::macros(file, PRINTING));
            found
        })
        .collect();
    assert_none("values and bytes in, values and bytes out", breaches, &[]);
}

#[test]
fn no_file_needs_a_table_of_contents() {
    let mut long = Vec::new();
    for File { path, n_lines, .. } in &TREE.files {
        match LONG_FILES.iter().find(|(name, _)| name == path) {
            Some((_, reason)) => assert!(*n_lines > MOST_LINES, "no longer needed: {path} ({reason})"),
            None if *n_lines > MOST_LINES => long.push(format!("{path}: {n_lines} lines")),
            None => {}
        }
    }
    assert!(long.is_empty(), "at most {MOST_LINES} lines a file:\n{}", long.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    let found = TREE.files.iter().flat_map(|file| rules::attributes(file, &["ignore"])).collect();
    assert_none("an ignored test is run by nobody; let it skip itself and say why", found, &[]);
}

#[test]
fn architecture_md_names_every_module() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for module in rules::module_list(&TREE, "core") {
        let names = [format!("`{module}`"), format!("`{module}/`"), format!("`{module}.rs`")];
        assert!(
            names.iter().any(|name| page.contains(name)),
            "ARCHITECTURE.md does not say what `{module}` is"
        );
    }
}
