//! The rules of ARCHITECTURE.md that a program can see in the sources: which module may import which, and what
//! must never stand in the library. Every source file below `core/src` is read; exceptions are listed here, each
//! with its reason, and an exception that nothing needs any more is an error.

mod rules;
mod scan;

use std::path::{Path, PathBuf};

use rules::{Breach, Rule};
use scan::Source;

/// An import that a rule would refuse: the file, the module, and why it may stay.
type Exception = (&'static str, &'static str, &'static str);

const ORDER_EXCEPTIONS: &[Exception] = &[(
    "world/tests.rs",
    "task",
    "a test that pretraining documents show the tasks in exactly the tasks' own templates",
)];

const MODEL_EXCEPTIONS: &[Exception] = &[(
    "model/folder.rs",
    "tokenizer",
    "a model folder holds the weights and their tokenizer, and hands both out together; the model itself sees ids",
)];

/// Files longer than the limit, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// A file of more lines than this holds more than one idea.
const MOST_LINES: usize = 500;

/// Modules that work on values and text alone: no tensor library in them.
const WITHOUT_TENSORS: &[&str] = &[
    "error",
    "rng",
    "data",
    "tokenizer",
    "metrics",
    "postprocess",
    "template",
    "task",
    "world",
    "report",
    "spec",
];

/// What a model must not know, although those modules stand above it.
const UNKNOWN_TO_MODELS: &[&str] =
    &["data", "tokenizer", "metrics", "postprocess", "template", "task", "world"];

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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn core_sources() -> Vec<Source> {
    let sources = scan::read(&root().join("core").join("src"));
    assert!(sources.len() > 10, "found only {} source files below core/src", sources.len());
    sources
}

fn modules() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("core/src/lib.rs")).expect("core/src/lib.rs");
    rules::module_list(&lib)
}

/// Fails with every breach on its own line, and for every exception that nothing needs any more.
#[track_caller]
fn assert_none(rule: &str, breaches: Vec<Breach>, exceptions: &[Exception]) {
    let is_excepted =
        |breach: &Breach| exceptions.iter().any(|(file, module, _)| breach.is_import(file, module));
    let (excepted, breaches): (Vec<Breach>, Vec<Breach>) = breaches.into_iter().partition(is_excepted);
    let lines: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    assert!(lines.is_empty(), "{rule}:\n{}", lines.join("\n"));
    for (file, module, reason) in exceptions {
        let needed = excepted.iter().any(|breach| breach.is_import(file, module));
        assert!(needed, "{file} no longer imports {module}: take out the exception ({reason})");
    }
}

#[test]
fn a_module_imports_only_modules_listed_above_it() {
    let modules = modules();
    let breaches = core_sources().iter().flat_map(|source| rules::order(source, &modules)).collect();
    assert_none(
        "lib.rs lists the modules in the order in which they may import each other",
        breaches,
        ORDER_EXCEPTIONS,
    );
}

#[test]
fn every_module_is_listed_in_lib_rs() {
    let (sources, modules) = (core_sources(), modules());
    for source in &sources {
        let Some(module) = source.module.first() else { continue };
        assert!(modules.contains(module), "{} belongs to no module of lib.rs", source.file);
    }
    for module in &modules {
        assert!(sources.iter().any(|source| source.module.first() == Some(module)), "{module} has no file");
    }
}

#[test]
fn models_know_no_task_tokenizer_or_method() {
    let rule = Rule { modules: &["model"], forbidden: UNKNOWN_TO_MODELS };
    assert_none(
        "a model gets ids and gives logits",
        rules::imports(&core_sources(), &rule),
        MODEL_EXCEPTIONS,
    );
}

#[test]
fn data_tasks_and_metrics_see_no_tensor() {
    let breaches = core_sources()
        .iter()
        .filter(|source| source.is_in(WITHOUT_TENSORS))
        .flat_map(|source| rules::foreign(source, &["burn"]))
        .collect();
    assert_none("these modules work on values and text alone", breaches, &[]);
}

#[test]
fn search_sees_no_model_and_no_tensor() {
    let breaches = core_sources()
        .iter()
        .filter(|source| source.file == "decode/beam.rs")
        .flat_map(|source| {
            rules::foreign(source, &["burn", "crate::model", "crate::tokenizer", "crate::batch"])
        })
        .collect();
    assert_none("search asks `NextToken` for logits and nothing else", breaches, &[]);
    assert!(root().join("core/src/decode/beam.rs").exists(), "the search is no longer in decode/beam.rs");
}

#[test]
fn the_library_never_waits_for_the_device() {
    let breaches = core_sources()
        .iter()
        .filter(|source| !source.is_test)
        .flat_map(|source| rules::calls(source, BLOCKING_READS))
        .collect();
    assert_none("reading back is async; the native program blocks on it", breaches, &[]);
}

#[test]
fn chance_comes_from_the_named_streams_only() {
    let breaches = core_sources()
        .iter()
        .filter(|source| !source.is_test)
        .flat_map(|source| {
            let mut found = rules::calls(source, FOREIGN_CHANCE);
            found.extend(rules::foreign(
                source,
                &["rand::rng", "rand::random", "rand::rngs", "Tensor::random"],
            ));
            found
        })
        .collect();
    assert_none("random numbers are drawn on the host from `rng::Streams`", breaches, &[]);
}

#[test]
fn methods_import_neither_each_other_nor_the_training_loop() {
    let breaches = core_sources().iter().flat_map(rules::method_independence).collect();
    assert_none("a method is one file behind one trait", breaches, &[]);
}

#[test]
fn the_library_has_no_files_network_clock_threads_or_printing() {
    let breaches = core_sources()
        .iter()
        .filter(|source| !source.is_test)
        .flat_map(|source| {
            let mut found = rules::foreign(source, OUTSIDE_WORLD);
            found.extend(rules::macros(source, PRINTING));
            found
        })
        .collect();
    assert_none("values and bytes in, values and bytes out", breaches, &[]);
}

#[test]
fn no_file_needs_a_table_of_contents() {
    let mut long = Vec::new();
    for folder in ["core", "cli", "app", "xtask", "tests"] {
        for (file, n_lines) in scan::line_counts(&root().join(folder)) {
            let file = format!("{folder}/{file}");
            match LONG_FILES.iter().find(|(name, _)| *name == file) {
                Some((_, reason)) => assert!(n_lines > MOST_LINES, "no longer needed: {file} ({reason})"),
                None if n_lines > MOST_LINES => long.push(format!("{file}: {n_lines} lines")),
                None => {}
            }
        }
    }
    assert!(long.is_empty(), "at most {MOST_LINES} lines a file:\n{}", long.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    for folder in ["core", "cli", "app", "xtask", "tests"] {
        for source in scan::read(&root().join(folder)) {
            let found = source.attributes().any(|attribute| attribute.starts_with("ignore"));
            assert!(
                !found,
                "{folder}/{}: an ignored test is run by nobody; let it skip itself and say why",
                source.file
            );
        }
    }
}

#[test]
fn architecture_md_names_every_module() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for module in modules() {
        let names = [format!("`{module}`"), format!("`{module}/`"), format!("`{module}.rs`")];
        assert!(
            names.iter().any(|name| page.contains(name)),
            "ARCHITECTURE.md does not say what `{module}` is"
        );
    }
}
